import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expandPlan } from '../../../src/core/sweep/cells.ts';
import type { RunContext } from '../../../src/core/sweep/results.ts';
import { readRunPhases } from '../../../src/storage/runPhases.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';
import { chatPlan, mustBe, planOf, rehearsalContext } from '../sweep/plans.ts';

const cells = mustBe(expandPlan(planOf(chatPlan), rehearsalContext));
const context: RunContext = {
  run: '20260101T000000Z-chat',
  name: 'chat',
  mode: 'rehearsal',
  host: 'gpu-01',
  engine: { name: 'vllm', version: null },
  model: 'm',
  device: 'h200-sxm-141gb',
  question: null,
  serviceLevel: null,
  repeats: 1,
  cells,
};
const environment = { schema: 1, loadline: '0.1.0', gitCommit: null, context, commands: [] };

it('the phases of a run’s folder are of its journal; a folder that is none, or is torn, has none', async () => {
  const folder = temporaryFolder('phases');
  expect(await readRunPhases(folder)).toEqual([]);
  const [cell] = cells;
  const journal = [
    { type: 'engine-starting', engineKey: 'e', cell: cell?.id, command: [], log: 'e.log', simulated: true },
    { type: 'cell-started', cell: cell?.id, trial: 0 },
    { type: 'cell-progress', cell: cell?.id, trial: 0, phase: 'load', completed: 1, total: 9 },
  ].map((record, seq) => JSON.stringify({ ...record, seq, monotonicMs: seq, wallMs: 1000 * seq }));
  writeFileSync(join(folder, 'environment.json'), JSON.stringify(environment));
  writeFileSync(join(folder, 'journal.jsonl'), `${journal.join('\n')}\n{"torn`);
  expect(await readRunPhases(folder)).toEqual([
    { fromMs: 0, toMs: 1000, label: 'engine start' },
    { fromMs: 1000, toMs: 2000, label: 'warm-up' },
    { fromMs: 2000, toMs: null, label: cell?.label },
  ]);
  writeFileSync(join(folder, 'environment.json'), '{"schema": 1');
  expect(await readRunPhases(folder)).toEqual([]);
});
