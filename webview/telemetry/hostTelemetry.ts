import type { RunPhase } from '../../src/core/sweep/phases.ts';
import type { HostColumn, TelemetryColumn, TelemetryLine } from '../../src/protocol/agent.ts';
import type { GpuProcess } from '../../src/protocol/agentTelemetry.ts';
import type { TelemetryHostState } from '../../src/protocol/panel.ts';
import { TelemetryHistory, type TelemetrySlice } from '../../src/protocol/telemetryHistory.ts';
import { LayeredSeries } from './layeredSeries.ts';

/** One host as the page sees it: its state, what came while the page was there, and what the extension said of the time before. */
export class HostTelemetry extends TelemetryHistory<LayeredSeries> {
  /** Client's time at which the newest record came in. */
  arrivedMs = Number.NaN;
  /** Host's time that figures are of; null: the newest sample. */
  shownAtMs: number | null = null;
  /** Of runs on the host, in order of their beginning. */
  phases: readonly RunPhase[] = [];

  constructor(public state: TelemetryHostState) {
    super((columns, rows) => new LayeredSeries(columns, rows));
  }

  /** What to add to a time of this host to have the client's. */
  get offsetMs(): number {
    return this.state.clockOffsetMs ?? 0;
  }

  take(lines: readonly TelemetryLine[], nowMs: number): void {
    const before = this.latest;
    this.ingest(lines);
    if (this.latest !== before) this.arrivedMs = nowMs;
  }

  /** All of the time before, in buckets. */
  restore(past: TelemetrySlice, nowMs: number): void {
    this.resume(past);
    this.series?.restore(past);
    this.arrivedMs = nowMs;
  }

  /** What runs on a GPU at `shownAtMs`, else now. */
  processesNow(gpu: number): readonly GpuProcess[] | undefined {
    return this.processes(gpu, this.shownAtMs);
  }

  /** Value of the host itself at `shownAtMs`, else the newest. */
  hostNow(name: HostColumn): number | null {
    if (this.shownAtMs === null)
      return this.latest?.host[this.header?.hostColumns.indexOf(name) ?? -1] ?? null;
    return this.#then(this.hostColumn(name), this.shownAtMs);
  }

  #then(column: number | undefined, atMs: number): number | null {
    const then = column === undefined ? undefined : this.series?.valueAt(column, atMs);
    return then === undefined || Number.isNaN(then) ? null : then;
  }

  /** Value of a GPU at `shownAtMs`, else the newest; null where it is not known or not sampled. */
  now(gpu: number, name: TelemetryColumn): number | null {
    if (this.shownAtMs !== null) return this.#then(this.column(gpu, name), this.shownAtMs);
    const at = this.header?.gpuColumns.indexOf(name) ?? -1;
    return this.latest?.gpus[gpu]?.[at] ?? null;
  }
}
