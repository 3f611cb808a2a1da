import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { comparisonCells } from '../../src/cli/logView.ts';
import { textTable } from '../../src/cli/textTable.ts';
import { findDevice } from '../../src/core/device/catalogue.ts';
import {
  type ComparisonRow,
  compareSpeed,
  compareStart,
  parseRecordedStart,
  type RecordedStart,
  recordedRequest,
} from '../../src/core/estimate/compare.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import { resolveModel } from '../../src/storage/modelFolder.ts';

/** What Loadline predicts for each recorded start, beside what the engine logged, as lines of a table; then what to think of it, and what is not covered. */
export async function recordedStartLines(folder: string): Promise<readonly string[]> {
  const lines = (await readFile(join(folder, 'runs.jsonl'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '');
  const rows: string[][] = [];
  const notCovered: string[] = [];
  for (const line of lines) {
    const parsed = parseRecordedStart(JSON.parse(line));
    if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
    const compared = await compare(parsed.value, folder);
    if (typeof compared === 'string') notCovered.push(`${parsed.value.id}: ${compared}`);
    else
      rows.push(
        ...compared.map((row, index) => [index === 0 ? parsed.value.id : '', ...comparisonCells(row)]),
      );
  }
  const column = (title: string, numeric: boolean) => ({ title, unit: '', numeric });
  const columns = [
    column('start', false),
    column('term', false),
    column('predicted', true),
    column('measured', true),
    column('', false),
    column('error', true),
    column('in band', false),
  ];
  return [
    ...textTable({ columns, rows }),
    '',
    'Memory is predicted from flags, config and catalogue alone. These batches were not warmed up: those of models with experts',
    '(deepseek, gpt-oss, qwen3) hold kernels compiled on first use, so that their times say little. Warm ones are in docs/accuracy.md.',
    ...(notCovered.length === 0 ? [] : ['', 'Not covered yet:', ...notCovered.map((line) => `  ${line}`)]),
  ];
}

/** Rows, or why there are none. */
async function compare(recorded: RecordedStart, folder: string): Promise<readonly ComparisonRow[] | string> {
  const device = findDevice('h200-sxm-141gb');
  if (device === undefined) throw new Error('the H200 is not in the catalogue');
  const model = await resolveModel(`models/${recorded.model}.json`, [folder]);
  if (!model.ok) return model.problems[0]?.message ?? 'the model is not known';
  const request = recordedRequest(recorded, model.value, device);
  const compared = compareStart(recorded, estimate(request));
  return compared.notCovered ?? [...compared.rows, ...compareSpeed(recorded, request)];
}
