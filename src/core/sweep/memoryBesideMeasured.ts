/** Predicted beside measured: memory as the engine's log says it, speed as the trials do. */

import type { FlagValue } from '../engine/deployment.ts';
import { comparedTerms, type MeasuredStart } from '../estimate/compare.ts';
import { loggedFlags } from '../log/differences.ts';
import type { Beside, FlagBeside, MemoryBeside, SpeedBeside } from './cellResult.ts';
import type { LoadResult } from './loadResult.ts';
import type { CellResult, PredictedCell, PredictedMemory } from './run.ts';
import { isUsable, meanOf } from './usable.ts';

/** What an engine's log says of its start. */
export interface LoggedStart extends MeasuredStart {
  readonly flags?: Readonly<Record<string, FlagValue>>;
  readonly maxModelLen?: number | null;
}

/** Terms that both have. */
export function memoryBeside(
  predicted: readonly PredictedMemory[],
  measured: MeasuredStart,
): readonly MemoryBeside[] {
  const fields = [...comparedTerms, { id: 'available-kv', field: 'availableKvBytes' }] as const;
  return fields.flatMap(({ id, field }) => {
    const term = predicted.find((one) => one.term === id);
    const measuredBytes = measured[field];
    if (term === undefined || measuredBytes === null) return [];
    const { bytes: predictedBytes, lowBytes, highBytes } = term;
    return [{ term: id, predictedBytes, lowBytes, highBytes, measuredBytes }];
  });
}

/** Flags that both have. */
export function flagsBeside(
  predicted: Readonly<Record<string, FlagValue>>,
  { flags = {}, maxModelLen = null, gpuMemoryUtilization = null }: LoggedStart,
): readonly FlagBeside[] {
  const logged = loggedFlags({ flags, maxModelLen, gpuMemoryUtilization });
  return Object.entries(predicted).flatMap(([flag, value]) => {
    const said = logged[flag];
    return said === undefined ? [] : [{ flag, predicted: value, logged: said }];
  });
}

export function isSameFlag({ predicted, logged }: FlagBeside): boolean {
  return Number(predicted) === Number(logged) || String(predicted) === String(logged);
}

/** Means over the trials of a usable cell. Start-up is of its engine, whatever became of the cell. */
export function speedBeside(
  cell: CellResult,
  predicted: PredictedCell | undefined,
  start: {
    readonly kvTokens: number | null;
    readonly startupSeconds: number | null;
    readonly expectedStartSeconds: number | null;
  },
): SpeedBeside | undefined {
  const measured = (of: (trial: LoadResult) => number | null) => (isUsable(cell) ? meanOf(cell, of) : null);
  const beside = (
    figure: { readonly value: number; readonly low: number; readonly high: number } | undefined,
    value: number | null,
  ): Beside | undefined =>
    figure === undefined || value === null
      ? undefined
      : { predicted: figure.value, low: figure.low, high: figure.high, measured: value };
  const exact = (value: number | null | undefined) =>
    value === null || value === undefined ? undefined : { value, low: value, high: value };
  // Estimates of speed are of so many requests at once: of a rate, or a trace, there is none.
  const isClosed = cell.concurrency !== null;
  const rows = {
    ttftMs: isClosed
      ? beside(
          predicted?.ttftMs,
          measured((trial) => trial.ttftMs.mean),
        )
      : undefined,
    tpotMs: isClosed
      ? beside(
          predicted?.tpotMs,
          measured((trial) => trial.tpotMs.mean),
        )
      : undefined,
    systemTokensPerSecond: isClosed
      ? beside(
          predicted?.systemTokensPerSecond,
          measured((trial) => trial.systemTokensPerSecond),
        )
      : undefined,
    kvTokens: beside(exact(predicted?.kvTokens), start.kvTokens),
    startupSeconds: beside(exact(start.expectedStartSeconds), start.startupSeconds),
  };
  const known = Object.entries(rows).filter(([, row]) => row !== undefined);
  return known.length === 0 ? undefined : Object.fromEntries(known);
}
