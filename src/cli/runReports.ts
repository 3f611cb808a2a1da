/** What the terminal writes into a run folder from its journal: results.json, and what a report needs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withEvidence } from '../core/sweep/evidence.ts';
import type { ReportInput } from '../core/sweep/reportContent.ts';
import { resultsFromJournal } from '../core/sweep/results.ts';
import type { RunResults } from '../core/sweep/run.ts';
import { writeFileAtomically } from '../storage/atomicFile.ts';
import { importedReport, readImportedRun } from '../storage/importedRun.ts';
import { readRunEvidence } from '../storage/runEvidence.ts';
import { readJournal } from '../storage/runFolder.ts';
import { reportInput } from '../storage/runReport.ts';
import { BadInput } from './badInput.ts';
import { type RunPlace, readEnvironment, readTextFile } from './runPlaces.ts';

export async function writeResults(place: RunPlace, results: RunResults): Promise<void> {
  await writeFileAtomically(join(place.directory, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
}

/** Everything that a report needs, read from the run folder. `interrupted`: the host says that it ended without its last record. */
export async function readReportInput(place: RunPlace, interrupted: boolean): Promise<ReportInput> {
  const imported = await readImportedRun(place.directory);
  if (imported !== undefined) return importedReport(imported);
  const environment = await readEnvironment(place);
  const planText = await readTextFile(join(place.directory, 'plan.yaml'));
  if (environment === undefined || planText === undefined) {
    const why = existsSync(place.directory)
      ? `${environment === undefined ? 'environment.json' : 'plan.yaml'} is missing or not whole`
      : 'there is no such run here';
    throw new BadInput(
      `${place.directory}: ${why}. \`loadline follow ${place.run}\` copies it from its host.`,
    );
  }
  const { records, notes } = await readJournal(place.directory);
  const { context } = environment;
  const results = resultsFromJournal(context, records, { interrupted, warnings: notes });
  const evidence = await readRunEvidence(place.directory, records);
  return reportInput(environment, planText, withEvidence(results, context, records, evidence));
}
