/** `batch-parallel`: time, bus traffic and use of the GPUs by way of splitting the model, and the batch at which memory runs out. */
import type { CellTelemetry } from '../cellResult.ts';
import { duration, figure } from '../reportFigures.ts';
import type { CellResult } from '../run.ts';
import { isUsable, leftOut, meanOf, missedByFailures } from '../usable.ts';
import type { AnswerInput, PartialAnswer } from './answerInput.ts';
import { copiesOf, variedWords, varyingFlags } from './groups.ts';

/** Flags that say how large a batch may be: not a way of splitting. */
const batchFlags: readonly string[] = [
  'max-num-seqs',
  'max-num-batched-tokens',
  'max-batch-size',
  'batch-size',
];

/** One way of splitting the model, over its batches. */
export interface ParallelMode {
  readonly words: string;
  readonly load: string;
  readonly points: readonly BatchPoint[];
  /** Smallest batch whose cell ran out of memory. */
  readonly outOfMemoryAt: number | null;
}

export interface BatchPoint {
  readonly batch: number;
  readonly cell: CellResult;
  /** From the first send to the last token of one trial, seconds; null where it has none. */
  readonly seconds: number | null;
  readonly requestsPerSecond: number | null;
  readonly pcieBytesPerSecond: number | null;
}

export function parallelModes(cells: readonly CellResult[]): readonly ParallelMode[] {
  const varying = varyingFlags(cells).filter((name) => !batchFlags.includes(name));
  const modes = new Map<string, { words: string; load: string; cells: CellResult[] }>();
  for (const cell of cells) {
    const words = [variedWords(cell, varying), gpuWords(cell, cells)]
      .filter((part) => part !== '')
      .join(', ');
    // The number of requests of an offline batch is its batch, not another kind of load.
    const load = cell.concurrency === null ? '' : (cell.load ?? '');
    const key = `${words}\n${load}`;
    const mode = modes.get(key) ?? { words: words === '' ? 'one mode' : words, load, cells: [] };
    mode.cells.push(cell);
    modes.set(key, mode);
  }
  return [...modes.values()].map(({ words, load, cells: own }) => {
    const points = own
      .flatMap((cell) => {
        const batch = batchOf(cell);
        return batch === null ? [] : [pointOf(cell, batch)];
      })
      .sort((a, b) => a.batch - b.batch);
    const full = points.find(({ cell }) => cell.failure?.kind === 'out-of-memory');
    return { words, load, points, outOfMemoryAt: full?.batch ?? null };
  });
}

function gpuWords(cell: CellResult, cells: readonly CellResult[]): string {
  const differ = new Set(cells.map(({ gpuCount }) => gpuCount)).size > 1;
  const copies = copiesOf(cell) > 1 ? `${copiesOf(cell)} copies` : '';
  const gpus =
    differ && cell.gpuCount !== undefined ? `${cell.gpuCount} GPU${cell.gpuCount === 1 ? '' : 's'}` : '';
  return [copies, gpus].filter((part) => part !== '').join(', ');
}

/** Requests in flight; of an offline batch all of them; where it never ran, the flag that would have let so many run. */
export function batchOf(cell: CellResult): number | null {
  if (cell.concurrency !== null) return cell.concurrency;
  if (cell.batch !== undefined) return cell.batch;
  const [trial] = cell.trials;
  if (trial !== undefined && trial.requests.ok !== null)
    return trial.requests.ok + (trial.requests.failed ?? 0);
  const limit = Number(batchFlags.map((name) => cell.flags[name]).find((value) => value !== undefined));
  return Number.isFinite(limit) && limit > 0 ? limit : null;
}

function pointOf(cell: CellResult, batch: number): BatchPoint {
  const usable = isUsable(cell);
  const rate = usable ? meanOf(cell, (trial) => trial.requestsPerSecond ?? null) : null;
  return {
    batch,
    cell,
    // A batch of so many requests at the rate that was measured: of an offline batch its whole time.
    seconds: rate === null || rate <= 0 ? null : batch / rate,
    requestsPerSecond: rate,
    pcieBytesPerSecond: pcieOf(cell.telemetry),
  };
}

function pcieOf(telemetry: CellTelemetry | undefined): number | null {
  const { pcieTxBytesPerSecond: tx, pcieRxBytesPerSecond: rx } = telemetry ?? {};
  return tx === undefined || rx === undefined ? null : tx + rx;
}

export function batchParallelAnswer({ cells }: AnswerInput): PartialAnswer {
  const modes = parallelModes(cells);
  const sentences = [...fastest(modes), ...traffic(modes), ...memory(modes), ...use(modes)];
  if (sentences.length === 0) {
    return { sentences: ['No cell has a time.', ...leftOut(cells), ...missedByFailures(cells)] };
  }
  return {
    sentences: [
      ...sentences,
      'Accuracy is not measured: whether the answers are still right (a fused kernel may spoil them silently) needs an evaluation of its own.',
      ...leftOut(cells, { failedIsData: true }),
      ...missedByFailures(cells),
    ],
  };
}

/** At the largest batch that most modes have. */
function fastest(modes: readonly ParallelMode[]): string[] {
  const measured = modes.map((mode) => ({
    mode,
    points: mode.points.filter(({ seconds }) => seconds !== null),
  }));
  const batches = measured.flatMap(({ points }) => points.map(({ batch }) => batch));
  const counts = new Map<number, number>();
  for (const batch of batches) counts.set(batch, (counts.get(batch) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  const batch = Math.max(0, ...[...counts].flatMap(([value, count]) => (count === most ? [value] : [])));
  const times = measured
    .flatMap(({ mode, points }) =>
      points.filter((point) => point.batch === batch).map((point) => ({ mode, point })),
    )
    .sort((a, b) => (a.point.seconds ?? 0) - (b.point.seconds ?? 0));
  const [first, ...others] = times;
  if (first === undefined) return [];
  const rest = others.map(
    ({ mode, point }) =>
      `${nameOf(mode)} ${timeWords(point)} (${figure((point.seconds ?? 0) / (first.point.seconds ?? 1))} times)`,
  );
  return [
    `At batch ${batch} ${nameOf(first.mode)} takes ${timeWords(first.point)} a batch${others.length === 0 ? '' : ` and is fastest; ${rest.join(', ')}`}.`,
  ];
}

function timeWords({ seconds }: BatchPoint): string {
  return seconds === null ? 'no time' : seconds < 60 ? `${figure(seconds)} s` : duration(seconds);
}

function nameOf({ words, load }: ParallelMode): string {
  return load === '' ? words : `${words} (${load})`;
}

/** Bytes over PCIe of the mode with the most against that with the least, at the largest batch of each. */
function traffic(modes: readonly ParallelMode[]): string[] {
  const known = modes
    .flatMap((mode) => {
      const point = mode.points.filter(({ pcieBytesPerSecond }) => pcieBytesPerSecond !== null).at(-1);
      return point?.pcieBytesPerSecond == null ? [] : [{ mode, bytes: point.pcieBytesPerSecond }];
    })
    .sort((a, b) => b.bytes - a.bytes);
  const [most, least] = [known[0], known.at(-1)];
  if (most === undefined || least === undefined) return ['PCIe traffic was not sampled.'];
  if (most === least) return [`PCIe: ${figure(most.bytes / 1e6)} MB/s a GPU.`];
  const times = least.bytes > 0 ? `, ${figure(most.bytes / least.bytes)} times` : '';
  return [
    `PCIe (TX and RX, mean of the GPUs): ${nameOf(most.mode)} ${figure(most.bytes / 1e6)} MB/s against ${figure(least.bytes / 1e6)} MB/s of ${nameOf(least.mode)}${times}.`,
  ];
}

function memory(modes: readonly ParallelMode[]): string[] {
  const full = modes.filter(({ outOfMemoryAt }) => outOfMemoryAt !== null);
  if (full.length === 0)
    return modes.some(({ points }) => points.length > 0)
      ? ['No batch that was tried ran out of memory.']
      : [];
  const words = full.map((mode) => {
    const below = mode.points
      .filter(({ batch, cell }) => batch < (mode.outOfMemoryAt ?? 0) && cell.state === 'done')
      .at(-1);
    return `${nameOf(mode)} at batch ${mode.outOfMemoryAt}${below === undefined ? '' : ` (${below.batch} still runs)`}`;
  });
  return [`Memory runs out: ${words.join(', ')}.`];
}

function use(modes: readonly ParallelMode[]): string[] {
  const known = modes.flatMap((mode) => {
    // In quiet sampling there is no utilisation; how much of the time a multiprocessor works says more.
    const busyOf = ({ cell: { telemetry } }: BatchPoint) => telemetry?.utilization ?? telemetry?.smActive;
    const utilization = mode.points.map(busyOf).findLast((share) => share !== undefined);
    return utilization === undefined ? [] : [`${nameOf(mode)} ${figure(100 * utilization)} %`];
  });
  return known.length === 0 ? [] : [`GPU utilisation at the largest batch: ${known.join(', ')}.`];
}
