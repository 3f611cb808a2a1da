import { describe, expect, it } from 'vitest';
import { expandPlan } from '../../../src/core/sweep/cells.ts';
import { jobStates, jobTroubles, jobWords } from '../../../src/core/sweep/jobs.ts';
import type { JournalEntry } from '../../../src/core/sweep/journal.ts';
import { runProgress } from '../../../src/core/sweep/progress.ts';
import { type RunContext, resultsFromJournal } from '../../../src/core/sweep/results.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { chatPlan, measurementOf, mustBe, rehearsalContext, sameRequests } from './plans.ts';

const cells = mustBe(expandPlan(mustBe(parseSweepPlan(chatPlan).result), rehearsalContext));
const [one, two, four] = cells.map(({ id }) => id) as [string, string, string];
const engineKey = cells[0]?.engineKey ?? '';
const context: RunContext = {
  run: '20260101T000000Z-chat-test',
  name: 'chat-test',
  mode: 'measured',
  host: 'login-1',
  engine: { name: 'vllm', version: null },
  model: 'meta-llama/Llama-3.2-1B-Instruct',
  device: 'h100-sxm-80gb',
  question: 'chat',
  serviceLevel: null,
  repeats: 1,
  cells,
};

const submitted: JournalEntry = {
  seq: 1,
  wallMs: 1000,
  type: 'job-submitted',
  jobId: '7',
  tasks: 3,
  command: ['sbatch'],
};
const state = (
  seq: number,
  task: number | null,
  word: string,
  reason: string | null = null,
  more: { readonly part?: number; readonly wallMs?: number } = {},
): JournalEntry => ({
  seq,
  wallMs: 1000 + 1000 * seq,
  type: 'job-state',
  jobId: '7',
  task,
  state: word,
  reason,
  ...more,
});
const started: JournalEntry = { seq: 0, wallMs: 900, type: 'run-started' };
const measured = (part: number, cell: string): JournalEntry[] => [
  { seq: 1, part, wallMs: 5000, type: 'engine-starting', engineKey, cell },
  { seq: 2, part, wallMs: 6000, type: 'cell-started', cell, trial: 0 },
  {
    seq: 3,
    part,
    wallMs: 9000,
    type: 'trial-measured',
    cell,
    trial: 0,
    simulated: false,
    measurement: measurementOf(sameRequests(140, { ttftMs: 100, tpotMs: 10, outputTokens: 50 })),
  },
  { seq: 4, part, wallMs: 9100, type: 'cell-done', cell },
];

describe('jobs of a run', () => {
  it('has none without a scheduler', () => {
    expect(jobStates([started])).toBeNull();
    expect(runProgress(context, [started], 2000)).not.toHaveProperty('jobs');
  });

  it('says who runs where and why the others wait, with the place in the queue', () => {
    const jobs = jobStates([
      started,
      submitted,
      state(2, 0, 'RUNNING', 'on gpu-7'),
      state(3, 1, 'PENDING', 'Resources: waiting'),
      state(4, 2, 'PENDING', 'Resources: waiting'),
      state(5, null, 'PENDING', 'Resources: waiting; 2 jobs before it in gpu'),
    ]);
    expect(jobs).toMatchObject({ jobId: '7', running: 1, waiting: 2, ended: 0, problem: null });
    expect(jobs === null ? '' : jobWords(jobs)).toBe(
      'job 7: 1 task running (on gpu-7), 2 tasks waiting (Resources: waiting; 2 jobs before it in gpu)',
    );
  });

  it('takes the latest word by time, whoever says it', () => {
    const records = [
      submitted,
      state(2, 0, 'RUNNING', 'on gpu-7', { wallMs: 3000 }),
      state(9, 0, 'REQUEUED', 'The time limit is near.', { part: 0, wallMs: 8000 }),
    ];
    expect(jobStates(records)).toMatchObject({
      running: 0,
      waiting: 1,
      waitingFor: 'The time limit is near.',
    });
    const again = [...records, state(3, 0, 'RUNNING', 'on gpu-8', { wallMs: 9000 })];
    expect(jobStates(again)).toMatchObject({ running: 1, waiting: 0, waitingFor: null });
  });

  it('keeps what was known while the scheduler does not answer', () => {
    const jobs = jobStates([
      submitted,
      state(2, 0, 'RUNNING', 'on gpu-7'),
      state(3, null, 'UNKNOWN', 'no slurmctld'),
    ]);
    expect(jobs).toMatchObject({ running: 1, problem: 'no slurmctld' });
    const again = jobStates([
      submitted,
      state(2, 0, 'RUNNING', 'on gpu-7'),
      state(3, null, 'UNKNOWN', 'no slurmctld'),
      state(4, null, 'RUNNING'),
    ]);
    expect(again).toMatchObject({ running: 1, problem: null });
  });

  it('names tasks that ended without their work, in the results too', () => {
    const records = [
      started,
      submitted,
      state(2, 0, 'COMPLETED'),
      state(3, 1, 'TIMEOUT', 'Nothing was measured within the time limit (00:02:00).'),
    ];
    const jobs = jobStates(records);
    const expected =
      'Task 1 of job 7 ended as TIMEOUT: Nothing was measured within the time limit (00:02:00).';
    expect(jobs === null ? [] : jobTroubles(jobs)).toEqual([expected]);
    expect(jobs === null ? '' : jobWords(jobs)).toBe('job 7: 1 task ended early (TIMEOUT)');
    expect(resultsFromJournal(context, records, { interrupted: true }).warnings).toContain(expected);
  });
});

describe('progress of tasks side by side', () => {
  const running = [started, submitted, state(2, 0, 'RUNNING', 'on a'), state(3, 1, 'RUNNING', 'on b')];

  it('shows every cell under way and divides what is left among the tasks that run', () => {
    const both = [...running, ...measured(0, one).slice(0, 2), ...measured(1, two).slice(0, 2)];
    const progress = runProgress(context, both, 6000);
    expect(progress.cell).toBe('concurrency 1 + concurrency 2');
    expect(progress.completed).toBe(0);
    const alone = runProgress(context, [...both, state(4, 1, 'PENDING')], 6000);
    expect(progress.remainingSeconds).toBeCloseTo((alone.remainingSeconds ?? 0) / 2, 6);
  });

  it('is over when the run says so, though records of tasks stand behind', () => {
    const all = [...running, ...[one, two, four].flatMap((cell, part) => measured(part, cell))];
    expect(runProgress(context, all, 10_000).remainingSeconds).toBe(0);
    const finished: JournalEntry = {
      seq: 9,
      wallMs: 9500,
      type: 'run-finished',
      outcome: 'completed',
      message: null,
    };
    expect(runProgress(context, [...all, finished], 10_000)).toMatchObject({
      completed: 3,
      remainingSeconds: null,
    });
    expect(resultsFromJournal(context, [...all, finished])).toMatchObject({ outcome: 'completed' });
  });

  it('has nothing under way in a task that was stopped', () => {
    const stopped = [...running, ...measured(0, one).slice(0, 2), state(3, 0, 'REQUEUED', null, { part: 0 })];
    expect(runProgress(context, stopped, 7000).cell).toBeNull();
  });
});
