/** `npm run accuracy`: prints the tables and writes docs/accuracy.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accuracyLines, accuracyOf, accuracyPage } from './accuracy.ts';
import { publishedSpeeds } from './publishedSpeeds.ts';
import { measurements } from './recordings.ts';
import { comparedBatches } from './staticBatches.ts';

export function writeAccuracy(root: string): void {
  const fixtures = join(root, 'test', 'fixtures');
  const accuracy = accuracyOf(measurements(fixtures), publishedSpeeds(fixtures), comparedBatches(fixtures));
  writeFileSync(join(root, 'docs', 'accuracy.md'), accuracyPage(accuracy));
  for (const line of accuracyLines(accuracy)) console.log(line);
}
