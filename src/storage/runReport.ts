/** The reports of a run, written beside its journal: one file to read in a browser, one to paste. */
import { join } from 'node:path';
import { commandText } from '../core/engine/commandLine.ts';
import { type ReportInput, reportFileName } from '../core/sweep/reportContent.ts';
import { resultsCsv } from '../core/sweep/reportCsv.ts';
import { reportHtml } from '../core/sweep/reportHtml.ts';
import { reportMarkdown } from '../core/sweep/reportMarkdown.ts';
import type { RunResults } from '../core/sweep/run.ts';
import type { RunEnvironment } from '../protocol/runEnvironment.ts';
import { writeFileAtomically } from './atomicFile.ts';

export interface ReportFiles {
  readonly html: string;
  readonly markdown: string;
  readonly csv: string;
  /** results.json, which the caller writes. */
  readonly json: string;
}

/** Everything that a report says, from what stands in the run folder. */
export function reportInput(
  { context, facts, commands }: RunEnvironment,
  planText: string,
  results: RunResults,
): ReportInput {
  return { results, cells: context.cells, planText, environment: facts, commands: commands.map(commandText) };
}

/** Names of simulated runs say so, and the names of their reports with them. StorageError where they cannot be written. */
export async function writeReports(directory: string, input: ReportInput): Promise<ReportFiles> {
  const files = {
    html: join(directory, reportFileName(input.results.run, 'html')),
    markdown: join(directory, reportFileName(input.results.run, 'md')),
    csv: join(directory, reportFileName(input.results.run, 'csv')),
    json: join(directory, 'results.json'),
  };
  await writeFileAtomically(files.html, reportHtml(input));
  await writeFileAtomically(files.markdown, reportMarkdown(input));
  await writeFileAtomically(files.csv, resultsCsv(input.results));
  return files;
}
