/** Records of journal.jsonl in a run folder: what the agent writes of a run, append-only. */
import type { ResultRecord } from '../core/sweep/resultRecord.ts';

/**
 * Common to all journal records. `seq` counts from 0 without gaps over resumes. An array task of a cluster's job writes its own
 * `journal-<task>.jsonl`, counted for itself, with its task as `part`; a record without one is of `journal.jsonl`.
 */
interface JournalBase {
  readonly seq: number;
  readonly part?: number;
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export type JournalRecord = JournalBase &
  (
    | {
        readonly type: 'run-started';
        readonly run: string;
        readonly name: string;
        readonly simulated: boolean;
        readonly agentVersion: string;
        readonly protocol: number;
        readonly bootId: string;
        readonly cells: readonly {
          readonly id: string;
          readonly label: string;
          /** Hash of what is run for it; a resume compares it. */
          readonly content?: string;
        }[];
      }
    | { readonly type: 'run-resumed'; readonly bootId: string; readonly remaining: number }
    | {
        readonly type: 'engine-starting';
        readonly engineKey: string;
        readonly cell: string;
        readonly command: readonly string[];
        readonly log: string;
        readonly simulated: boolean;
      }
    | {
        readonly type: 'engine-stopped';
        readonly engineKey: string;
        readonly signal: string;
        readonly seconds: number;
      }
    | ResultRecord
  );
