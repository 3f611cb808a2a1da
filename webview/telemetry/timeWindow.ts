/** Milliseconds, client's time. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}
