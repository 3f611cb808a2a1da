import {
  panelProtocol,
  type TelemetryHostLines,
  type TelemetrySnapshot,
  type ToTelemetry,
} from '../../src/protocol/panel.ts';
import { HostTelemetry } from './hostTelemetry.ts';
import type { TimeWindow } from './timeWindow.ts';

/** What the charts show. A pause is a window that no longer moves. */
export type TimeView =
  | { readonly kind: 'live' }
  | { readonly kind: 'fixed'; readonly fromMs: number; readonly toMs: number; readonly paused: boolean };

/** Lengths that the panel offers, milliseconds. */
export const windowLengths = [60_000, 300_000, 900_000, 3_600_000, 7_200_000] as const;

const askAgainMs = 1000;

/** What the extension is asked for: a part of a host's past, host's time. */
export interface Detail extends TimeWindow {
  readonly host: string;
  readonly buckets: number;
}

/** The panel's data and view. Data goes on coming in while the view stands still. */
export class TelemetryState {
  readonly hosts = new Map<string, HostTelemetry>();
  /** What is shown is a file; null: hosts that are sampled now. */
  recording: TelemetrySnapshot['recording'] = null;
  /** Client's time of the newest message or tick. */
  nowMs = Number.NaN;
  locale = 'en-US';
  incompatible = false;
  /** False until the first snapshot. */
  received = false;
  view: TimeView = { kind: 'live' };
  /** null until the user chooses: what the host says. */
  chosenWindowMs: number | null = null;
  #replayWindowMs: number | null = null;
  #hostWindowMs: number = windowLengths[1];
  /** GPUs that the user took out of the charts, as `host/index`. */
  readonly hidden = new Set<string>();
  /** Lines that the user put into a chart (true) or took out of it, by `host/index/column`. */
  readonly chosenLines = new Map<string, boolean>();
  /** When hosts were asked for detail. */
  readonly #asked = new Map<string, { readonly atMs: number; answered: boolean }>();

  receive(message: ToTelemetry, nowMs: number): void {
    this.nowMs = nowMs;
    if (message.type === 'detail') {
      const asked = this.#asked.get(message.host);
      if (asked) asked.answered = true;
      this.hosts.get(message.host)?.series?.refine(message.slice);
      return;
    }
    if (message.type === 'delta') {
      for (const host of message.hosts) this.#takeHost(host, nowMs);
      return;
    }
    this.received = true;
    this.incompatible = message.protocol !== panelProtocol;
    this.locale = message.locale;
    this.recording = message.recording;
    this.#hostWindowMs = message.windowMs;
    this.hosts.clear();
    this.#asked.clear();
    for (const host of message.hosts) this.#takeHost(host, nowMs);
  }

  /** Hosts of which the window could show more than is known here, each asked for once until it answers. */
  wanting(pixels: number): readonly Detail[] {
    const { fromMs, toMs } = this.window;
    return [...this.hosts].flatMap(([host, { series, offsetMs }]) => {
      const asked = this.#asked.get(host);
      // What the extension no longer has either is not asked for with every frame.
      if (asked && (!asked.answered || this.nowMs - asked.atMs < askAgainMs)) return [];
      const part = series?.wanting({ fromMs: fromMs - offsetMs, toMs: toMs - offsetMs }, pixels);
      if (part === undefined) return [];
      this.#asked.set(host, { atMs: this.nowMs, answered: false });
      return [{ host, ...part, buckets: 2 * pixels }];
    });
  }

  #takeHost({ lines, past, phases, ...state }: TelemetryHostLines, nowMs: number): void {
    const known = this.hosts.get(state.host) ?? new HostTelemetry(state);
    known.state = state;
    if (phases !== undefined) known.phases = phases;
    if (past !== undefined) known.restore(past, nowMs);
    known.take(lines, nowMs);
    this.hosts.set(state.host, known);
  }

  get windowMs(): number {
    // A recording opens with all that it has, whatever was last looked at.
    return (this.recording === null ? this.chosenWindowMs : this.#replayWindowMs) ?? this.#hostWindowMs;
  }

  /** Client's time of the newest sample; NaN without one. */
  get newestMs(): number {
    const times = [...this.hosts.values()].map(
      (host) => (host.series?.lastTime ?? Number.NaN) + host.offsetMs,
    );
    return times.reduce(
      (newest, time) => (time > newest || Number.isNaN(newest) ? time : newest),
      Number.NaN,
    );
  }

  chooseWindow(lengthMs: number): void {
    if (this.recording === null) this.chosenWindowMs = lengthMs;
    else this.#replayWindowMs = lengthMs;
  }

  /** Client's time of the oldest sample that is kept; NaN without one. */
  get oldestMs(): number {
    const times = [...this.hosts.values()].flatMap(({ series, offsetMs }) =>
      series?.firstTime === undefined ? [] : [series.firstTime + offsetMs],
    );
    return times.length === 0 ? Number.NaN : Math.min(...times);
  }

  /** The time that figures are of, where it is not the newest sample's: in a recording, the window's end. */
  get shownAtMs(): number | null {
    return this.recording !== null && this.view.kind === 'fixed' ? this.view.toMs : null;
  }

  /** Hosts were lost, and none of the others sends anything. */
  get isAway(): boolean {
    const connections = [...this.hosts.values()].map(({ state }) => state.connection);
    return connections.includes('stale') && !connections.includes('live');
  }

  /** Client's time. Live, the newest sample is at the right edge. */
  get window(): TimeWindow {
    if (this.view.kind === 'fixed') return this.view;
    // While all hosts are away their gap grows, to half of the window; otherwise the newest sample is at the edge, and nothing trembles.
    const toMs = this.isAway
      ? Math.max(this.newestMs, Math.min(this.nowMs, this.newestMs + this.windowMs / 2))
      : this.newestMs;
    return { fromMs: toMs - this.windowMs, toMs };
  }

  get paused(): boolean {
    return this.view.kind === 'fixed' && this.view.paused;
  }

  togglePause(): void {
    this.view = this.paused ? { kind: 'live' } : { kind: 'fixed', ...edges(this.window), paused: true };
  }

  /** A drag over less than a tenth of a second is a click, and changes nothing. */
  zoomTo(fromMs: number, toMs: number): void {
    const [from, to] = [Math.min(fromMs, toMs), Math.max(fromMs, toMs)];
    if (to - from >= 100) this.view = { kind: 'fixed', fromMs: from, toMs: to, paused: this.paused };
  }

  /** Below 1 shows less time, around the middle. */
  zoomBy(factor: number): void {
    const { fromMs, toMs } = this.window;
    const [middle, half] = [(fromMs + toMs) / 2, Math.max(50, ((toMs - fromMs) / 2) * factor)];
    this.zoomTo(middle - half, middle + half);
  }

  /** By parts of the window; negative is earlier. */
  moveBy(part: number): void {
    const { fromMs, toMs } = this.window;
    const shift = (toMs - fromMs) * part;
    this.zoomTo(fromMs + shift, toMs + shift);
  }

  goLive(): void {
    this.view = { kind: 'live' };
  }
}

/** What the page keeps of itself over a reload. */
export interface KeptState {
  readonly windowMs: number | null;
  readonly hidden: readonly string[];
  readonly chosenLines: readonly (readonly [string, boolean])[];
}

export function restored(kept: unknown): KeptState {
  const fields = typeof kept === 'object' && kept !== null ? (kept as Record<string, unknown>) : {};
  const { windowMs, hidden, chosenLines } = fields as Partial<Record<keyof KeptState, unknown>>;
  return {
    windowMs: windowLengths.find((length) => length === windowMs) ?? null,
    hidden: Array.isArray(hidden) ? hidden.filter((one) => typeof one === 'string') : [],
    chosenLines: Array.isArray(chosenLines) ? chosenLines.filter(isChosenLine) : [],
  };
}

function isChosenLine(one: unknown): one is readonly [string, boolean] {
  return Array.isArray(one) && typeof one[0] === 'string' && typeof one[1] === 'boolean';
}

function edges({ fromMs, toMs }: TimeWindow): TimeWindow {
  return { fromMs, toMs };
}
