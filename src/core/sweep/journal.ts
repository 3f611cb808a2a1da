/** What results are made of: the part of the journal's records (src/protocol/agent.ts) that says how cells went. */
import type { TrialMeasurement } from './measurement.ts';
import type { CellFailure } from './run.ts';

interface EntryBase {
  readonly seq: number;
  readonly wallMs: number;
}

/** A record of the journal. Those that results do not need are any other record. */
export type JournalEntry = EntryBase &
  (
    | { readonly type: 'run-started' | 'run-resumed' }
    | { readonly type: 'engine-starting'; readonly engineKey: string; readonly cell: string }
    | {
        readonly type: 'engine-ready';
        readonly engineKey: string;
        readonly startupSeconds: number;
        readonly version: string | null;
      }
    | { readonly type: 'engine-stopped'; readonly engineKey: string }
    | { readonly type: 'cell-started'; readonly cell: string; readonly trial: number }
    | {
        readonly type: 'cell-progress';
        readonly cell: string;
        readonly trial: number;
        readonly phase: 'warm-up' | 'load';
        readonly completed: number;
        readonly total: number;
      }
    | {
        readonly type: 'trial-measured';
        readonly cell: string;
        readonly trial: number;
        readonly simulated: boolean;
        readonly measurement: TrialMeasurement;
      }
    | { readonly type: 'cell-done'; readonly cell: string }
    | ({ readonly type: 'cell-failed'; readonly cell: string } & CellFailure)
    | { readonly type: 'warning'; readonly message: string }
    | {
        readonly type: 'run-finished';
        readonly outcome: 'completed' | 'cancelled' | 'failed';
        readonly message: string | null;
      }
  );

/** In order of writing, each once: a record that came twice (two followers, a copy made again) counts once. */
export function inOrder(records: readonly JournalEntry[]): readonly JournalEntry[] {
  const bySeq = new Map<number, JournalEntry>();
  for (const record of records) if (!bySeq.has(record.seq)) bySeq.set(record.seq, record);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}
