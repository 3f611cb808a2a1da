/** `memory-limit`: the least GPU memory that runs at all, the least that keeps the peak, and what a second copy costs the first. */
import { formatBytes } from '../../units.ts';
import { differenceOf } from '../compare.ts';
import { figure, halfWidthOf } from '../reportFigures.ts';
import type { CellResult } from '../run.ts';
import { intervalOf, isUsable, leftOut, loadWords, meanOf } from '../usable.ts';
import type { AnswerInput, PartialAnswer } from './answerInput.ts';
import { copiesOf, grouped, varyingFlags } from './groups.ts';
import { secondCopySentences } from './secondCopy.ts';

/** Flags that say how much of a GPU an engine takes, as a share of it. */
export const memoryFlags: readonly string[] = [
  'gpu-memory-utilization',
  'mem-fraction-static',
  'cuda-memory-fraction',
  'kv-cache-free-gpu-memory-fraction',
];

export interface MemoryLimit {
  readonly flag: string;
  /** What sets the group apart: copies, GPUs, other flags, kind of load. Empty where there is one group. */
  readonly group: string;
  readonly points: readonly MemoryPoint[];
  /** Smallest that ran, and the largest below it that did not. */
  readonly startsFrom: number | null;
  readonly failsAt: number | null;
  /** Smallest whose throughput is not surely below the highest by more than 1 %. */
  readonly enough: MemoryPoint | null;
}

export interface MemoryPoint {
  readonly value: number;
  /** The cell with the highest throughput of those that are usable; null where none is. */
  readonly best: CellResult | null;
  readonly cells: readonly CellResult[];
  /** Kind and phase, where all its cells failed. */
  readonly failure: string | null;
}

/** Throughput that is lower by less than this is taken for the same where nothing says how noisy it is. */
const SAME_WITHOUT_INTERVAL = 0.02;
/** And so it is where the difference is sure, but this small: the highest of many is a little too high by being chosen. */
const NEGLIGIBLE = 0.01;

export function memoryLimits(cells: readonly CellResult[]): readonly MemoryLimit[] {
  const varying = varyingFlags(cells);
  const flag =
    memoryFlags.find((name) => varying.includes(name)) ??
    memoryFlags.find((name) => cells.some((cell) => cell.flags[name] !== undefined));
  if (flag === undefined) return [];
  const nameOf = groupNames(flag, varying, cells);
  const groups = grouped(cells, nameOf);
  return [...groups].map(([group, own]) => limitOf(flag, group, own));
}

/** What sets a cell's group apart from the others. */
function groupNames(
  flag: string,
  varying: readonly string[],
  cells: readonly CellResult[],
): (cell: CellResult) => string {
  const differ = <T>(of: (one: CellResult) => T) => new Set(cells.map(of)).size > 1;
  const others = varying.filter((name) => name !== flag);
  const [copiesDiffer, sharingDiffers, gpusDiffer] = [
    differ(copiesOf),
    differ((one) => one.arrangement?.sharing),
    differ((one) => one.gpuCount),
  ];
  return (cell) => {
    const [copies, gpus] = [copiesOf(cell), cell.gpuCount];
    return [
      copiesDiffer ? `${copies} ${copies === 1 ? 'copy' : 'copies'}` : '',
      sharingDiffers ? (cell.arrangement?.sharing ?? '') : '',
      gpusDiffer && gpus !== undefined ? `${gpus} GPU${gpus === 1 ? '' : 's'}` : '',
      ...others.map((name) => `${name} ${String(cell.flags[name] ?? 'default')}`),
      cell.load ?? '',
    ]
      .filter((words) => words !== '')
      .join(', ');
  };
}

function limitOf(flag: string, group: string, cells: readonly CellResult[]): MemoryLimit {
  const valued = cells.filter((cell) => numberOf(cell.flags[flag]) !== undefined);
  const points = [...grouped(valued, (cell) => String(cell.flags[flag]))]
    .map(([value, own]) => pointOf(Number(value), own))
    .sort((a, b) => a.value - b.value);
  const ran = points.filter((point) => point.cells.some(({ state }) => state === 'done'));
  const startsFrom = ran[0]?.value ?? null;
  const failed = points.filter(
    ({ value, failure }) => failure !== null && (startsFrom === null || value < startsFrom),
  );
  const measured = points.filter((point): point is MemoryPoint & { best: CellResult } => point.best !== null);
  const peak = measured.reduce<(typeof measured)[number] | undefined>(
    (top, point) => (top === undefined || throughput(point.best) > throughput(top.best) ? point : top),
    undefined,
  );
  const enough =
    peak === undefined ? null : (measured.find((point) => isAsFast(point.best, peak.best)) ?? null);
  return { flag, group, points, startsFrom, failsAt: failed.at(-1)?.value ?? null, enough };
}

function pointOf(value: number, cells: readonly CellResult[]): MemoryPoint {
  const best = cells
    .filter((cell) => isUsable(cell) && throughput(cell) > 0)
    .reduce<CellResult | null>(
      (top, cell) => (top === null || throughput(cell) > throughput(top) ? cell : top),
      null,
    );
  const failures = cells.flatMap(({ state, failure }) =>
    state === 'failed' && failure !== null ? [failure] : [],
  );
  const [first] = failures;
  const all = failures.length === cells.length && first !== undefined;
  if (cells.every(({ state }) => state === 'skipped')) {
    return { value, best, cells, failure: 'predicted not to fit, not run' };
  }
  return { value, best, cells, failure: all ? `${first.kind} at ${first.enginePhase ?? first.phase}` : null };
}

function isAsFast(cell: CellResult, peak: CellResult): boolean {
  if (cell === peak) return true;
  const difference = differenceOf(cell, peak, 'systemTokensPerSecond');
  if (difference === undefined) return false;
  const { verdict, second } = difference;
  if (verdict === 'no-real-difference') return true;
  const same = verdict === 'uncertain' ? SAME_WITHOUT_INTERVAL : NEGLIGIBLE;
  return difference.difference <= same * second;
}

function throughput(cell: CellResult): number {
  return meanOf(cell, (trial) => trial.systemTokensPerSecond) ?? 0;
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

export function memoryLimitAnswer({ cells, gpuBytes }: AnswerInput): PartialAnswer {
  const limits = memoryLimits(cells);
  if (limits.length === 0) {
    return {
      sentences: [],
      warnings: [
        `No answer: the memory-limit question needs one of ${memoryFlags.join(', ')} in the plan's matrix or search.`,
      ],
    };
  }
  const sentences = limits.map((limit) => {
    const words = limitWords(limit, gpuBytes);
    return limit.group === '' ? words : `${limit.group}: ${words}`;
  });
  return {
    sentences: [
      ...sentences,
      ...secondCopySentences(cells, memoryFlags),
      ...leftOut(cells, { failedIsData: true }),
    ],
  };
}

function limitWords(
  { flag, points, startsFrom, failsAt, enough }: MemoryLimit,
  gpuBytes: number | null,
): string {
  const failure = points.find(({ value }) => value === failsAt)?.failure ?? null;
  if (startsFrom === null) {
    return failure === null
      ? `no ${flag} has a result.`
      : `no ${flag} that was tried runs; ${failsAt} fails (${failure}).`;
  }
  const start =
    failure === null
      ? `${startsFrom} is the smallest that was tried, and it runs`
      : `it runs from ${startsFrom} (${failsAt} ${failure.startsWith('predicted') ? `is ${failure}` : `fails: ${failure}`})`;
  if (enough?.best === null || enough === null) return `${flag}: ${start}; no throughput could be measured.`;
  const { best, value } = enough;
  const cell = best;
  const uncertain =
    intervalOf(cell, 'systemTokensPerSecond')?.known === true
      ? ''
      : ' (no interval: repeat it to tell a few percent apart)';
  const memory = memoryWords(flag, value, cell, gpuBytes);
  return `${value} is enough: the smallest ${flag} at peak throughput, ${rateWords(cell)} at ${loadWords(cell)}${uncertain}${memory}; ${start}.`;
}

/** `4.19 ± 0.05 requests/s (419 tokens/s)` */
export function rateWords(cell: CellResult): string {
  const requests = meanOf(cell, (trial) => trial.requestsPerSecond ?? null);
  const tokens = intervalOf(cell, 'systemTokensPerSecond');
  const width = tokens === null ? 0 : halfWidthOf(tokens.mean, tokens);
  const spread = tokens?.known === true ? ` ± ${figure(width)}` : '';
  const tokenWords = tokens === null ? '' : `${figure(tokens.mean)}${spread} tokens/s`;
  return requests === null ? tokenWords : `${figure(requests)} requests/s, ${tokenWords}`;
}

function memoryWords(
  flag: string,
  value: number,
  { gpuCount = 1 }: CellResult,
  gpuBytes: number | null,
): string {
  if (gpuBytes === null || flag === 'kv-cache-free-gpu-memory-fraction') return '';
  const gpus = gpuCount === 1 ? '' : ` on ${gpuCount} GPUs together`;
  return `, ${formatBytes(value * gpuBytes * gpuCount)}${gpus}`;
}
