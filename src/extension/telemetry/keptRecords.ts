import type { TelemetryHeader } from '../../protocol/agent.ts';

/** The longest window that the panel offers. */
const keptMs = 2 * 3_600_000;
/** Of one host: 8 GPUs at 1 Hz are a quarter of it, at 10 Hz they have half an hour. */
const mostNumbers = 4_000_000;

/** How many records of a host are kept for a panel that is shown again. */
export function keptRecords({ intervalMs, gpus, gpuColumns }: TelemetryHeader): number {
  const numbers = Math.max(1, gpus.length * gpuColumns.length);
  return Math.max(600, Math.min(Math.ceil(keptMs / intervalMs), Math.floor(mostNumbers / numbers)));
}
