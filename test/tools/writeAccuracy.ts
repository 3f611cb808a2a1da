/** `npm run accuracy`: prints the tables and writes docs/accuracy.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accuracyLines, accuracyOf, accuracyPage } from './accuracy.ts';
import { publishedSpeeds } from './publishedSpeeds.ts';
import { recordedRun, recordedRunNames } from './recordedRuns.ts';
import { measurements } from './recordings.ts';
import { comparedBatches } from './staticBatches.ts';

export async function writeAccuracy(root: string): Promise<void> {
  const fixtures = join(root, 'test', 'fixtures');
  const runs = await Promise.all(recordedRunNames.map((name) => recordedRun(fixtures, name)));
  const accuracy = accuracyOf(
    measurements(fixtures),
    publishedSpeeds(fixtures),
    comparedBatches(fixtures),
    runs,
  );
  writeFileSync(join(root, 'docs', 'accuracy.md'), accuracyPage(accuracy));
  for (const line of accuracyLines(accuracy)) console.log(line);
}
