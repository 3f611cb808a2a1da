import type { GpuProcess } from './agentTelemetry.ts';

/** `python3`; of one that could not be looked up its number. */
export function processName({ name, pid }: GpuProcess): string {
  return name ?? `process ${pid}`;
}

/** Whose a process is: `run chat`, `yours`, or the user's name; '' where it is not known. */
export function processOwner({ run, own, user }: GpuProcess): string {
  if (run !== undefined) return `run ${run}`;
  if (own === true) return 'yours';
  return user ?? (own === false ? 'another user' : '');
}

/** Known to be another's: a process that could not be looked up is nobody's. */
export function isForeign({ own, run }: GpuProcess): boolean {
  return own === false && run === undefined;
}
