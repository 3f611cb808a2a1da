/** `mps`: what two engines on one GPU gain over one, with the arm that tells why: one engine under the same load. */
import { type Difference, differenceOf } from '../compare.ts';
import { figure } from '../reportFigures.ts';
import type { CellResult } from '../run.ts';
import { isUsable, leftOut, loadWords, missedByFailures } from '../usable.ts';
import type { AnswerInput, PartialAnswer } from './answerInput.ts';
import { copiesOf, flagsWithout, variedWords, varyingFlags } from './groups.ts';
import { memoryFlags } from './memoryLimit.ts';

export type MpsArm = 'control' | 'time-slicing' | 'mps';

/** A place of the map: one model under one load. Gains are over one engine under the load of one copy. */
export interface GainPoint {
  /** Flags that vary, beside the memory's share. */
  readonly row: string;
  /** The load of each copy. */
  readonly column: string;
  readonly copies: number;
  readonly one: CellResult;
  readonly arms: Readonly<Partial<Record<MpsArm, { readonly cell: CellResult; readonly gain: Difference }>>>;
}

/** What arms have in common: flags but for the memory's share, kind of load, requests in flight. */
const armKey = (cell: CellResult, concurrency: number) =>
  `${cell.load ?? ''}\n${flagsWithout(cell, memoryFlags)}\n${concurrency}`;

/** Usable cells of one engine, by armKey. */
function aloneByKey(cells: readonly CellResult[]): ReadonlyMap<string, CellResult> {
  return new Map(
    cells.flatMap((cell) =>
      copiesOf(cell) === 1 && isUsable(cell) && cell.concurrency !== null
        ? [[armKey(cell, cell.concurrency), cell] as const]
        : [],
    ),
  );
}

export function gainMap(cells: readonly CellResult[]): readonly GainPoint[] {
  const varying = varyingFlags(cells).filter((name) => !memoryFlags.includes(name));
  const alone = aloneByKey(cells);
  const points = new Map<CellResult, GainPoint>();
  for (const cell of cells) {
    const copies = copiesOf(cell);
    if (copies < 2 || !isUsable(cell) || cell.concurrency === null) continue;
    const each = cell.concurrency / copies;
    const one = alone.get(armKey(cell, each));
    if (one === undefined) continue;
    const control = alone.get(armKey(cell, cell.concurrency));
    const gain = differenceOf(one, cell, 'systemTokensPerSecond');
    if (gain === undefined) continue;
    const known = points.get(one);
    const arms: { -readonly [arm in MpsArm]?: { cell: CellResult; gain: Difference } } = { ...known?.arms };
    arms[cell.arrangement?.sharing ?? 'time-slicing'] = { cell, gain };
    const controlGain =
      control === undefined ? undefined : differenceOf(one, control, 'systemTokensPerSecond');
    if (control !== undefined && controlGain !== undefined)
      arms.control = { cell: control, gain: controlGain };
    points.set(one, {
      row: variedWords(one, varying),
      column: [one.load ?? '', loadWords(one)].filter((words) => words !== '').join(', '),
      copies,
      one,
      arms,
    });
  }
  return [...points.values()];
}

/** Arms within this of each other tell no cause. */
const SAME_GAIN = 0.03;

export function mpsAnswer({ cells }: AnswerInput): PartialAnswer {
  const points = gainMap(cells);
  if (points.length === 0) {
    const shared = sharedLoads(cells);
    const none =
      'the mps question needs one engine, and two or more on the same GPU, under the same load each.';
    return {
      sentences: [
        ...shared,
        shared.length === 0
          ? `No pair of cells can be compared: ${none}`
          : `What a second engine's own load would gain cannot be told: ${none}`,
        ...leftOut(cells),
        ...missedByFailures(cells),
      ],
    };
  }
  const mps = points.filter(({ arms }) => arms.mps !== undefined);
  const sentences =
    mps.length === 0
      ? [
          'No cell ran under MPS: only time-slicing was measured.',
          ...points.map((point) => pointWords(point, 'time-slicing')),
        ]
      : mps
          .toSorted((a, b) => gainOf(b, 'mps') - gainOf(a, 'mps'))
          .slice(0, 3)
          .map((point) => pointWords(point, 'mps'));
  const best = (mps.length > 0 ? mps : points).reduce((top, point) =>
    gainOf(point, 'mps') > gainOf(top, 'mps') ? point : top,
  );
  return {
    sentences: [
      ...sentences,
      ...(mps.length > 3 ? [`The map has ${mps.length} places.`] : []),
      ...causeWords(best),
      ...fairness(best),
      ...leftOut(cells),
      ...missedByFailures(cells),
    ],
  };
}

/** Where only the same load in all was measured: what sharing it among copies changes, which is no gain of a second engine's own load. */
function sharedLoads(cells: readonly CellResult[]): string[] {
  const alone = aloneByKey(cells);
  return cells.flatMap((cell) => {
    const copies = copiesOf(cell);
    if (copies < 2 || !isUsable(cell) || cell.concurrency === null) return [];
    const one = alone.get(armKey(cell, cell.concurrency));
    const gain = one === undefined ? undefined : differenceOf(one, cell, 'systemTokensPerSecond');
    if (gain === undefined) return [];
    const how = cell.arrangement?.sharing === 'mps' ? 'under MPS' : 'time-sliced,';
    return [
      `Sharing the same load (${loadWords(cell)}), ${copies} engines ${how} give ${gainWords(gain)} over one.`,
    ];
  });
}

function gainOf({ arms }: GainPoint, arm: MpsArm): number {
  return arms[arm]?.gain.relative ?? Number.NEGATIVE_INFINITY;
}

/** `+35 % (31 to 39)` */
export function gainWords(gain: Difference): string {
  const { relative, low, high, first, verdict } = gain;
  if (relative === null) return 'no gain that can be told';
  const sign = (share: number) => `${share >= 0 ? '+' : '−'}${figure(Math.abs(100 * share))}`;
  const interval =
    low === null || high === null || first === 0 ? '' : ` (${sign(low / first)} to ${sign(high / first)})`;
  return `${sign(relative)} %${interval}${verdict === 'no-real-difference' ? ', no real difference' : ''}`;
}

function pointWords({ row, column, copies, arms }: GainPoint, arm: 'mps' | 'time-slicing'): string {
  const where = [row, column].filter((words) => words !== '').join(', ');
  const own = arms[arm];
  if (own === undefined) return '';
  const how = arm === 'mps' ? `${copies} engines under MPS` : `${copies} engines, time-sliced,`;
  const control =
    arms.control === undefined
      ? 'there is no control arm (one engine under the load of all copies), so the gain may be the larger batch alone'
      : `one engine under the load of all copies ${gainWords(arms.control.gain)}`;
  const sliced =
    arm === 'mps' && arms['time-slicing'] !== undefined
      ? `, time-sliced ${gainWords(arms['time-slicing'].gain)}`
      : '';
  return `${where}: ${how} give ${gainWords(own.gain)} over one${sliced}; ${control}.`;
}

/**
 * Time-slicing runs one engine's kernels at a time: what it gains is time in which the GPU waited for a CPU. What MPS gains beyond it is
 * kernels that run side by side.
 */
function causeWords({ arms, one }: GainPoint): string[] {
  const [mps, sliced, control] = [
    arms.mps?.gain.relative,
    arms['time-slicing']?.gain.relative,
    arms.control?.gain.relative,
  ];
  if (mps === undefined || mps === null) return [];
  const sentences: string[] = [];
  if (control !== undefined && control !== null && control >= mps - SAME_GAIN) {
    sentences.push(
      'The control arm gains as much or more: one engine with more requests in flight is the better way, and a second one does not pay.',
    );
  }
  if (mps <= SAME_GAIN) return sentences;
  if (sliced !== undefined && sliced !== null) {
    const cpu = Math.max(0, sliced);
    const gpu = mps - cpu;
    sentences.push(
      gpu <= SAME_GAIN
        ? 'Time-slicing gains as much, so the cause is the CPU: the GPU waited between steps.'
        : cpu <= SAME_GAIN
          ? 'Time-slicing gains nothing, so the cause is the GPU: kernels of both run side by side.'
          : `Of the gain about ${figure(100 * cpu)} points are the CPU's (time-slicing has them too), ${figure(100 * gpu)} are kernels side by side.`,
    );
  }
  const [before, after] = [one.telemetry?.smActive, arms.mps?.cell.telemetry?.smActive];
  if (before !== undefined && after !== undefined)
    sentences.push(`SM activity goes from ${figure(100 * before)} to ${figure(100 * after)} %.`);
  return sentences;
}

/** How evenly the copies share. */
function fairness({ arms }: GainPoint): string[] {
  const shares = (arms.mps ?? arms['time-slicing'])?.cell.trials[0]?.perEngine?.flatMap(
    ({ systemTokensPerSecond }) => systemTokensPerSecond ?? [],
  );
  if (shares === undefined || shares.length < 2) return [];
  return [
    `The slowest copy gives ${figure(Math.min(...shares))} tokens/s, the fastest ${figure(Math.max(...shares))}.`,
  ];
}
