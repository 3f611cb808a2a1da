/** Run folders that were recorded on real GPUs, with what is made of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withEvidence } from '../../src/core/sweep/evidence.ts';
import { resultsFromJournal } from '../../src/core/sweep/results.ts';
import type { RunResults } from '../../src/core/sweep/run.ts';
import { readRunEnvironment } from '../../src/protocol/runEnvironment.ts';
import { readRunEvidence } from '../../src/storage/runEvidence.ts';
import { readJournal } from '../../src/storage/runFolder.ts';

export const recordedRunNames = ['chat', 'memory-limit', 'mps'] as const;

export const recordedRunsFolder = join('runs', 'vllm-0.26-h100-2026-11-25');

/** As the editor and the terminal show it. Two of the runs were cut off (see their README). */
export async function recordedRun(
  fixtures: string,
  name: (typeof recordedRunNames)[number],
): Promise<RunResults> {
  const directory = join(fixtures, recordedRunsFolder, name);
  const environment = readRunEnvironment(readFileSync(join(directory, 'environment.json'), 'utf8'));
  if (!environment.ok) throw new Error(environment.problems[0]?.message);
  const { context } = environment.value;
  const { records, notes } = await readJournal(directory);
  const results = resultsFromJournal(context, records, { interrupted: true, warnings: notes });
  return withEvidence(results, context, records, await readRunEvidence(directory, records));
}
