import type { RunProgress } from '../../src/core/sweep/progress.ts';
import type { CellResult, RunResults } from '../../src/core/sweep/run.ts';
import { isUsable } from '../../src/core/sweep/usable.ts';
import { unpacked } from '../../src/protocol/packed.ts';
import {
  type ComparedRun,
  type OtherRun,
  type PickCell,
  panelProtocol,
  type RunTelemetry,
  type SweepDelta,
  type SweepSnapshot,
  type ToSweep,
} from '../../src/protocol/panel.ts';
import type { Mark } from '../common/verdict.ts';

export interface SweepState {
  readonly results: RunResults | null;
  readonly progress: RunProgress | null;
  readonly connection: string | null;
  readonly others: readonly OtherRun[];
  /** The run that this one is held against; null: none was asked for, or it is not here yet. */
  readonly compared: ComparedRun | null;
  readonly telemetry: RunTelemetry | null;
  /** Cells of the plan's line that the cursor is in. */
  readonly planCursor: readonly string[];
  readonly locale: string;
  /** Set where panel and extension are of different versions. */
  readonly incompatible: boolean;
}

export const initialState: SweepState = {
  results: null,
  progress: null,
  connection: null,
  others: [],
  compared: null,
  telemetry: null,
  planCursor: [],
  locale: 'en-US',
  incompatible: false,
};

/** Whatever comes but `pick`, which is for the view. */
export function received(state: SweepState, message: Exclude<ToSweep, PickCell>): SweepState {
  switch (message.type) {
    case 'snapshot': {
      const { progress, connection, others, locale, protocol } = message;
      const results = wholeResults(message);
      const isSame = results !== null && results.run === state.results?.run;
      return {
        ...(isSame ? state : initialState),
        results,
        progress,
        connection,
        others,
        locale,
        incompatible: protocol !== panelProtocol,
      };
    }
    case 'delta': {
      const { progress, connection, others } = message;
      return { ...state, results: merged(state.results, message), progress, connection, others };
    }
    case 'compared-run':
      return {
        ...state,
        compared: { type: message.type, run: message.run, results: wholeResults(message) },
      };
    case 'run-telemetry':
      return { ...state, telemetry: message };
    case 'plan-cursor':
      return { ...state, planCursor: message.cells };
  }
}

function wholeResults({
  results,
  packedCells,
}: Pick<SweepSnapshot, 'results' | 'packedCells'>): RunResults | null {
  return results === null || packedCells === undefined
    ? results
    : { ...results, cells: unpacked(packedCells) as readonly CellResult[] };
}

/** Cells keep their places; one that was not there before comes last. */
function merged(before: RunResults | null, { results, cells }: SweepDelta): RunResults | null {
  if (results === null) return null;
  const changed = new Map(cells.map((cell) => [cell.cell, cell]));
  const kept = (before?.cells ?? []).map((cell): CellResult => {
    const next = changed.get(cell.cell);
    changed.delete(cell.cell);
    return next ?? cell;
  });
  return { ...results, cells: [...kept, ...changed.values()] };
}

export interface Headline {
  readonly mark: Mark;
  readonly word: string;
  readonly sentence: string;
}

/** The answer, or why there is none yet. */
export function headline(results: RunResults): Headline {
  const toRun = results.cells.filter((cell) => cell.state !== 'skipped' && cell.passedOver === undefined);
  const done = toRun.filter((cell) => cell.state === 'done').length;
  const simulated = results.mode === 'rehearsal';
  if (results.answer !== null)
    return {
      // Where nothing that was measured counts, the answer says just that.
      mark: results.outcome === 'running' ? 'running' : isAnswered(results) ? 'passed' : 'unknown',
      word: simulated ? 'simulated' : '',
      // Said once: the word stands before it here, in a report the answer says it itself.
      sentence: results.answer.replace(/^Simulated: /, ''),
    };
  const soFar = `${done} of ${toRun.length} cells have results${simulated ? ' (simulated)' : ''}`;
  switch (results.outcome) {
    case 'running':
      return { mark: 'running', word: 'no answer yet', sentence: `the run goes on; ${soFar}.` };
    case 'completed':
      return {
        mark: 'unknown',
        word: 'no answer',
        sentence:
          results.origin === undefined
            ? `what was measured does not answer the question; ${soFar}.`
            : `measured by ${results.origin.tool}, which asks no question; ${soFar}.`,
      };
    case 'cancelled':
      return { mark: 'unknown', word: 'no answer', sentence: `the run was cancelled; ${soFar}.` };
    case 'interrupted':
      return { mark: 'unknown', word: 'no answer', sentence: `the run was interrupted; ${soFar}.` };
    case 'failed':
      return { mark: 'failed', word: 'failed', sentence: `the run ended early; ${soFar}.` };
  }
}

function isAnswered({ cells }: RunResults): boolean {
  return cells.some(isUsable) || !cells.some(({ state }) => state === 'done');
}

/** Which buttons make sense. */
export function actions(results: RunResults): {
  readonly cancel: boolean;
  readonly resume: boolean;
  readonly report: boolean;
} {
  const missing = results.cells.some(
    (cell) => (cell.state === 'waiting' || cell.state === 'running') && cell.passedOver === undefined,
  );
  const foreign = results.origin !== undefined;
  return {
    cancel: results.outcome === 'running' && !foreign,
    resume: results.outcome !== 'running' && results.outcome !== 'completed' && missing && !foreign,
    report: results.cells.some((cell) => cell.trials.length > 0),
  };
}
