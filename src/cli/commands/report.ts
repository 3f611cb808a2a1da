import { relative, resolve } from 'node:path';
import { compareRuns } from '../../core/sweep/compare.ts';
import { comparisonSentences, comparisonTable, costSentence } from '../../core/sweep/reportCompare.ts';
import type { ReportInput } from '../../core/sweep/reportContent.ts';
import { resultsCsv } from '../../core/sweep/reportCsv.ts';
import { reportHtml } from '../../core/sweep/reportHtml.ts';
import { reportMarkdown } from '../../core/sweep/reportMarkdown.ts';
import { errorWords, notMeasured } from '../../core/sweep/runCalibration.ts';
import { writeFileAtomically } from '../../storage/atomicFile.ts';
import { calibrateByRun } from '../../storage/calibrateRun.ts';
import { calibrationPath } from '../../storage/calibrationFile.ts';
import { wasInterrupted } from '../../storage/runFolder.ts';
import { writeReports } from '../../storage/runReport.ts';
import { parseSweepPlan } from '../../text/sweepPlan.ts';
import { BadInput } from '../badInput.ts';
import { exitCodes } from '../exitCodes.ts';
import { parseOptions } from '../options.ts';
import { type RunPlace, runOptions, runPlace, runPlaceOf } from '../runPlaces.ts';
import { readReportInput, writeResults } from '../runReports.ts';
import type { Terminal } from '../terminal.ts';
import { textTable } from '../textTable.ts';

const formats = ['html', 'md', 'csv', 'json'] as const;
type Format = (typeof formats)[number];

const options = {
  workspace: runOptions.workspace,
  format: { type: 'string' },
  output: { type: 'string', short: 'o' },
  compare: { type: 'string' },
  calibrate: { type: 'boolean' },
} as const;

/** Makes results.json and the reports again from what the run folder has. Asks no host. */
export async function reportCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('report', argv, options);
  const format = formatNamed(given.text('format'));
  const place = await runPlace(given, terminal.cwd);
  const input = await readReportInput(place, await wasInterrupted(place.directory));
  if (given.isSet('calibrate')) await calibrate(place, input, terminal);
  const other = given.text('compare');
  if (other !== undefined) {
    const its = runPlaceOf(other, place.workspace, terminal.cwd);
    const second = await readReportInput(its, await wasInterrupted(its.directory));
    compare(input, second, terminal, given.isSet('json'));
    return exitCodes.ok;
  }
  const output = given.text('output');
  if (output !== undefined) {
    const content = contentOf(input, format ?? formatOf(output));
    if (output === '-') terminal.out(content.trimEnd());
    else await writeFileAtomically(resolve(terminal.cwd, output), content);
    return exitCodes.ok;
  }
  await writeResults(place, input.results);
  const files = await writeReports(place.directory, input);
  if (given.isSet('json')) terminal.out(JSON.stringify(input.results, null, 2));
  else {
    const written = { html: files.html, md: files.markdown, csv: files.csv, json: files.json };
    const wanted = format === undefined ? formats : [format];
    for (const one of wanted) terminal.out(relative(terminal.cwd, written[one]) || written[one]);
  }
  return exitCodes.ok;
}

function formatNamed(name: string | undefined): Format | undefined {
  const format = formats.find((one) => one === name);
  if (name !== undefined && format === undefined)
    throw new BadInput(`--format: ${formats.join(', ')}, not "${name}".`);
  return format;
}

function formatOf(output: string): Format {
  const [, ending = ''] = /\.(\w+)$/.exec(output.toLowerCase()) ?? [];
  return ending === 'markdown' ? 'md' : (formats.find((format) => format === ending) ?? 'html');
}

function contentOf(input: ReportInput, format: Format): string {
  switch (format) {
    case 'html':
      return reportHtml(input);
    case 'md':
      return reportMarkdown(input);
    case 'csv':
      return resultsCsv(input.results);
    case 'json':
      return `${JSON.stringify(input.results, null, 2)}\n`;
  }
}

/** The difference of two runs, each figure with its interval. */
function compare(first: ReportInput, second: ReportInput, terminal: Terminal, json: boolean): void {
  const comparison = compareRuns(first.results, second.results);
  if (json) {
    // Cells stand in the runs' own results; here by their labels.
    const cells = comparison.cells.map(({ label, notCompared, metrics }) => ({
      label,
      notCompared,
      metrics,
    }));
    terminal.out(JSON.stringify({ schema: 1, ...comparison, cells }, null, 2));
    return;
  }
  const simulated = [first, second].some(({ results }) => results.mode === 'rehearsal');
  terminal.out(`${first.results.run} and ${second.results.run}${simulated ? ' (simulated)' : ''}`);
  for (const sentence of comparisonSentences(comparison)) terminal.out(sentence);
  const cost = costSentence([first.results, second.results]);
  if (cost !== undefined) terminal.out(cost);
  if (comparison.cells.length > 0)
    for (const line of textTable(comparisonTable(comparison))) terminal.out(line);
}

/** Lets what the run measured correct later estimates, and says the error before and after. */
async function calibrate(place: RunPlace, input: ReportInput, terminal: Terminal): Promise<void> {
  const refused = notMeasured(input.results);
  if (refused) throw new BadInput(`--calibrate: ${refused.message}`);
  const plan = parseSweepPlan(input.planText).result;
  if (!plan.ok) throw new BadInput(...plan.problems.map(({ message }) => `plan.yaml: ${message}`));
  const calibrated = await calibrateByRun(place, plan.value, input, [place.workspace, terminal.cwd]);
  if (!calibrated.ok)
    throw new BadInput(...calibrated.problems.map(({ message }) => `--calibrate: ${message}`));
  const { entries, leftOut, errors, again } = calibrated.value;
  for (const why of leftOut) terminal.err(`left out: ${why}.`);
  terminal.err(
    `calibrated by ${entries.length} ${entries.length === 1 ? 'start' : 'starts'}${again > 0 ? ` (${again} of them anew)` : ''}: ${calibrationPath(place.workspace)}; \`loadline calibration --undo\` takes it back`,
  );
  for (const sentence of errors.map(errorWords)) terminal.err(sentence);
}
