import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandPlan } from '../../../src/core/sweep/cells.ts';
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
  host: 'gpu-01',
  engine: { name: 'vllm', version: null },
  model: 'meta-llama/Llama-3.2-1B-Instruct',
  device: 'h100-sxm-80gb',
  question: 'chat',
  serviceLevel: { ttftP95Ms: 500, perQueryTokensPerSecond: 10 },
  repeats: 1,
  cells,
};

/** A record without what the journal itself adds. */
type Made = JournalEntry extends infer E
  ? E extends JournalEntry
    ? Omit<E, 'seq' | 'wallMs'>
    : never
  : never;

const journal = (made: readonly Made[]) =>
  made.map((record, seq) => ({ ...record, seq, wallMs: 1_000_000 + 1000 * seq }) as JournalEntry);

interface Point {
  readonly ttftMs: number;
  readonly rate: number;
  readonly bound?: boolean;
  readonly simulated?: boolean;
  readonly requests?: number;
  /** Beside `requests`, which succeed. */
  readonly failed?: number;
}

/** A request of 100 tokens at `rate` tokens per second over its whole time. */
function measured(
  cell: string,
  { ttftMs, rate, bound = false, simulated = false, requests = 140, failed = 0 }: Point,
): Made[] {
  const tpotMs = ((100 / rate) * 1000 - ttftMs) / 99;
  const client = { loopLagP99Ms: 0.1, cpuSeconds: 0.1, wallSeconds: 1, events: 100, bound };
  const request = { ttftMs, tpotMs, outputTokens: 100 };
  const made = [...sameRequests(requests, request), ...sameRequests(failed, { ...request, failed: true })];
  const measurement = measurementOf(made, { client });
  return [
    { type: 'cell-started', cell, trial: 0 },
    { type: 'trial-measured', cell, trial: 0, simulated, measurement },
    { type: 'cell-done', cell },
  ];
}

const begin: Made[] = [
  { type: 'run-started' },
  { type: 'engine-starting', engineKey, cell: one },
  { type: 'engine-ready', engineKey, startupSeconds: 60, version: '0.26.0' },
];
const completed: Made = { type: 'run-finished', outcome: 'completed', message: null };
const good = { ttftMs: 100, rate: 50 };
const late = { ttftMs: 900, rate: 20 };
const whole = journal([
  ...begin,
  ...measured(one, good),
  ...measured(two, good),
  ...measured(four, late),
  completed,
]);

describe('results from a journal', () => {
  it('say so where the engine is of another release than predictions count with', () => {
    const warned = (planned: string | null, version: string | null, mode: RunContext['mode'] = 'measured') =>
      resultsFromJournal(
        { ...context, mode, engine: { name: 'vllm', version: planned } },
        journal([{ type: 'engine-ready', engineKey, startupSeconds: 1, version }]),
      ).warnings.filter((warning) => warning.includes('engine.version'));
    expect(warned('0.26.0', '0.27.1+cu128')).toEqual([expect.stringContaining('0.27.1+cu128')]);
    for (const [planned, version] of [
      ['0.26.0', '0.26.1'],
      ['0.26.0', null],
      [null, '0.27.0'],
      ['0.26', 'b4567-abc'],
    ] as const)
      expect(warned(planned, version)).toEqual([]);
    expect(warned('0.26.0', '0.27.1', 'rehearsal')).toEqual([]);
  });

  it('have every cell once, in the order of the plan, with its figures', () => {
    const results = resultsFromJournal(context, whole);
    expect(
      results.cells.map(({ cell, state, meetsServiceLevel }) => [cell, state, meetsServiceLevel]),
    ).toEqual([
      [one, 'done', true],
      [two, 'done', true],
      [four, 'done', false],
    ]);
    expect(results).toMatchObject({ outcome: 'completed', mode: 'measured', engine: { version: '0.26.0' } });
    expect(results.cells[0]?.trials[0]?.perQueryTokensPerSecond).toBeCloseTo(50, 6);
  });

  it('are the same however the records come: twice, in another order, with unknown ones between', () => {
    const expected = resultsFromJournal(context, whole);
    const stranger = { seq: 900, wallMs: 1, type: 'of-a-later-version' } as unknown as JournalEntry;
    fc.assert(
      fc.property(fc.shuffledSubarray([...whole, ...whole], { minLength: whole.length * 2 }), (records) => {
        expect(resultsFromJournal(context, [...records, stranger])).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('of a run that was cut off and resumed have each cell once, and each trial as it was first measured', () => {
    const again = measured(one, late);
    const records = journal([
      ...begin,
      ...measured(one, good),
      { type: 'cell-started', cell: two, trial: 0 },
      { type: 'run-resumed' },
      ...again,
      ...measured(two, good),
      ...measured(four, good),
      completed,
    ]);
    const results = resultsFromJournal(context, records);
    expect(results.cells.map(({ state, trials }) => [state, trials.length])).toEqual([
      ['done', 1],
      ['done', 1],
      ['done', 1],
    ]);
    expect(results.cells[0]?.trials[0]?.ttftMs.p95).toBe(100);
  });

  it('of every beginning of the journal are valid: no cell is lost, none is done before its record', () => {
    for (let length = 0; length <= whole.length; length++) {
      const results = resultsFromJournal(context, whole.slice(0, length));
      expect(results.cells).toHaveLength(3);
      const done = whole.slice(0, length).filter(({ type }) => type === 'cell-done').length;
      expect(results.cells.filter(({ state }) => state === 'done')).toHaveLength(done);
      expect(results.outcome).toBe(length === whole.length ? 'completed' : 'running');
    }
  });

  it('judge a repeated cell by its worst trial', () => {
    const [started, first] = measured(one, good);
    const [, second] = measured(one, late);
    const records = journal([
      ...begin,
      started,
      first,
      { ...second, trial: 1 } as Made,
      { type: 'cell-done', cell: one },
    ] as Made[]);
    const [cell] = resultsFromJournal({ ...context, repeats: 2 }, records).cells;
    expect(cell?.trials.map(({ ttftMs }) => ttftMs.p95)).toEqual([100, 900]);
    expect(cell?.meetsServiceLevel).toBe(false);
  });

  it('have failures as results, with the excerpt of the log', () => {
    const failure = {
      type: 'cell-failed',
      cell: one,
      kind: 'out-of-memory',
      phase: 'start',
      message: 'CUDA out of memory',
      logExcerpt: ['…'],
    } as const;
    const results = resultsFromJournal(
      context,
      journal([...begin, failure, ...measured(two, good), completed]),
    );
    expect(results.cells[0]).toMatchObject({
      state: 'failed',
      failure: { kind: 'out-of-memory', phase: 'start' },
      meetsServiceLevel: null,
    });
  });

  it('say simulated as soon as one measurement is, whatever the plan says', () => {
    const results = resultsFromJournal(
      context,
      journal([...begin, ...measured(one, { ...good, simulated: true }), completed]),
    );
    expect(results.mode).toBe('rehearsal');
    expect(results.answer).toMatch(/^Simulated: /);
  });

  it('name cells that the plan does not have', () => {
    const results = resultsFromJournal(context, journal([...begin, ...measured('0000000000000000', good)]));
    expect(results.warnings).toContainEqual(expect.stringContaining('1 cell(s) that the plan does not have'));
  });
});

describe('the answer to the chat question', () => {
  const answerOf = (...made: Made[]) =>
    resultsFromJournal(context, journal([...begin, ...made, completed])).answer;

  it('is the largest concurrency within the service level, with what stops the next', () => {
    const answer = answerOf(...measured(one, good), ...measured(two, good), ...measured(four, late));
    expect(answer).toBe(
      '2 is the largest concurrency with TTFT p95 of at most 500 ms and at least 10 tokens/s per query: TTFT p95 100 ms and 50.0 tokens/s per query, 50.0 tokens/s in all. At 4 it is TTFT p95 900 ms and 20.0 tokens/s per query. Throughput is saturated (knee at 1): beyond it requests only wait.',
    );
  });

  it('says where a p95 is within the limit, and its upper end is not', () => {
    const [started, first, done] = measured(one, good) as [
      Made,
      Extract<Made, { type: 'trial-measured' }>,
      Made,
    ];
    const { measurement } = first;
    // Of 140 the p95 is the 133rd: seven are late, so that the percentile just is not.
    const ttftMs = measurement.requests.ttftMs.map((value, at) => (at < 7 ? 700 : value));
    const late7: Made = {
      ...first,
      measurement: { ...measurement, requests: { ...measurement.requests, ttftMs } },
    };
    const answer = answerOf(started, late7, done);
    expect(answer).toMatch(/^1 is the largest concurrency/);
    expect(answer).toContain('Not surely: by the upper end of its interval it has TTFT p95 700 ms');
  });

  it('says that the limit may lie higher where the whole ladder passes', () => {
    expect(answerOf(...measured(one, good), ...measured(two, good), ...measured(four, good))).toContain(
      'Nothing above it was measured',
    );
  });

  it('says when nothing passes, with the nearest figures', () => {
    expect(answerOf(...measured(one, late), ...measured(two, late), ...measured(four, late))).toMatch(
      /^No concurrency .* 1 has TTFT p95 900 ms/,
    );
  });

  it('leaves out what the client may have set, what failed and what cannot be certified, and says so', () => {
    const answer = answerOf(
      ...measured(one, good),
      ...measured(two, { ...good, requests: 100 }),
      ...measured(four, { ...good, bound: true }),
    );
    expect(answer).toMatch(/^1 is the largest concurrency/);
    expect(answer).toMatch(
      /Above it, concurrency \d has too few requests for a p95, so the limit may lie higher\./,
    );
    expect(answer).not.toContain('Nothing above it');
    expect(answer).toContain('Left out: 1 client-bound, 1 with too few requests for a p95 (of 3 cells).');
  });

  it('is no cell most of whose requests failed, however fast the rest was', () => {
    const answer = answerOf(
      ...measured(one, good),
      ...measured(two, { ...good, requests: 297, failed: 3 }),
      ...measured(four, { ...good, failed: 1300 }),
    );
    expect(answer).toMatch(/^2 is the largest concurrency/);
    expect(answer).toMatch(/At 4 it is .*, with 90\.3 % of the requests failed\./);
    expect(answer).toContain('Missed by failed requests (over 1 %): 1 of 3 cells.');
  });

  it('is given for each load by itself', () => {
    const text = chatPlan.replace(
      /load:.*(?=slo:)/s,
      'load:\n  - { concurrency: [1, 32], input: 200, output: 100 }\n  - { concurrency: [1, 32], input: 3000, output: 100 }\n',
    );
    const grid = mustBe(expandPlan(mustBe(parseSweepPlan(text).result), rehearsalContext));
    const records = journal([
      ...begin,
      ...grid.flatMap(({ id, load }) =>
        measured(id, load.input.kind === 'fixed' && load.input.tokens === 200 ? good : late),
      ),
      completed,
    ]);
    const { answer } = resultsFromJournal({ ...context, cells: grid }, records);
    expect(answer).toMatch(
      /^200 in, 100 out: 32 is the largest concurrency .* Nothing above it was measured[^:]* 3000 in, 100 out: No concurrency that was measured keeps .*; 1 has TTFT p95 900 ms/,
    );
    expect(answer).not.toContain('repeat the run');
  });

  it('does not trust a ladder with a hole in it', () => {
    expect(answerOf(...measured(one, good), ...measured(two, late), ...measured(four, good))).toContain(
      'repeat the run',
    );
  });

  it('is not given before the run is over, and says when it was cut short', () => {
    expect(resultsFromJournal(context, whole.slice(0, -1)).answer).toBeNull();
    const cancelled = journal([
      ...begin,
      ...measured(one, good),
      { type: 'run-finished', outcome: 'cancelled', message: 'Cancelled.' },
    ]);
    const answer = resultsFromJournal(context, cancelled).answer;
    expect(answer).toContain('The run was cancelled');
    expect(answer).toContain('2 without a result');
    const interrupted = resultsFromJournal(context, whole.slice(0, -1), { interrupted: true });
    expect(interrupted.outcome).toBe('interrupted');
  });

  it('to cost counts with the price of the plan, else with a list price that it names', () => {
    const records = journal([...begin, ...measured(one, good), completed]);
    const cost = { ...context, question: 'cost' as const };
    const own = resultsFromJournal({ ...cost, gpuDollarsPerHour: 1.8 }, records);
    expect(own.price).toEqual({ dollarsPerHour: 1.8, source: 'price of the plan' });
    // 1.8 dollars an hour at 50 tokens/s.
    expect(own.answer).toContain('$10.0 a million output tokens');
    const list = resultsFromJournal(cost, records);
    expect(list.answer).toContain(`(${list.price?.source})`);
    expect(resultsFromJournal({ ...cost, device: 'of no catalogue' }, records).answer).toContain(
      'No price of of no catalogue is known',
    );
  });

  it('needs a service level, and is not made up for another question', () => {
    const records = journal([...begin, ...measured(one, good), completed]);
    for (const other of [{ serviceLevel: null }, { question: 'memory-limit' as const }]) {
      const results = resultsFromJournal({ ...context, ...other }, records);
      expect(results.answer).toBeNull();
      expect(results.warnings).toContainEqual(expect.stringMatching(/answer/i));
    }
    expect(resultsFromJournal({ ...context, question: null }, records).answer).toBeNull();
  });
});

describe('progress', () => {
  it('counts cells, names what runs, and ends with the run', () => {
    const now = 1_000_000;
    expect(runProgress(context, [], now)).toMatchObject({
      cell: null,
      completed: 0,
      total: 3,
      elapsedSeconds: 0,
    });
    const starting = runProgress(context, whole.slice(0, 2), now + 2000);
    expect(starting).toMatchObject({ cell: 'concurrency 1', phase: 'starting the engine' });
    expect(runProgress(context, whole, now + 60_000)).toMatchObject({
      cell: null,
      completed: 3,
      remainingSeconds: null,
    });
  });

  it('expects less the more is done, and scales by how long cells took', () => {
    const left = (length: number) =>
      runProgress(context, whole.slice(0, length), whole[length - 1]?.wallMs ?? 0).remainingSeconds ?? 0;
    const planned = cells.reduce((total, cell) => total + cell.expectedSeconds, 0);
    expect(left(1)).toBeCloseTo(planned, 6);
    expect(left(6)).toBeLessThan(left(1));
    const slow = whole.map((record) => ({ ...record, wallMs: 1_000_000 + 100_000 * record.seq }));
    expect(runProgress(context, slow.slice(0, 6), slow[5]?.wallMs ?? 0).remainingSeconds).toBeGreaterThan(
      left(6) * 10,
    );
  });

  it('takes no pace from cells that failed', () => {
    const expectedOfOne = cells[0]?.expectedSeconds ?? 0;
    const done = journal([...begin, ...measured(one, good)]).map((record) =>
      record.type === 'cell-done' ? { ...record, wallMs: 1_001_000 + 2000 * expectedOfOne } : record,
    );
    const endMs = done.at(-1)?.wallMs ?? 0;
    const failed: JournalEntry = {
      type: 'cell-failed',
      cell: two,
      kind: 'load',
      phase: 'load',
      message: 'All requests failed.',
      logExcerpt: [],
      seq: 100,
      wallMs: endMs,
    };
    // The one that was done took twice its time; so will the last.
    expect(runProgress(context, [...done, failed], endMs).remainingSeconds).toBeCloseTo(
      2 * (cells[2]?.expectedSeconds ?? 0),
      6,
    );
  });

  it('counts the part of a cell that is done', () => {
    const half: JournalEntry = {
      type: 'cell-progress',
      cell: one,
      trial: 0,
      phase: 'load',
      completed: 70,
      total: 140,
      seq: 3,
      wallMs: 1_010_000,
    };
    const progress = runProgress(context, [...whole.slice(0, 3), half], 1_010_000);
    expect(progress).toMatchObject({ phase: 'load', cellShare: 0.5, cell: 'concurrency 1' });
    const [first] = cells;
    const planned = cells.reduce((total, cell) => total + cell.expectedSeconds, 0);
    expect(progress.remainingSeconds).toBeCloseTo(planned - (first?.expectedSeconds ?? 0) / 2, 6);
  });
});
