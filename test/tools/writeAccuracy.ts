/** `npm run accuracy`: prints the tables and writes docs/accuracy.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accuracyLines, accuracyOf, accuracyPage } from './accuracy.ts';
import { measurements } from './recordings.ts';

export function writeAccuracy(root: string): void {
  const accuracy = accuracyOf(measurements(join(root, 'test', 'fixtures')));
  writeFileSync(join(root, 'docs', 'accuracy.md'), accuracyPage(accuracy));
  for (const line of accuracyLines(accuracy)) console.log(line);
}
