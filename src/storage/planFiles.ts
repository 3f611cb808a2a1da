/** What stands around a plan on this machine and counts for it: its trace files, and what starts took before. */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { entriesOf } from '../core/calibration/calibration.ts';
import { failure, type Result, success } from '../core/result.ts';
import type { SweepPlan } from '../core/sweep/planSchema.ts';
import type { TraceEntry } from '../core/sweep/run.ts';
import type { KnownStart } from '../core/sweep/startTimes.ts';
import { parseTrace } from '../core/sweep/trace.ts';
import { readJournalLine } from '../protocol/agentGuard.ts';
import { readRunEnvironment } from '../protocol/runEnvironment.ts';
import { readCalibration } from './calibrationFile.ts';
import { journalFile, listRunFolders } from './runFolder.ts';

const MOST_TRACE_BYTES = 32 * 1024 * 1024;

/** Trace files by the name that the plan gives them; `folder` is the plan's. Problems stand at the load that names the file. */
export async function readTraces(
  plan: SweepPlan,
  folder: string,
): Promise<Result<ReadonlyMap<string, readonly TraceEntry[]>>> {
  const traces = new Map<string, readonly TraceEntry[]>();
  for (const [index, load] of plan.load.entries()) {
    if (load.profile !== 'trace' || traces.has(load.trace)) continue;
    const path = ['load', index, 'trace'];
    const text = await traceText(isAbsolute(load.trace) ? load.trace : resolve(folder, load.trace));
    if (!text.ok) return failure(...text.problems.map((problem) => ({ ...problem, path })));
    const parsed = parseTrace(text.value);
    if (!parsed.ok) {
      return failure(
        ...parsed.problems.map(({ code, message }) => ({ code, message: `${load.trace}: ${message}`, path })),
      );
    }
    traces.set(load.trace, parsed.value);
  }
  return success(traces);
}

async function traceText(path: string): Promise<Result<string>> {
  try {
    const { size } = await stat(path);
    if (size > MOST_TRACE_BYTES) {
      return failure({ code: 'trace.too-large', message: `${path} has ${size} bytes: that is no trace.` });
    }
    return success(await readFile(path, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return failure({ code: 'trace.unreadable', message: `The trace cannot be read: ${why}.` });
  }
}

/** Runs that are looked at, the newest first. */
const MOST_RUNS = 20;

/** Starts that the workspace has measured: in its runs, and in the logs that it was calibrated with. Never throws. */
export async function knownStarts(workspace: string): Promise<readonly KnownStart[]> {
  const runs = (await listRunFolders(workspace).catch(() => [])).slice(0, MOST_RUNS);
  const ofRuns = await Promise.all(runs.map(({ run, directory }) => startsOfRun(run, directory)));
  const calibration = await readCalibration(workspace);
  const ofLogs = calibration.ok
    ? entriesOf(calibration.value).flatMap(({ kind, startup, engine, model, source }): KnownStart[] =>
        kind === 'log' && startup !== undefined
          ? [{ engine, model, source, ...startup, part: 'initialisation' }]
          : [],
      )
    : [];
  return [...ofRuns.flat(), ...ofLogs];
}

async function startsOfRun(run: string, directory: string): Promise<KnownStart[]> {
  try {
    const environment = readRunEnvironment(await readFile(join(directory, 'environment.json'), 'utf8'));
    if (!environment.ok || environment.value.context.mode !== 'measured') return [];
    const { engine, model, cells } = environment.value.context;
    const eager = new Map(cells.map(({ engineKey, flags }) => [engineKey, flags['enforce-eager'] === true]));
    const journal = await readFile(join(directory, journalFile), 'utf8');
    return journal.split('\n').flatMap((line): KnownStart[] => {
      if (!line.includes('"engine-ready"')) return [];
      const guarded = readJournalLine(line);
      if (guarded.kind !== 'record' || guarded.record.type !== 'engine-ready') return [];
      const { engineKey, startupSeconds, instances } = guarded.record;
      // Copies are started one after another: one of them took its share.
      const seconds = startupSeconds / Math.max(1, instances?.length ?? 1);
      const known = eager.get(engineKey);
      return known === undefined
        ? []
        : [{ engineKey, engine: engine.name, model, eager: known, seconds, source: run }];
    });
  } catch {
    return [];
  }
}
