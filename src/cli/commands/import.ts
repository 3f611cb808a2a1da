import { relative, resolve } from 'node:path';
import type { Problem } from '../../core/result.ts';
import { cellTable } from '../../core/sweep/reportTable.ts';
import type { RunResults } from '../../core/sweep/run.ts';
import { readForeignFiles } from '../../storage/foreignFiles.ts';
import { importedReport, writeImportedRun } from '../../storage/importedRun.ts';
import { writeReports } from '../../storage/runReport.ts';
import { BadInput, problemLine } from '../badInput.ts';
import { exitCodes } from '../exitCodes.ts';
import { parseOptions } from '../options.ts';
import { workspaceOf } from '../runPlaces.ts';
import type { Terminal } from '../terminal.ts';
import { textTable } from '../textTable.ts';

/** Results of other load generators become runs of this folder: with a report, and a place in the editor's Runs view. */
export async function importCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('import', argv, {
    workspace: { type: 'string' },
    'dry-run': { type: 'boolean' },
  });
  if (given.files.length === 0)
    throw new BadInput(
      'loadline import: give result files or folders. `loadline help import` lists what is known.',
    );
  const { files, problems } = await readForeignFiles(given.files, (name) => resolve(terminal.cwd, name));
  if (problems.length > 0) throw new BadInput(...problems.map(lineOf));
  const { readForeign } = await import('../../core/foreign/foreign.ts');
  const read = readForeign(files);
  if (!read.ok) throw new BadInput(...read.problems.map(lineOf));
  for (const warning of read.warnings) terminal.err(lineOf(warning));
  const asJson = given.isSet('json');
  const workspace = workspaceOf(given, terminal.cwd);
  for (const results of read.value) {
    if (!asJson) show(results, terminal);
    if (given.isSet('dry-run')) continue;
    const directory = await writeImportedRun(workspace, results);
    const { html } = await writeReports(directory, importedReport(results));
    if (!asJson) terminal.out(relative(terminal.cwd, html) || html);
  }
  if (asJson) terminal.out(JSON.stringify(read.value, null, 2));
  return exitCodes.ok;
}

function show(results: RunResults, terminal: Terminal): void {
  terminal.out(`${results.name} (${results.run})`);
  for (const line of textTable(cellTable(results))) terminal.out(line);
  for (const note of results.origin?.notes ?? []) terminal.err(`  ${note}`);
  for (const warning of results.warnings) terminal.err(`  ${warning}`);
}

/** `results/c8.json: ttfts[3]: …`. */
function lineOf(problem: Problem): string {
  const [file, ...keys] = problem.path ?? [];
  const at = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  const place = at === '' ? '' : `${at.replace(/^\./, '')}: `;
  return problemLine(String(file ?? 'loadline import'), {
    ...problem,
    message: `${place}${problem.message}`,
  });
}
