/** How the jobs of a run stand in its cluster's queue, from its journals: what the login node saw, and what the tasks say of themselves. */
import { inOrder, type JournalEntry } from './journal.ts';

export interface JobTask {
  readonly task: number;
  /** Slurm's word (`PENDING`, `RUNNING`, `COMPLETED`, `TIMEOUT` …), or `REQUEUED`, `STOPPED`, `ENDED`, which the agent says. */
  readonly state: string;
  /** `Resources: waiting for GPUs …`, `on gpu-7`; null where nothing is said. */
  readonly reason: string | null;
}

export interface JobStates {
  /** Of the latest submission. */
  readonly jobId: string;
  readonly tasks: readonly JobTask[];
  readonly running: number;
  readonly waiting: number;
  readonly ended: number;
  /** Why the first of those that wait does so, with its place in the queue; null where none waits, or it is not known. */
  readonly waitingFor: string | null;
  /** Set where the scheduler does not answer: the states are those of before. */
  readonly problem: string | null;
}

const waitingStates = new Set(['PENDING', 'REQUEUED', 'REQUEUE_HOLD', 'REQUEUE_FED', 'RESV_DEL_HOLD']);
const endedStates = new Set([
  'BOOT_FAIL',
  'CANCELLED',
  'COMPLETED',
  'DEADLINE',
  'ENDED',
  'FAILED',
  'NODE_FAIL',
  'OUT_OF_MEMORY',
  'PREEMPTED',
  'REVOKED',
  'STOPPED',
  'TIMEOUT',
]);

/** null for a run without a scheduler. */
export function jobStates(records: readonly JournalEntry[]): JobStates | null {
  let jobId: string | null = null;
  let whole: { readonly state: string; readonly reason: string | null; readonly wallMs: number } | null =
    null;
  const latest = new Map<number, JobTask & { readonly wallMs: number }>();
  for (const entry of inOrder(records)) {
    if (entry.type === 'job-submitted') jobId = entry.jobId;
    else if (entry.type === 'job-state') {
      const { task, state, reason, wallMs } = entry;
      if (task === null) whole = { state, reason, wallMs };
      else if (wallMs >= (latest.get(task)?.wallMs ?? Number.NEGATIVE_INFINITY))
        latest.set(task, { task, state, reason, wallMs });
    }
  }
  if (jobId === null) return null;
  const known = [...latest.values()].sort((a, b) => a.task - b.task);
  const tasks = known.map(({ task, state, reason }) => ({ task, state, reason }));
  const waiting = tasks.filter(({ state }) => waitingStates.has(state));
  const ended = tasks.filter(({ state }) => endedStates.has(state));
  const first = known.find(({ state }) => waitingStates.has(state));
  // The place in the queue is that of the first that waits, unless it says something newer itself.
  const place =
    whole?.state === 'PENDING' && first !== undefined && whole.wallMs >= first.wallMs ? whole : first;
  return {
    jobId,
    tasks,
    running: tasks.length - waiting.length - ended.length,
    waiting: waiting.length,
    ended: ended.length,
    waitingFor: place?.reason ?? null,
    problem: whole?.state === 'UNKNOWN' ? whole.reason : null,
  };
}

/** `job 7: 2 tasks running (on gpu-7), 1 waiting (Resources: …)`; tasks that did all of their work are left out. */
export function jobWords(jobs: JobStates): string {
  const places = new Set(
    jobs.tasks.flatMap(({ state, reason }) => (state === 'RUNNING' && reason !== null ? [reason] : [])),
  );
  const parts: string[] = [];
  const tasks = (count: number) => `${count} ${count === 1 ? 'task' : 'tasks'}`;
  if (jobs.running > 0)
    parts.push(`${tasks(jobs.running)} running${places.size > 0 ? ` (${[...places].join(', ')})` : ''}`);
  if (jobs.waiting > 0)
    parts.push(`${tasks(jobs.waiting)} waiting${jobs.waitingFor === null ? '' : ` (${jobs.waitingFor})`}`);
  const troubled = jobs.tasks.filter(isTroubled);
  if (troubled.length > 0)
    parts.push(
      `${tasks(troubled.length)} ended early (${[...new Set(troubled.map(({ state }) => state))].join(', ')})`,
    );
  if (jobs.problem !== null) parts.push(`the scheduler does not answer: ${jobs.problem}`);
  return parts.length === 0 ? '' : `job ${jobs.jobId}: ${parts.join(', ')}`;
}

/** Tasks that ended without having done all of their work, in words. */
export function jobTroubles(jobs: JobStates): readonly string[] {
  return jobs.tasks
    .filter(isTroubled)
    .map(
      ({ task, state, reason }) =>
        `Task ${task} of job ${jobs.jobId} ended as ${state}${reason === null ? '' : `: ${reason}`}`,
    );
}

function isTroubled({ state }: JobTask): boolean {
  return endedStates.has(state) && state !== 'COMPLETED';
}
