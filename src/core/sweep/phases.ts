/** What a run did when, from its journal: what telemetry of its host is shaded with. */
import { inOrder, type JournalEntry } from './journal.ts';
import type { RunContext } from './results.ts';

/** By the host's clock, milliseconds. */
export interface RunPhase {
  readonly fromMs: number;
  /** null: it goes on. */
  readonly toMs: number | null;
  /** `engine start`, `warm-up`, or the cell's label, with the trial where it is repeated. */
  readonly label: string;
}

/** More than these are told by nobody. */
const mostPhases = 400;

/** The newest, in order. A run that array tasks work on side by side has phases that overlap. */
export function runPhases(
  { cells, repeats }: Pick<RunContext, 'cells' | 'repeats'>,
  records: readonly JournalEntry[],
): readonly RunPhase[] {
  const labels = new Map(cells.map(({ id, label }) => [id, label]));
  const phases: RunPhase[] = [];
  /** By part of the journal. */
  const open = new Map<number, RunPhase>();
  const close = (part: number, atMs: number) => {
    const phase = open.get(part);
    open.delete(part);
    if (phase !== undefined && atMs > phase.fromMs) phases.push({ ...phase, toMs: atMs });
  };
  const begin = (part: number, fromMs: number, label: string) => {
    close(part, fromMs);
    open.set(part, { fromMs, toMs: null, label });
  };
  for (const entry of inOrder(records)) {
    const part = entry.part ?? -1;
    switch (entry.type) {
      case 'engine-starting':
        begin(part, entry.wallMs, 'engine start');
        break;
      case 'cell-started':
        begin(part, entry.wallMs, 'warm-up');
        break;
      case 'cell-progress':
        if (entry.phase === 'load' && open.get(part)?.label === 'warm-up')
          begin(part, entry.wallMs, nameOf(entry.cell, entry.trial));
        break;
      case 'trial-measured': {
        // The load began when its first request was sent, which no record of its own says.
        const { startedWallMs, durationMs } = entry.measurement;
        const phase = open.get(part);
        if (phase !== undefined && startedWallMs > phase.fromMs && phase.label === 'warm-up')
          close(part, startedWallMs);
        open.delete(part);
        phases.push({
          fromMs: startedWallMs,
          toMs: startedWallMs + durationMs,
          label: nameOf(entry.cell, entry.trial),
        });
        break;
      }
      case 'engine-ready':
      case 'cell-done':
      case 'cell-failed':
      case 'engine-stopped':
      case 'run-resumed':
      case 'run-finished':
        close(part, entry.wallMs);
        break;
      default:
    }
  }
  return [...phases, ...open.values()].sort((a, b) => a.fromMs - b.fromMs).slice(-mostPhases);

  function nameOf(cell: string, trial: number): string {
    const label = labels.get(cell) ?? cell;
    return repeats > 1 ? `${label}, trial ${trial + 1}` : label;
  }
}
