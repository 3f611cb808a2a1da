/** Runs as they are named on the command line -> folders here. */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { type RunEnvironment, readRunEnvironment } from '../protocol/runEnvironment.ts';
import { listRunFolders, runFolder, runsFolder } from '../storage/runFolder.ts';
import { BadInput } from './badInput.ts';
import type { ParsedOptions } from './options.ts';

/** Options of all commands that work on a run. */
export const runOptions = { workspace: { type: 'string' }, host: { type: 'string' } } as const;

export interface RunPlace {
  readonly run: string;
  readonly workspace: string;
  readonly directory: string;
}

/** The folder that has `.loadline`: `--workspace`, else the nearest above that has one, else the current folder. */
export function workspaceOf(given: ParsedOptions, cwd: string): string {
  const named = given.text('workspace');
  if (named !== undefined) {
    const folder = resolve(cwd, named);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
    throw new BadInput(`--workspace: there is no folder ${folder}.`);
  }
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.loadline'))) return folder;
    if (dirname(folder) === folder) return cwd;
  }
}

/** A run by its name, by its folder, or the newest. It need not be here yet where it is given by name. */
export async function runPlace(given: ParsedOptions, cwd: string): Promise<RunPlace> {
  const [named, ...more] = given.files;
  if (more.length > 0) throw new BadInput(`One run at a time, please: ${[named, ...more].join(', ')}.`);
  const workspace = workspaceOf(given, cwd);
  if (named === undefined) {
    const [newest] = await listRunFolders(workspace);
    if (newest === undefined)
      throw new BadInput(`There is no run in ${runsFolder(workspace)}. Name one, or give --workspace.`);
    return { run: newest.run, workspace, directory: newest.directory };
  }
  return runPlaceOf(named, workspace, cwd);
}

/** A run by its name in a workspace, or by its folder. It need not be here yet where it is given by name. Throws BadInput. */
export function runPlaceOf(named: string, workspace: string, cwd: string): RunPlace {
  const directory = resolve(cwd, named);
  const inRuns =
    basename(dirname(directory)) === 'runs' && basename(dirname(dirname(directory))) === '.loadline';
  if (inRuns && existsSync(directory)) {
    return { run: basename(directory), workspace: dirname(dirname(dirname(directory))), directory };
  }
  if (named.includes(sep)) throw new BadInput(`${named}: no run folder. Runs are in .loadline/runs.`);
  try {
    return { run: named, workspace, directory: runFolder(workspace, named) };
  } catch (error) {
    throw new BadInput(error instanceof Error ? error.message : String(error));
  }
}

/** environment.json of a run that is here; undefined where it is not, or not whole yet. Throws BadInput where it cannot be used. */
export async function readEnvironment({ directory }: RunPlace): Promise<RunEnvironment | undefined> {
  const text = await readTextFile(join(directory, 'environment.json'));
  if (text === undefined) return undefined;
  const read = readRunEnvironment(text);
  if (read.ok) return read.value;
  if (read.problems.some(({ code }) => code === 'run.environment-torn')) return undefined;
  throw new BadInput(...read.problems.map(({ message }) => `${directory}: ${message}`));
}

export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BadInput(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The host of a run: `--host`, else the one that it was started on. */
export async function hostOf(given: ParsedOptions, place: RunPlace): Promise<string> {
  const host =
    given.text('host') ?? (await hostInResults(place)) ?? (await readEnvironment(place))?.context.host;
  if (host !== undefined) return host;
  const where = existsSync(place.directory)
    ? `${place.directory} does not say where it runs`
    : `${place.run} is not in ${dirname(place.directory)}`;
  throw new BadInput(`${where}: name its host with --host.`);
}

/** results.json is there from the start of a run on, before anything was copied from its host. */
async function hostInResults({ directory }: RunPlace): Promise<string | undefined> {
  const text = await readTextFile(join(directory, 'results.json'));
  if (text === undefined) return undefined;
  try {
    const { host } = JSON.parse(text) as { readonly host?: unknown };
    return typeof host === 'string' ? host : undefined;
  } catch {
    return undefined;
  }
}
