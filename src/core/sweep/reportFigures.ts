/** Figures as reports and tables print them: three significant figures, `–` where there is none. */
import { formatCount, formatSignificant } from '../units.ts';

export const none = '–';

/** From a thousand on without decimals and with thousands separated: `4,190`; below, three significant figures. */
export function figure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return none;
  if (Math.abs(value) >= 1000) return formatCount(value);
  return formatSignificant(value);
}

/** What stands behind `±`: the further end, as an interval may have been cut off at 0. */
export function halfWidthOf(
  mean: number,
  { low, high }: { readonly low: number; readonly high: number },
): number {
  return Math.max(mean - low, high - mean);
}

export function milliseconds(value: number | null): string {
  return value === null ? none : `${figure(value)} ms`;
}

/** `1 h 50 min`, `2 min 5 s`, `8 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}
