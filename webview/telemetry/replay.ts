import type { TelemetryState } from './state.ts';

/** How much faster than it was recorded. */
export const replaySpeeds = [1, 10, 60] as const;

/** What a recording shows of itself while it plays, at most; the whole of it stands still. */
const windowPart = 0.2;

/** Plays a recording: its window moves on by the clock, and stops at the newest sample. */
export class Replay {
  speed: number = replaySpeeds[1];
  #lastMs: number | undefined;

  constructor(readonly state: TelemetryState) {}

  get isPlaying(): boolean {
    return this.#lastMs !== undefined;
  }

  /** What of the recording is shown while it plays or is looked through. */
  get lengthMs(): number {
    const { state } = this;
    const { fromMs, toMs } = state.window;
    return Math.min(toMs - fromMs, Math.max(1000, (state.newestMs - state.oldestMs) * windowPart));
  }

  /** From where the window is; from the beginning where it shows the end. */
  toggle(nowMs: number): void {
    if (this.#lastMs !== undefined) {
      this.#lastMs = undefined;
      return;
    }
    const { state } = this;
    const { toMs } = state.window;
    if (state.view.kind === 'live' || toMs >= state.newestMs) {
      const oldest = state.oldestMs;
      state.zoomTo(oldest - this.lengthMs, oldest);
    }
    this.#lastMs = nowMs;
  }

  /** Gives whether the window moved. */
  advance(nowMs: number): boolean {
    if (this.#lastMs === undefined) return false;
    const { state } = this;
    const { fromMs, toMs } = state.window;
    const shift = Math.min((nowMs - this.#lastMs) * this.speed, state.newestMs - toMs);
    this.#lastMs = shift > 0 ? nowMs : undefined;
    if (shift > 0) state.zoomTo(fromMs + shift, toMs + shift);
    return true;
  }
}
