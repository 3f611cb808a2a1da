import { expect, it } from 'vitest';
import type { JournalEntry } from '../../../src/core/sweep/journal.ts';
import { steadied } from '../../../src/core/sweep/steadyTime.ts';

const hourMs = 3_600_000;
const entry = (
  seq: number,
  monotonicMs: number | undefined,
  wallMs: number,
  part?: number,
): JournalEntry => ({
  seq,
  wallMs,
  type: 'warning',
  message: '',
  ...(monotonicMs === undefined ? {} : { monotonicMs }),
  ...(part === undefined ? {} : { part }),
});
const timesOf = (entries: readonly JournalEntry[]) => steadied(entries).entries.map(({ wallMs }) => wallMs);

it('leaves times alone while both clocks go on alike', () => {
  const whole = [entry(0, 100, 1000), entry(1, 200, 1100), entry(2, 350, 1250)];
  expect(steadied(whole)).toEqual({ entries: whole, offsetMs: 0 });
});

it('goes on by the monotonic clock where the wall clock is set, forward and back', () => {
  const stepped = [
    entry(0, 100, 1000),
    entry(1, 200, 1100 + 3 * hourMs),
    entry(2, 300, 1200 - 5 * hourMs),
    entry(3, 400, 1300 - 5 * hourMs),
  ];
  expect(timesOf(stepped)).toEqual([1000, 1100, 1200, 1300]);
  // A heartbeat's time of the host, as its clock is now, becomes one of these.
  expect(steadied(stepped).offsetMs).toBe(5 * hourMs);
});

it('takes the wall clock for how long a host was away that was started anew', () => {
  expect(timesOf([entry(0, 90_000, 1000), entry(1, 91_000, 2000), entry(2, 40, 62_000)])).toEqual([
    1000, 2000, 62_000,
  ]);
});

it('keeps each array task to the clock of its own host, and records without one to theirs', () => {
  expect(timesOf([entry(0, 100, 1000), entry(0, 900_000, 1500, 0), entry(1, 900_100, 9_999_999, 0)])).toEqual(
    [1000, 1500, 1600],
  );
  expect(timesOf([entry(0, undefined, 1000), entry(1, undefined, 1500)])).toEqual([1000, 1500]);
});
