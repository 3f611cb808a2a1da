import { failure, type Result, success } from '../result.ts';
import type { SweepPlan } from './planSchema.ts';

/** More than any flag is worth; a search halves them ten times. */
const MOST_CANDIDATES = 1000;

/** The values that a search may try, small to large. Problems are at its keys. */
export function searchCandidates(search: SweepPlan['search'] & {}): Result<readonly number[]> {
  const { from, to, step = 1, values } = search;
  const wrong = (message: string, key: string): Result<readonly number[]> =>
    failure({ code: 'plan.bad-value', message, path: ['search', key] });
  if (values !== undefined) {
    if (from !== undefined || to !== undefined || search.step !== undefined) {
      return wrong('Give values, or from and to; not both.', 'values');
    }
    return success([...new Set(values)].sort((a, b) => a - b));
  }
  if (from === undefined || to === undefined) {
    return failure({
      code: 'plan.missing-key',
      message: 'A search needs candidates: from and to (and step), or values.',
      path: ['search'],
    });
  }
  if (to <= from) return wrong('to must be more than from.', 'to');
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  if (count > MOST_CANDIDATES) {
    return wrong(`${count} candidates are too many (at most ${MOST_CANDIDATES}): make step larger.`, 'step');
  }
  if (count < 2) return wrong('step leaves one candidate alone: make it smaller.', 'step');
  // Ten digits: 0.1 + 2 x 0.05 is 0.2.
  return success(Array.from({ length: count }, (_, at) => Number((from + at * step).toPrecision(10))));
}
