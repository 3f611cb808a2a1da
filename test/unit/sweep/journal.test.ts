import { expect, it } from 'vitest';
import { inOrder, type JournalEntry } from '../../../src/core/sweep/journal.ts';

const entry = (seq: number, part?: number): JournalEntry => ({
  seq,
  wallMs: seq,
  type: 'warning',
  message: `${part ?? 'run'} ${seq}`,
  ...(part === undefined ? {} : { part }),
});

it('counts each record once, and those of array tasks beside those of the run', () => {
  const written = [entry(1, 1), entry(0), entry(0, 1), entry(0, 0), entry(1), entry(1, 1)];
  expect(inOrder(written).map((one) => one.type === 'warning' && one.message)).toEqual([
    'run 0',
    'run 1',
    '0 0',
    '1 0',
    '1 1',
  ]);
});
