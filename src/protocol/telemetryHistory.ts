/** What has been sampled on one host, kept by whoever owns it: the extension all of it, a page what it shows. Times are milliseconds. */
import { type KeptSlowdowns, Slowdowns } from '../core/device/slowdowns.ts';
import type { TimeSeries } from '../core/series/timeSeries.ts';
import type {
  HostColumn,
  TelemetryColumn,
  TelemetryGap,
  TelemetryHeader,
  TelemetryLine,
  TelemetryRecord,
} from './agent.ts';
import type { GpuProcess, TelemetryNotice } from './agentTelemetry.ts';
import { ProcessHistory, type SeenProcesses } from './processHistory.ts';

/** The longest window that the panel offers. */
const keptMs = 2 * 3_600_000;
/** Of one host, in the ring: 8 GPUs at 10 Hz have their two hours, at about ten bytes a number with the pyramid. */
const mostNumbers = 9_200_000;
/** And never more rows than this. */
const mostRows = 72_000;

/** Newest notices that are kept: what a host cannot give, what its driver does. */
const keptNotices = 3;

export interface SeenGap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly cause: string;
}

/** A stretch of a host's history in so many buckets, each with its extremes: small, whatever the length. Host's times. */
export interface TelemetrySlice {
  /** Of the newest record. */
  readonly header: TelemetryHeader;
  readonly fromMs: number;
  readonly toMs: number;
  /** What a bucket covers; 0: each is one sample, and `high` and `low` are empty. */
  readonly bucketMs: number;
  /** Where each bucket begins; of a sample, when it was taken. */
  readonly times: ArrayLike<number>;
  /** Columns of the first bucket, then of the second …; NaN: not known. */
  readonly mean: ArrayLike<number>;
  readonly low: ArrayLike<number>;
  readonly high: ArrayLike<number>;
  /** Samples that are known in each bucket and column. */
  readonly counts: ArrayLike<number>;
  readonly gaps: readonly SeenGap[];
  readonly notices: readonly TelemetryNotice[];
  /** By GPU. */
  readonly slowdowns: readonly KeptSlowdowns[];
  /** All that are kept, whatever the stretch: they are few. */
  readonly processes: readonly SeenProcesses[];
  /** By GPU, newest; null: not known. */
  readonly uncorrectedErrors: readonly (number | null)[];
  readonly latest: TelemetryRecord | null;
}

/**
 * Columns over the host's monotonic clock, laid on its wall clock as it stood at the start, so that a clock that is set meanwhile bends
 * nothing. Several GPUs have the most of each column behind them.
 */
export class TelemetryHistory<Series extends TimeSeries = TimeSeries> {
  header: TelemetryHeader | undefined;
  series: Series | undefined;
  latest: TelemetryRecord | undefined;
  /** Headers and gaps, with the row that each stands before. */
  #events: { readonly row: number; readonly line: TelemetryHeader | TelemetryGap }[] = [];
  readonly #gaps: SeenGap[] = [];
  #notices: readonly TelemetryNotice[] = [];
  #slowdowns: readonly Slowdowns[] = [];
  #processes = new ProcessHistory();
  #uncorrectedErrors: (number | null)[] = [];
  #lastSeq = -1;

  /** `create`: what the columns are kept in. */
  constructor(readonly create: (columns: number, rows: number) => Series) {}

  /** Gaps that reach into the kept time, oldest first. */
  get gaps(): readonly SeenGap[] {
    const first = this.series?.firstTime ?? Number.NEGATIVE_INFINITY;
    while ((this.#gaps[0]?.toMs ?? Number.POSITIVE_INFINITY) < first) this.#gaps.shift();
    return this.#gaps;
  }

  /** What the agent said of its readings, oldest first. */
  get notices(): readonly TelemetryNotice[] {
    return this.#notices;
  }

  /** When, and why, a GPU was slowed down. */
  slowdowns(gpu: number): Slowdowns | undefined {
    return this.#slowdowns[gpu];
  }

  /** What runs on a GPU, the biggest first; at a time of the host, or now (null). undefined: nobody looked. */
  processes(gpu: number, atMs: number | null = null): readonly GpuProcess[] | undefined {
    return this.#processes.on(gpu, atMs);
  }

  /** Errors of a GPU's memory that could not be corrected, since its driver was loaded; null: not known. */
  uncorrectedErrors(gpu: number): number | null {
    return this.#uncorrectedErrors[gpu] ?? null;
  }

  /** Column of the series, or undefined where the host does not sample it. The GPU after the last: the most of all. */
  column(gpu: number, name: TelemetryColumn): number | undefined {
    const columns = this.header?.gpuColumns ?? [];
    const at = columns.indexOf(name);
    return at < 0 ? undefined : gpu * columns.length + at;
  }

  /** Column of a value of the host itself, or undefined where it is not sampled. */
  hostColumn(name: HostColumn): number | undefined {
    const { header } = this;
    const at = header?.hostColumns.indexOf(name) ?? -1;
    return header === undefined || at < 0 ? undefined : gpuNumbers(header) + at;
  }

  ingest(lines: readonly TelemetryLine[]): void {
    for (const line of lines) {
      if (line.type === 'telemetry-header') this.#start(line);
      else if (line.type === 'telemetry-gap') this.#gap(line);
      else if (line.type === 'telemetry') this.#record(line);
      else if (line.type === 'telemetry-notice') this.#notice(line);
      else if (line.type === 'telemetry-ecc') this.#uncorrectedErrors[line.gpu] = line.uncorrectedErrors;
      else if (line.type === 'telemetry-processes' && this.header !== undefined) {
        const { gpu, processes, monotonicMs } = line;
        this.#processes.take({ fromMs: hostTime(this.header, monotonicMs), gpu, processes });
      }
    }
  }

  /** Goes on where another history stands: records that it has are not taken again. */
  protected resume(slice: TelemetrySlice): void {
    const { header, gaps, notices, slowdowns, processes, uncorrectedErrors, latest } = slice;
    this.#start(header);
    this.#uncorrectedErrors = [...uncorrectedErrors];
    this.#processes = new ProcessHistory(processes);
    this.#gaps.push(...gaps);
    this.#notices = notices;
    this.#slowdowns = header.gpus.map((_, gpu) => Slowdowns.from(slowdowns[gpu] ?? []));
    this.latest = latest ?? undefined;
    this.#lastSeq = latest?.seq ?? -1;
  }

  /** At most `buckets` of the time, or its samples where they are fewer; undefined before a header has come. */
  slice(fromMs: number, toMs: number, buckets: number): TelemetrySlice | undefined {
    const { header, series } = this;
    if (header === undefined || series === undefined) return undefined;
    const [from, to] = [
      Math.max(fromMs, series.firstTime ?? fromMs),
      Math.min(toMs, series.lastTime ?? toMs),
    ];
    const [first, last] = [series.rowAt(from), series.rowAfter(to)];
    const few = last - first <= buckets;
    const bucketMs = few ? 0 : (to - from) / buckets;
    const values = few
      ? samples(series, first, last)
      : bucketed(series, { first, last }, { fromMs: from, bucketMs, buckets });
    return {
      header,
      fromMs: from,
      toMs: to,
      bucketMs,
      ...values,
      gaps: this.gaps.filter((gap) => gap.toMs >= from && gap.fromMs <= to),
      notices: this.#notices,
      slowdowns: this.#slowdowns.map((one) => one.export(from, to, bucketMs)),
      processes: this.#processes.seen,
      uncorrectedErrors: header.gpus.map((_, gpu) => this.uncorrectedErrors(gpu)),
      latest: this.latest ?? null,
    };
  }

  /** All that is kept, as the agent sent it: seven digits a value. */
  *lines(): Generator<TelemetryLine> {
    const { series } = this;
    if (series === undefined) return;
    let header: TelemetryHeader | undefined;
    let at = 0;
    for (let row = series.start; row <= series.end; row++) {
      for (
        let event = this.#events[at];
        event !== undefined && event.row <= row;
        event = this.#events[++at]
      ) {
        if (event.line.type === 'telemetry-header') header = event.line;
        yield event.line;
      }
      if (header !== undefined && row < series.end && !isGap(series, row))
        yield recordOf(series, row, header);
    }
  }

  #notice(notice: TelemetryNotice): void {
    const others = this.#notices.filter(({ message }) => message !== notice.message);
    this.#notices = [...others, notice].slice(-keptNotices);
  }

  #start(header: TelemetryHeader): void {
    const continues = this.header !== undefined && shape(this.header) === shape(header);
    const startedMs = header.startedWallMs;
    const last = this.series?.lastTime;
    this.header = header;
    this.#lastSeq = -1;
    if (continues && last !== undefined && startedMs >= last) {
      this.#keep(header);
      this.series?.appendGap(last);
      const isKnown = this.#gaps.some(({ toMs }) => Math.abs(toMs - startedMs) < 1);
      if (startedMs > last && !isKnown)
        this.#gaps.push({ fromMs: last, toMs: startedMs, cause: 'sampling was restarted' });
      return;
    }
    this.series = this.create(rowNumbers(header), keptRows(header));
    this.#slowdowns = header.gpus.map(() => new Slowdowns());
    this.#processes = new ProcessHistory();
    this.#uncorrectedErrors = [];
    this.latest = undefined;
    this.#gaps.length = 0;
    this.#events = [{ row: 0, line: header }];
  }

  #record(record: TelemetryRecord): void {
    const { header, series } = this;
    // After a reconnection the same records may come again.
    if (header === undefined || series === undefined || record.seq <= this.#lastSeq) return;
    const time = hostTime(header, record.monotonicMs);
    const last = series.lastTime;
    if (last !== undefined && time < last) return;
    const silent = last !== undefined && time - last > 3 * header.intervalMs + 1;
    if (silent) for (const slowdowns of this.#slowdowns) slowdowns.gap();
    const isBroken = series.end > 0 && isGap(series, series.end - 1);
    if (silent && !isBroken && this.#lastSeq >= 0) {
      series.appendGap(last);
      this.#gaps.push({ fromMs: last, toMs: time, cause: 'no samples came' });
    }
    series.append(time, rowOf(record, header));
    const reasons = header.gpuColumns.indexOf('throttleReasons');
    for (const [gpu, slowdowns] of this.#slowdowns.entries())
      slowdowns.take(time, record.gpus[gpu]?.[reasons] ?? null);
    this.latest = record;
    this.#lastSeq = record.seq;
  }

  #gap(gap: TelemetryGap): void {
    const { header, series } = this;
    if (header === undefined || series === undefined) return;
    const fromMs = hostTime(header, gap.fromMonotonicMs);
    const toMs = hostTime(header, gap.toMonotonicMs);
    const known = this.#gaps.some((seen) => seen.fromMs === fromMs && seen.toMs === toMs);
    if (known) return;
    for (const slowdowns of this.#slowdowns) slowdowns.gap();
    this.#gaps.push({ fromMs, toMs, cause: gap.cause });
    this.#keep(gap);
    series.appendGap(Math.max(fromMs, series.lastTime ?? fromMs));
  }

  /** Of what is no longer kept, the last header alone. */
  #keep(line: TelemetryHeader | TelemetryGap): void {
    const start = this.series?.start ?? 0;
    const header = this.#events.findLast(
      (event) => event.row <= start && event.line.type === 'telemetry-header',
    );
    this.#events = this.#events.filter((event) => event.row > start || event === header);
    this.#events.push({ row: this.series?.end ?? 0, line });
  }
}

/** Rows of a host that are kept. */
export function keptRows(header: TelemetryHeader): number {
  const numbers = Math.max(1, rowNumbers(header));
  const wanted = Math.min(mostRows, Math.ceil(keptMs / Math.max(1, header.intervalMs)));
  return Math.max(600, Math.min(wanted, Math.floor(mostNumbers / numbers)));
}

/** Numbers that a row of the series has. */
export function rowNumbers(header: TelemetryHeader): number {
  return gpuNumbers(header) + header.hostColumns.length;
}

/** Numbers of a row that are of GPUs; those of the host itself stand behind them. */
function gpuNumbers({ gpus, gpuColumns }: TelemetryHeader): number {
  return (gpus.length > 1 ? gpus.length + 1 : gpus.length) * gpuColumns.length;
}

type SliceValues = Pick<TelemetrySlice, 'times' | 'mean' | 'low' | 'high' | 'counts'>;

function samples(series: TimeSeries, first: number, last: number): SliceValues {
  const { columns } = series;
  const rows = Math.max(0, last - first);
  const times = new Float64Array(rows);
  const mean = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    times[row] = series.time(first + row);
    for (let column = 0; column < columns; column++)
      mean[row * columns + column] = series.value(first + row, column);
  }
  const none = new Float32Array(0);
  return { times, mean, low: none, high: none, counts: new Int32Array(0) };
}

function bucketed(
  series: TimeSeries,
  rows: { readonly first: number; readonly last: number },
  {
    fromMs,
    bucketMs,
    buckets,
  }: { readonly fromMs: number; readonly bucketMs: number; readonly buckets: number },
): SliceValues {
  const { columns } = series;
  const times = Float64Array.from({ length: buckets }, (_, bucket) => fromMs + bucket * bucketMs);
  const [mean, low, high] = [0, 1, 2].map(() => new Float32Array(buckets * columns).fill(Number.NaN)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const counts = new Int32Array(buckets * columns);
  let { first } = rows;
  for (let bucket = 0; bucket < buckets; bucket++) {
    // The last one has the newest sample too.
    const end = fromMs + (bucket + 1) * bucketMs;
    const last = bucket === buckets - 1 ? rows.last : Math.min(rows.last, series.rowAt(end));
    for (let column = 0; column < columns; column++) {
      const { count, sum, min, max } = series.totals(column, first, last);
      if (count === 0) continue;
      const at = bucket * columns + column;
      [mean[at], low[at], high[at], counts[at]] = [sum / count, min, max, count];
    }
    first = last;
  }
  return { times, mean, low, high, counts };
}

function isGap(series: TimeSeries, row: number): boolean {
  for (let column = 0; column < series.columns; column++)
    if (!Number.isNaN(series.value(row, column))) return false;
  return true;
}

function recordOf(series: TimeSeries, row: number, header: TelemetryHeader): TelemetryRecord {
  const count = header.gpuColumns.length;
  const first = gpuNumbers(header);
  const time = series.time(row);
  const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
  return {
    type: 'telemetry',
    seq: row,
    monotonicMs: time - header.startedWallMs + header.startedMonotonicMs,
    wallMs: time,
    gpus: header.gpus.map((_, gpu) =>
      header.gpuColumns.map((_name, column) => known(series.value(row, gpu * count + column))),
    ),
    host: header.hostColumns.map((_, column) => known(series.value(row, first + column))),
  };
}

/** The GPUs' values one after the other; of several, the most of each column behind them; then those of the host. */
function rowOf({ gpus, host }: TelemetryRecord, header: TelemetryHeader): (number | null)[] {
  if (header.gpus.length < 2) return [...gpus.flat(), ...host];
  const most = (gpus[0] ?? []).map((_, column) =>
    gpus.reduce<number | null>((top, values) => {
      const value = values[column] ?? null;
      return value !== null && (top === null || value > top) ? value : top;
    }, null),
  );
  return [...gpus.flat(), ...most, ...host];
}

function hostTime(header: TelemetryHeader, monotonicMs: number): number {
  return header.startedWallMs + (monotonicMs - header.startedMonotonicMs);
}

/** Streams of the same shape can go on in one series. */
function shape(header: TelemetryHeader): string {
  const { source, gpus, gpuColumns, hostColumns } = header;
  return JSON.stringify([source, gpus.map(({ uuid }) => uuid), gpuColumns, hostColumns]);
}
