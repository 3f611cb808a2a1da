import type { TelemetryHeader } from '../../protocol/agent.ts';
import { rowNumbers } from '../../protocol/telemetryHistory.ts';

/** What a page is given of the past, over all hosts: some 2 MB. */
const mostNumbers = 500_000;
const mostBuckets = 1000;

/** Into how many buckets the past of a host goes where `hosts` are told of together. */
export function bucketsOf(header: TelemetryHeader, hosts: number): number {
  // Mean, least, most and how many, of each column.
  const numbers = 4 * Math.max(1, rowNumbers(header));
  return Math.max(60, Math.min(mostBuckets, Math.floor(mostNumbers / numbers / Math.max(1, hosts))));
}

/** A page's question for detail; its fields are unchecked. undefined: it asks for nothing that could be. */
export function askedDetail(message: {
  readonly fromMs?: unknown;
  readonly toMs?: unknown;
  readonly buckets?: unknown;
}): { readonly fromMs: number; readonly toMs: number; readonly buckets: number } | undefined {
  const { fromMs, toMs, buckets } = message;
  if (!isTime(fromMs) || !isTime(toMs) || toMs < fromMs || !isTime(buckets)) return undefined;
  return { fromMs, toMs, buckets: Math.max(1, Math.min(4000, Math.floor(buckets))) };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
