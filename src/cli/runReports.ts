/** What is written into a run folder from its journal: results.json and the reports. */
import { join } from 'node:path';
import { commandText } from '../core/engine/commandLine.ts';
import type { JournalEntry } from '../core/sweep/journal.ts';
import { type ReportInput, reportFileName } from '../core/sweep/reportContent.ts';
import { reportHtml } from '../core/sweep/reportHtml.ts';
import { reportMarkdown } from '../core/sweep/reportMarkdown.ts';
import { resultsFromJournal } from '../core/sweep/results.ts';
import type { RunResults } from '../core/sweep/run.ts';
import type { RunEnvironment } from '../protocol/runEnvironment.ts';
import { writeFileAtomically } from '../storage/atomicFile.ts';
import { readJournal } from '../storage/runFolder.ts';
import { BadInput } from './badInput.ts';
import { type RunPlace, readEnvironment, readTextFile } from './runPlaces.ts';

export async function writeResults(place: RunPlace, results: RunResults): Promise<void> {
  await writeFileAtomically(join(place.directory, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
}

/** Everything that a report needs, read from the run folder. `interrupted`: the host says that it ended without its last record. */
export async function readReportInput(place: RunPlace, interrupted: boolean): Promise<ReportInput> {
  const environment = await readEnvironment(place);
  const planText = await readTextFile(join(place.directory, 'plan.yaml'));
  if (environment === undefined || planText === undefined) {
    throw new BadInput(
      `${place.directory}: there is no run, or nothing of it is here yet. \`loadline follow\` copies it.`,
    );
  }
  const { records, notes } = await readJournal(place.directory);
  return reportInput(environment, planText, records, { interrupted, warnings: notes });
}

export function reportInput(
  environment: RunEnvironment,
  planText: string,
  records: readonly JournalEntry[],
  options: { readonly interrupted: boolean; readonly warnings: readonly string[] },
): ReportInput {
  return {
    results: resultsFromJournal(environment.context, records, options),
    cells: environment.context.cells,
    planText,
    environment: environment.facts,
    commands: environment.commands.map(commandText),
  };
}

export interface ReportFiles {
  readonly html: string;
  readonly markdown: string;
}

export async function writeReports(place: RunPlace, input: ReportInput): Promise<ReportFiles> {
  const files = {
    html: join(place.directory, reportFileName(place.run, 'html')),
    markdown: join(place.directory, reportFileName(place.run, 'md')),
  };
  await writeFileAtomically(files.html, reportHtml(input));
  await writeFileAtomically(files.markdown, reportMarkdown(input));
  return files;
}
