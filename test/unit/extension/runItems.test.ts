import { expect, it, vi } from 'vitest';
import { jobStates } from '../../../src/core/sweep/jobs.ts';
import type { JournalEntry } from '../../../src/core/sweep/journal.ts';
import type { RunView } from '../../../src/extension/runs/runView.ts';
import { runItem } from '../../../src/extension/views/runItems.ts';
import { runResults } from '../../webview/examples.ts';

/** Simulated: of the editor only what items of a view are made of. */
vi.mock('vscode', () => ({
  TreeItem: class {
    constructor(
      readonly label: string,
      readonly collapsibleState: number,
    ) {}
  },
  TreeItemCollapsibleState: { Expanded: 2, Collapsed: 1 },
  ThemeIcon: class {
    constructor(readonly id: string) {}
  },
  ThemeColor: class {},
  l10n: {
    t: (text: string, ...words: readonly unknown[]) =>
      text.replace(/\{(\d)\}/g, (_, index) => String(words[Number(index)])),
  },
}));

const state = (seq: number, task: number | null, word: string, reason: string | null): JournalEntry => ({
  seq,
  wallMs: 1000 * seq,
  type: 'job-state',
  jobId: '7',
  task,
  state: word,
  reason,
});

function item(...states: readonly JournalEntry[]) {
  const submitted: JournalEntry = {
    seq: 1,
    wallMs: 1,
    type: 'job-submitted',
    jobId: '7',
    tasks: 2,
    command: [],
  };
  const jobs = jobStates([submitted, ...states]);
  if (jobs === null) throw new Error('no jobs');
  const results = runResults({ outcome: 'running', answer: null });
  const view: RunView = {
    run: results.run,
    workspace: '/w',
    directory: `/w/.loadline/runs/${results.run}`,
    host: results.host,
    results,
    progress: {
      cell: null,
      underWay: [],
      phase: null,
      completed: 1,
      total: 3,
      cellShare: 0,
      elapsedSeconds: 60,
      remainingSeconds: 30,
      jobs,
    },
    connection: null,
  };
  return runItem(view);
}

it('shows a run that waits in a cluster as waiting: why, its place, and that this time is not counted', () => {
  const waiting = item(
    state(2, 0, 'COMPLETED', null),
    state(3, 1, 'PENDING', 'Resources: waiting for GPUs'),
    state(4, null, 'PENDING', 'Resources: waiting for GPUs; 2 jobs before it in gpu'),
  );
  expect(waiting.description).toBe(
    'waiting in the queue · 1/3 · job 7: 1 task waiting (Resources: waiting for GPUs; 2 jobs before it in gpu) · 30 s of work left, time in the queue not counted',
  );
  expect(waiting.iconPath).toMatchObject({ id: 'clock' });
  expect(waiting.tooltip).toContain('2 jobs before it in gpu');
});

it('shows where a run works, and which of its tasks ended early and why', () => {
  const running = item(
    state(2, 0, 'RUNNING', 'on gpu-7'),
    state(3, 1, 'TIMEOUT', 'Nothing was measured within the time limit (00:02:00).'),
  );
  expect(running.description).toBe(
    'running · 1/3 · job 7: 1 task running (on gpu-7), 1 task ended early (TIMEOUT) · 30 s left',
  );
  expect(running.iconPath).toMatchObject({ id: 'sync~spin' });
  expect(running.tooltip).toContain('Nothing was measured within the time limit (00:02:00).');
});
