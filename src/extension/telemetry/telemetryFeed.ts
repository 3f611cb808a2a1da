import { EventEmitter } from 'vscode';
import { TimeSeries } from '../../core/series/timeSeries.ts';
import type { TelemetryHeader, TelemetryLine, TelemetryRecord } from '../../protocol/agent.ts';
import type { HostClock } from '../../protocol/agentClock.ts';
import type { GpuProcess } from '../../protocol/agentTelemetry.ts';
import type { HostConnection, TelemetryHostState } from '../../protocol/panel.ts';
import { seriesOffsetMs } from '../../protocol/telemetryClock.ts';
import { TelemetryHistory, type TelemetrySlice } from '../../protocol/telemetryHistory.ts';
import { TelemetryJoin } from '../../protocol/telemetryJoin.ts';
import type { AgentClient } from '../../remote/agentClient.ts';
import { DisposableStore } from '../disposable.ts';
import type { HostRegistry } from '../hosts/hostRegistry.ts';
import { messageOf } from '../log.ts';
import { deviceSource, sampleIntervalMs } from '../settings.ts';
import { isFresh } from './busiestGpu.ts';

/** Live telemetry of one host: samples until it is stopped, over lost connections, and keeps what is recent of it. */
export class TelemetryFeed extends DisposableStore {
  readonly #changed = this.register(new EventEmitter<readonly TelemetryLine[]>());
  /** New lines; none where only the state changed. */
  readonly onDidChange = this.#changed.event;
  readonly host: string;
  readonly #hosts: HostRegistry;
  readonly #join = new TelemetryJoin();
  #abort: AbortController | undefined;
  /** When the newest sample came, by this process's steady clock. */
  #arrivedMs = Number.NEGATIVE_INFINITY;
  readonly #history = new TelemetryHistory((columns, rows) => new TimeSeries(columns, rows));
  #state: Omit<TelemetryHostState, 'host'> = {
    connection: 'connecting',
    message: null,
    clockOffsetMs: null,
    clockErrorMs: null,
    recordingFile: null,
  };

  constructor(hosts: HostRegistry, host: string) {
    super();
    this.#hosts = hosts;
    this.host = host;
  }

  get state(): TelemetryHostState {
    return { host: this.host, ...this.#state };
  }

  /** Of the newest record. */
  get header(): TelemetryHeader | null {
    return this.#history.header ?? null;
  }

  get newest(): TelemetryRecord | null {
    return this.#history.latest ?? null;
  }

  /** Connected, and its newest sample is of now. */
  get isLive(): boolean {
    const { header } = this;
    if (this.#state.connection !== 'live' || header === null) return false;
    return isFresh(this.#arrivedMs, header.intervalMs, performance.now());
  }

  /** On a GPU, by its position in the header; undefined where nobody has looked yet. */
  processes(gpu: number): readonly GpuProcess[] | undefined {
    return this.#history.processes(gpu);
  }

  /** The header and what is kept of the past, in order: made anew from the ring at each call. */
  get lines(): readonly TelemetryLine[] {
    return [...this.#history.lines()];
  }

  /** At most `buckets` of a time of the host; undefined before anything was sampled. */
  slice(fromMs: number, toMs: number, buckets: number): TelemetrySlice | undefined {
    return this.#history.slice(fromMs, toMs, buckets);
  }

  /** Samples, unless it does so already. `quietly`: nobody asked for it just now, and nobody is asked for a password. */
  start(quietly: boolean): void {
    if (this.isDisposed || this.#abort?.signal.aborted === false) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.#set({ connection: 'connecting', message: null });
    void this.#run(abort, quietly);
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** null: it is recorded no more. */
  recordedInto(file: string | null): void {
    this.#set({ recordingFile: file });
  }

  override dispose(): void {
    this.stop();
    super.dispose();
  }

  async #run(abort: AbortController, quietly: boolean): Promise<void> {
    const { signal } = abort;
    let [connection, message]: [HostConnection, string | null] = ['stopped', null];
    try {
      const { watchTelemetry } = await import('../../remote/telemetryWatch.ts');
      const events = watchTelemetry({
        connect: (again) => this.#connect(again || quietly),
        request: { intervalMs: sampleIntervalMs(), device: deviceSource() },
        signal,
        onClock: (clock) => this.#compared(clock),
        join: this.#join,
      });
      for await (const event of events) {
        // It ends by itself, and what it ends with is no news any more.
        if (signal.aborted) continue;
        if (event.type === 'line') this.#take(event.line);
        else if (event.type === 'connected') this.#set({ connection: 'live', message: null });
        else this.#set({ connection: 'stale', message: `${event.error.message} It is tried again.` });
      }
    } catch (error) {
      // What was drawn stands, and is said to be old.
      if (!signal.aborted) [connection, message] = ['failed', messageOf(error)];
    }
    // Started again in the meantime: the state is that of the other.
    if (this.#abort !== abort) return;
    this.#abort = undefined;
    this.#set({ connection, message });
  }

  async #connect(quietly: boolean): Promise<AgentClient> {
    const { agent } = await this.#hosts.connect(this.host, { quietly });
    return agent;
  }

  #compared(clock: HostClock): void {
    this.#set({
      clockOffsetMs: seriesOffsetMs(clock, this.header),
      clockErrorMs: clock.errorMs,
    });
  }

  #take(line: TelemetryLine): void {
    if (line.type === 'telemetry') this.#arrivedMs = performance.now();
    this.#history.ingest([line]);
    this.#changed.fire([line]);
  }

  #set(state: Partial<Omit<TelemetryHostState, 'host'>>): void {
    this.#state = { ...this.#state, ...state };
    if (!this.isDisposed) this.#changed.fire([]);
  }
}
