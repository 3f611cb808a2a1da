import { env, l10n } from 'vscode';
import type { RunProgress } from '../core/sweep/progress.ts';

/** A span of time as one says it: `50 s`, `8 min`, `1 h 50 min`. */
export function durationText(seconds: number): string {
  if (seconds < 90) return l10n.t('{0} s', Math.max(1, Math.round(seconds)));
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return l10n.t('{0} min', minutes);
  return l10n.t('{0} h {1} min', Math.floor(minutes / 60), minutes % 60);
}

/** How long a run still takes; nobody knows how long its jobs wait. Undefined once it is over. */
export function leftText({ remainingSeconds, jobs }: RunProgress): string | undefined {
  if (remainingSeconds === null) return undefined;
  const time = durationText(remainingSeconds);
  return jobs !== undefined && jobs.waiting > 0
    ? l10n.t('{0} of work left, time in the queue not counted', time)
    : l10n.t('{0} left', time);
}

/** How long ago: `just now`, `12 min ago`. */
export function ageText(thenMs: number): string {
  const seconds = (Date.now() - thenMs) / 1000;
  return seconds < 60 ? l10n.t('just now') : l10n.t('{0} ago', durationText(seconds));
}

/** Three significant figures, thousands separated as the editor's language does. */
export function figureText(value: number): string {
  return new Intl.NumberFormat(env.language, { maximumSignificantDigits: 3 }).format(value);
}
