/** What the first copy of an engine loses to a second one on the same GPUs, and what the GPUs gain. */
import type { CellTelemetry } from '../cellResult.ts';
import { differenceOf } from '../compare.ts';
import { figure } from '../reportFigures.ts';
import type { CellResult } from '../run.ts';
import { isUsable, loadWords, meanOf } from '../usable.ts';
import { copiesOf, flagsWithout } from './groups.ts';

/** A change under this share is none that can be told. */
const SAME = 0.02;

interface Pair {
  readonly one: CellResult;
  readonly two: CellResult;
}

/** `memoryFlags`: a copy may have been given less memory than the one that was alone, where no other cell was measured. */
export function secondCopySentences(cells: readonly CellResult[], memoryFlags: readonly string[]): string[] {
  const alone = cells.filter((cell) => copiesOf(cell) === 1 && isUsable(cell) && cell.concurrency !== null);
  const pairsAt = (share: number): Pair[] =>
    cells.flatMap((two) => {
      if (copiesOf(two) !== 2 || !isUsable(two) || two.concurrency === null) return [];
      const load = two.concurrency * share;
      const like = alone.filter(
        (cell) =>
          cell.concurrency === load &&
          cell.load === two.load &&
          flagsWithout(cell, memoryFlags) === flagsWithout(two, memoryFlags),
      );
      const one = like.find((cell) => flagsWithout(cell, []) === flagsWithout(two, [])) ?? like[0];
      return one === undefined ? [] : [{ one, two }];
    });
  // The pair under most load says most: where there is little to do, there is nothing to share.
  const most = (pairs: readonly Pair[]) =>
    pairs.toSorted((a, b) => (b.two.concurrency ?? 0) - (a.two.concurrency ?? 0))[0];
  const half = most(pairsAt(0.5));
  const words = half === undefined ? undefined : costWords(half);
  if (words !== undefined) return [words];
  const same = most(pairsAt(1));
  return same === undefined ? [] : [sharedWords(same)];
}

/** Each copy under the load that the one alone had. */
function costWords({ one, two }: Pair): string | undefined {
  const alone = meanOf(one, (trial) => trial.systemTokensPerSecond);
  const beside = meanOf(
    two,
    (trial) => trial.perEngine?.find(({ engine }) => engine === 0)?.systemTokensPerSecond ?? null,
  );
  if (alone === null || beside === null) return undefined;
  const change = beside / alone - 1;
  const cost =
    Math.abs(change) < SAME
      ? 'costs the first one nothing that can be told'
      : `${change < 0 ? 'costs' : 'gains'} the first one ${figure(100 * Math.abs(change))} % of its throughput`;
  const both = meanOf(two, (trial) => trial.systemTokensPerSecond);
  return `A second copy ${cost} (${figure(alone)} tokens/s alone at ${loadWords(one)}, ${figure(beside)} beside it), and both together give ${figure(both)}${activityWords(one.telemetry, two.telemetry)}.`;
}

/** Both copies together under the load that the one alone had: what it costs the first one is not in it. */
function sharedWords({ one, two }: Pair): string {
  const difference = differenceOf(one, two, 'systemTokensPerSecond');
  const change =
    difference === undefined || difference.relative === null
      ? 'no figure to compare'
      : `${figure(difference.second)} tokens/s where one gives ${figure(difference.first)} (${difference.relative >= 0 ? '+' : '−'}${figure(100 * Math.abs(difference.relative))} %${difference.verdict === 'no-real-difference' ? ', no real difference' : ''})`;
  return `Two copies that share ${loadWords(one)} give ${change}${activityWords(one.telemetry, two.telemetry)}; what the second costs the first would show at half that load on one, which was not measured.`;
}

/** Quiet sampling has no utilisation, but SM activity, which says more. */
function activityWords(first: CellTelemetry | undefined, second: CellTelemetry | undefined): string {
  const isUtilisation = first?.utilization !== undefined && second?.utilization !== undefined;
  const [before, after] = isUtilisation
    ? [first.utilization, second.utilization]
    : [first?.smActive, second?.smActive];
  if (before === undefined || after === undefined) return '';
  const points = `${after >= before ? '+' : '−'}${figure(100 * Math.abs(after - before))} points`;
  return `; ${isUtilisation ? 'GPU utilisation' : 'SM activity'} goes from ${figure(100 * before)} to ${figure(100 * after)} % (${points})`;
}
