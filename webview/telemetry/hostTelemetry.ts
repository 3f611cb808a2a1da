import { TimeSeries } from '../../src/core/series/timeSeries.ts';
import type {
  TelemetryColumn,
  TelemetryGap,
  TelemetryHeader,
  TelemetryLine,
  TelemetryRecord,
} from '../../src/protocol/agent.ts';
import type { TelemetryNotice } from '../../src/protocol/agentTelemetry.ts';
import type { TelemetryHostState } from '../../src/protocol/panel.ts';
import { Slowdowns } from './slowdowns.ts';

/** How much is kept of a host, and never more rows than this. */
const keptMs = 2 * 3_600_000;
const mostRows = 72_000;

/** Newest notices that are kept: what a host cannot give, what its driver does. */
const keptNotices = 3;

export interface SeenGap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly cause: string;
}

/**
 * What has been sampled on one host: columns over the host's monotonic clock, laid on its wall clock as it
 * stood at the start, so that a clock that is set meanwhile bends nothing. All times in milliseconds.
 */
export class HostTelemetry {
  header: TelemetryHeader | undefined;
  series: TimeSeries | undefined;
  latest: TelemetryRecord | undefined;
  /** Client's time at which the newest record came in. */
  arrivedMs = Number.NaN;
  /** Host's time that figures are of; null: the newest sample. */
  shownAtMs: number | null = null;
  readonly #gaps: SeenGap[] = [];
  #notices: readonly TelemetryNotice[] = [];
  #slowdowns: readonly Slowdowns[] = [];
  #lastSeq = -1;

  constructor(public state: TelemetryHostState) {}

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

  /** What to add to a time of this host to have the client's. */
  get offsetMs(): number {
    return this.state.clockOffsetMs ?? 0;
  }

  ingest(lines: readonly TelemetryLine[], nowMs: number): void {
    for (const line of lines) {
      if (line.type === 'telemetry-header') this.#start(line);
      else if (line.type === 'telemetry-gap') this.#gap(line);
      else if (line.type === 'telemetry') this.#record(line, nowMs);
      else if (line.type === 'telemetry-notice') this.#notice(line);
    }
  }

  /** Column of the series, or undefined where the host does not sample it. The GPU after the last: the most of all. */
  column(gpu: number, name: TelemetryColumn): number | undefined {
    const columns = this.header?.gpuColumns ?? [];
    const at = columns.indexOf(name);
    return at < 0 ? undefined : gpu * columns.length + at;
  }

  /** Value of a GPU at `shownAtMs`, else the newest; null where it is not known or not sampled. */
  now(gpu: number, name: TelemetryColumn): number | null {
    if (this.shownAtMs !== null) {
      const column = this.column(gpu, name);
      const then = column === undefined ? undefined : this.series?.valueAt(column, this.shownAtMs);
      return then === undefined || Number.isNaN(then) ? null : then;
    }
    const at = this.header?.gpuColumns.indexOf(name) ?? -1;
    return this.latest?.gpus[gpu]?.[at] ?? null;
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
      this.series?.appendGap(last);
      const isKnown = this.#gaps.some(({ toMs }) => Math.abs(toMs - startedMs) < 1);
      if (startedMs > last && !isKnown)
        this.#gaps.push({ fromMs: last, toMs: startedMs, cause: 'sampling was restarted' });
      return;
    }
    const gpus = header.gpus.length > 1 ? header.gpus.length + 1 : header.gpus.length;
    const rows = Math.min(mostRows, Math.max(600, Math.ceil(keptMs / Math.max(1, header.intervalMs))));
    this.series = new TimeSeries(gpus * header.gpuColumns.length, rows);
    this.#slowdowns = header.gpus.map(() => new Slowdowns());
    this.latest = undefined;
    this.#gaps.length = 0;
  }

  #record(record: TelemetryRecord, nowMs: number): void {
    const { header, series } = this;
    // After a reconnection the same records may come again.
    if (header === undefined || series === undefined || record.seq <= this.#lastSeq) return;
    const time = hostTime(header, record.monotonicMs);
    const last = series.lastTime;
    if (last !== undefined && time < last) return;
    const silent = last !== undefined && time - last > 3 * header.intervalMs + 1;
    if (silent) for (const slowdowns of this.#slowdowns) slowdowns.gap();
    if (silent && !Number.isNaN(series.value(series.end - 1, 0)) && this.#lastSeq >= 0) {
      series.appendGap(last);
      this.#gaps.push({ fromMs: last, toMs: time, cause: 'no samples came' });
    }
    series.append(time, rowOf(record, header.gpus.length));
    const reasons = header.gpuColumns.indexOf('throttleReasons');
    for (const [gpu, slowdowns] of this.#slowdowns.entries())
      slowdowns.take(time, record.gpus[gpu]?.[reasons] ?? null);
    this.latest = record;
    this.arrivedMs = nowMs;
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
    series.appendGap(Math.max(fromMs, series.lastTime ?? fromMs));
  }
}

/** The GPUs' values one after the other; of several, the most of each column behind them. */
function rowOf({ gpus }: TelemetryRecord, count: number): (number | null)[] {
  if (count < 2) return gpus.flat();
  const most = (gpus[0] ?? []).map((_, column) =>
    gpus.reduce<number | null>((top, values) => {
      const value = values[column] ?? null;
      return value !== null && (top === null || value > top) ? value : top;
    }, null),
  );
  return [...gpus.flat(), ...most];
}

function hostTime(header: TelemetryHeader, monotonicMs: number): number {
  return header.startedWallMs + (monotonicMs - header.startedMonotonicMs);
}

/** Streams of the same shape can go on in one series. */
function shape(header: TelemetryHeader): string {
  return JSON.stringify([header.source, header.gpus.map(({ uuid }) => uuid), header.gpuColumns]);
}
