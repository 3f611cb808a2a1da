/** Times of a journal whose host's wall clock was set in mid-run: durations are by its monotonic clock. */
import type { JournalEntry } from './journal.ts';

export interface SteadyJournal {
  /** `wallMs` is the first record's, and what the monotonic clock has counted since. */
  readonly entries: readonly JournalEntry[];
  /** Added to a wall time of the host as it is now it gives the time of these. */
  readonly offsetMs: number;
}

/**
 * `entries` in order (`inOrder`). Each journal of an array task runs by the clock of its own host. Between two boots of a host its
 * wall clock alone says how long it was away; so it does where a record has no monotonic time.
 */
export function steadied(entries: readonly JournalEntry[]): SteadyJournal {
  const last = new Map<number, { readonly entry: JournalEntry; readonly wallMs: number }>();
  let newest = { wallMs: Number.NEGATIVE_INFINITY, offsetMs: 0 };
  const steady = entries.map((entry) => {
    const part = entry.part ?? -1;
    const before = last.get(part);
    const wallMs = before === undefined ? entry.wallMs : before.wallMs + msBetween(before.entry, entry);
    last.set(part, { entry, wallMs });
    if (wallMs >= newest.wallMs) newest = { wallMs, offsetMs: wallMs - entry.wallMs };
    return wallMs === entry.wallMs ? entry : { ...entry, wallMs };
  });
  return { entries: steady, offsetMs: newest.offsetMs };
}

function msBetween(before: JournalEntry, after: JournalEntry): number {
  const byWall = after.wallMs - before.wallMs;
  if (before.monotonicMs === undefined || after.monotonicMs === undefined) return byWall;
  const byMonotonic = after.monotonicMs - before.monotonicMs;
  // The first record of another boot; the next one says so (`host-rebooted`).
  return byMonotonic < 0 ? Math.max(0, byWall) : byMonotonic;
}
