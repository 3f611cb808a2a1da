/** What results are made of: the part of the journal's records (src/protocol/agentJournal.ts) that says how cells went. */
import type { ResultRecord } from './resultRecord.ts';

interface EntryBase {
  readonly seq: number;
  /** Array task whose journal it stands in; left out: the run's own. */
  readonly part?: number;
  readonly wallMs: number;
  /** Of the host, since it was started. What its wall clock says may be set in mid-run. */
  readonly monotonicMs?: number;
}

/** A record of the journal. Those that results do not need are any other record. */
export type JournalEntry = EntryBase &
  (
    | { readonly type: 'run-started' | 'run-resumed' }
    | { readonly type: 'engine-starting'; readonly engineKey: string; readonly cell: string }
    | { readonly type: 'engine-stopped'; readonly engineKey: string }
    | ResultRecord
  );

/** Which record of which journal: the same for every copy of it. */
export function placeOf({ part, seq }: Pick<EntryBase, 'part' | 'seq'>): string {
  return `${part ?? ''}/${seq}`;
}

/**
 * Each once: a record that came twice (two followers, a copy made again) counts once. In order of writing within a journal; the run's own
 * stands before those of array tasks, which run side by side.
 */
export function inOrder(records: readonly JournalEntry[]): readonly JournalEntry[] {
  const byPlace = new Map<string, JournalEntry>();
  for (const record of records) {
    const place = placeOf(record);
    if (!byPlace.has(place)) byPlace.set(place, record);
  }
  return [...byPlace.values()].sort((a, b) => (a.part ?? -1) - (b.part ?? -1) || a.seq - b.seq);
}
