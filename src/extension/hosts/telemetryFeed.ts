import { EventEmitter } from 'vscode';
import type { TelemetryHeader, TelemetryLine } from '../../protocol/agent.ts';
import type { HostConnection, TelemetryHostState } from '../../protocol/panel.ts';
import { DisposableStore } from '../disposable.ts';
import { messageOf } from '../log.ts';
import { deviceSource, sampleIntervalMs } from '../settings.ts';
import { measureClockOffset } from './clock.ts';
import type { HostRegistry } from './hostRegistry.ts';

/** How much of a host's past is kept for a panel that is shown again. */
const keptMs = 15 * 60_000;

/** Live telemetry of one host: samples while it is held, and keeps the last window of it. */
export class TelemetryFeed extends DisposableStore {
  readonly #lines = this.register(new EventEmitter<readonly TelemetryLine[]>());
  /** New lines; none where only the state changed. */
  readonly onDidChange = this.#lines.event;
  readonly host: string;
  readonly #hosts: HostRegistry;
  readonly #abort = new AbortController();
  #header: TelemetryHeader | null = null;
  #records: TelemetryLine[] = [];
  #state: Omit<TelemetryHostState, 'host'> = {
    connection: 'connecting',
    message: null,
    clockOffsetMs: null,
    clockErrorMs: null,
  };

  constructor(hosts: HostRegistry, host: string) {
    super();
    this.#hosts = hosts;
    this.host = host;
    this.register({ dispose: () => this.#abort.abort() });
    void this.#run();
  }

  get state(): TelemetryHostState {
    return { host: this.host, ...this.#state };
  }

  /** The header and what is kept of the past, in order. */
  get lines(): readonly TelemetryLine[] {
    return this.#header === null ? [] : [this.#header, ...this.#records];
  }

  stop(): void {
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    try {
      const { agent, host } = await this.#hosts.connect(this.host);
      const clock = await measureClockOffset(host);
      this.#set({
        connection: 'live',
        clockOffsetMs: clock?.offsetMs ?? null,
        clockErrorMs: clock?.errorMs ?? null,
      });
      const request = { intervalMs: sampleIntervalMs(), device: deviceSource() };
      for await (const line of agent.sample(request, { signal })) this.#take(line);
      this.#end('stopped', null);
    } catch (error) {
      if (signal.aborted) this.#end('stopped', null);
      // What was drawn stands, and is said to be old.
      else this.#end(this.#records.length > 0 ? 'stale' : 'failed', messageOf(error));
    }
  }

  #take(line: TelemetryLine): void {
    if (line.type === 'telemetry-header') {
      this.#header = line;
      this.#records = [];
    } else {
      this.#records.push(line);
      const most = Math.ceil(keptMs / (this.#header?.intervalMs ?? 1000));
      // Dropped in blocks: a shift a line would move the whole array each time.
      if (this.#records.length > most * 1.1) this.#records = this.#records.slice(-most);
    }
    this.#lines.fire([line]);
  }

  #end(connection: HostConnection, message: string | null): void {
    this.#set({ connection, message });
  }

  #set(state: Partial<Omit<TelemetryHostState, 'host'>>): void {
    this.#state = { ...this.#state, ...state };
    if (!this.isDisposed) this.#lines.fire([]);
  }
}
