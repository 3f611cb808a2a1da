import type { RunResults } from '../../src/core/sweep/run.ts';
import { panelProtocol, type SweepProgress, type ToSweep } from '../../src/protocol/panel.ts';
import type { Mark } from '../common/verdict.ts';

export interface SweepState {
  readonly results: RunResults | null;
  readonly progress: SweepProgress | null;
  readonly connection: string | null;
  readonly locale: string;
  /** Set where panel and extension are of different versions. */
  readonly incompatible: boolean;
}

export const initialState: SweepState = {
  results: null,
  progress: null,
  connection: null,
  locale: 'en-US',
  incompatible: false,
};

export function received(state: SweepState, message: ToSweep): SweepState {
  const { results, progress, connection } = message;
  if (message.type === 'delta') return { ...state, results, progress, connection };
  return {
    results,
    progress,
    connection,
    locale: message.locale,
    incompatible: message.protocol !== panelProtocol,
  };
}

/** What the throughput is drawn against. */
export const horizontalAxes = ['ttft', 'per-query', 'concurrency'] as const;
export type HorizontalAxis = (typeof horizontalAxes)[number];

/** What the page kept of itself over a reload. */
export function restoredAxis(kept: unknown): HorizontalAxis {
  const axis = typeof kept === 'object' && kept !== null && 'axis' in kept ? kept.axis : undefined;
  return horizontalAxes.find((one) => one === axis) ?? 'ttft';
}

export interface Headline {
  readonly mark: Mark;
  readonly word: string;
  readonly sentence: string;
}

/** The answer, or why there is none yet. */
export function headline(results: RunResults): Headline {
  const done = results.cells.filter((cell) => cell.state === 'done').length;
  const toRun = results.cells.filter((cell) => cell.state !== 'skipped').length;
  const simulated = results.mode === 'rehearsal';
  if (results.answer !== null)
    return {
      mark: results.outcome === 'running' ? 'running' : 'passed',
      word: simulated ? 'simulated' : '',
      // Said once: the word stands before it here, in a report the answer says it itself.
      sentence: results.answer.replace(/^Simulated: /, ''),
    };
  const soFar = `${done} of ${toRun} cells have results${simulated ? ' (simulated)' : ''}`;
  switch (results.outcome) {
    case 'running':
      return { mark: 'running', word: 'no answer yet', sentence: `the run goes on; ${soFar}.` };
    case 'completed':
      return {
        mark: 'unknown',
        word: 'no answer',
        sentence: `what was measured does not answer the question; ${soFar}.`,
      };
    case 'cancelled':
      return { mark: 'unknown', word: 'no answer', sentence: `the run was cancelled; ${soFar}.` };
    case 'interrupted':
      return { mark: 'unknown', word: 'no answer', sentence: `the run was interrupted; ${soFar}.` };
    case 'failed':
      return { mark: 'failed', word: 'failed', sentence: `the run ended early; ${soFar}.` };
  }
}

/** Which buttons make sense. */
export function actions(results: RunResults): {
  readonly cancel: boolean;
  readonly resume: boolean;
  readonly report: boolean;
} {
  const missing = results.cells.some((cell) => cell.state === 'waiting' || cell.state === 'running');
  return {
    cancel: results.outcome === 'running',
    resume: results.outcome !== 'running' && results.outcome !== 'completed' && missing,
    report: results.cells.some((cell) => cell.trials.length > 0),
  };
}
