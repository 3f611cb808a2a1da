import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../src/core/foreign/foreign.ts';
import { cellWith, file, problemsOf, recorded, theRun, theTrial } from './files.ts';

const summary = {
  date: '20260820-101500',
  backend: 'openai',
  endpoint_type: 'openai',
  model_id: 'm',
  request_rate: 'inf',
  burstiness: 1,
  max_concurrency: 64,
  duration: 41.2,
  completed: 640,
  failed: 0,
  total_input_tokens: 128_310,
  total_output_tokens: 63_950,
  output_throughput: 1552.2,
  mean_ttft_ms: 210.4,
  median_ttft_ms: 180.2,
  p95_ttft_ms: 511,
  p99_ttft_ms: 611,
  mean_tpot_ms: 0,
  median_tpot_ms: 0,
};

describe('vllm bench serve', () => {
  it('failures of a real server are counted, and are no figures', () => {
    const run = theRun(recorded('vllm-bench-serve-failures'));
    const trial = cellWith(run, 32).trials[0];
    expect(trial?.requests).toEqual({ ok: 15, failed: 241, byKind: { 'no-tokens': 241 } });
    // vLLM's own figures of the 15.
    expect(trial?.ttftMs.mean).toBeCloseTo(86.6438, 3);
    expect(trial?.tpotMs.mean).toBeCloseTo(1.7365, 3);
    expect(trial?.itlMs.mean).toBeCloseTo(4.363, 2);
    expect(trial?.systemTokensPerSecond).toBeCloseTo(1835.184, 2);
    expect(run.warnings).toEqual(['Requests failed: concurrency 1; concurrency 32.']);
    expect(run.origin?.notes).toContain(
      '241 of 256 requests failed; vLLM’s own figures leave them out without a word.',
    );
  });

  it('without --save-detailed its aggregates stand, a 0 for an empty list does not', () => {
    const run = theRun([file('c64.json', summary)]);
    const trial = theTrial(run);
    expect(trial.aggregatedBy).toBe('vllm bench serve');
    expect(trial.ttftMs).toEqual({ mean: 210.4, p50: 180.2, p90: null, p95: 511, p99: null });
    expect(trial.tpotMs.mean).toBeNull();
    expect(run.origin?.notes.join(' ')).toMatch(/--save-detailed/);
    expect(run.run).toMatch(/^20260820T101418Z-vllm-bench-serve-/);
  });

  it('a rate behind a limit in flight hides waiting, unless the file has the waits', () => {
    const rated = { ...summary, request_rate: 10 };
    const run = theRun([file('r10.json', rated)]);
    expect(run.cells[0]).toMatchObject({ label: '10 requests/s, concurrency 64', requestsPerSecond: 10 });
    expect(run.origin?.notes.join(' ')).toMatch(/coordinated omission/);

    const many = Array.from({ length: 40 }, (_, at) => at);
    const detailed = {
      ...rated,
      completed: 40,
      output_lens: many.map(() => 10),
      input_lens: many.map(() => 5),
      ttfts: many.map(() => 0.1),
      itls: many.map(() => Array.from({ length: 9 }, () => 0.01)),
      start_times: many.map((at) => 100 + at * 0.1),
      queue_times: many.map(() => 3),
    };
    const withWaits = theRun([file('r10.json', detailed)]);
    expect(withWaits.origin?.notes.join(' ')).not.toMatch(/coordinated omission/);
    const trial = theTrial(withWaits);
    // Older files have no latencies: TTFT and the gaps make them up.
    expect(trial.e2eMs.mean).toBeCloseTo(190, 6);
    expect(trial.e2eFromScheduleMs?.mean).toBeCloseTo(3190, 6);
  });

  it('a sweep is one run: a cell a combination, repeats in it, a failed one with its reason', () => {
    const one = (seqs: number, run: number, tps: number) => ({
      ...summary,
      output_throughput: tps,
      max_num_seqs: seqs,
      run_number: run,
    });
    const folder = (seqs: number) => `sweep/SERVE--max_num_seqs=${seqs}-BENCH--`;
    const files = [
      file(`${folder(32)}/run=0.json`, one(32, 0, 1000), true),
      file(`${folder(32)}/run=1.json`, one(32, 1, 1010), true),
      file(`${folder(32)}/summary.json`, [one(32, 0, 1000), one(32, 1, 1010)], true),
      file(`${folder(32)}/warmup.json`, one(32, -1, 1), true),
      file(`${folder(64)}/run=0.json`, one(64, 0, 1500), true),
      file(
        `${folder(128)}/run=0.failure.json`,
        {
          run_number: 0,
          error_type: 'RuntimeError',
          error: 'server died: CUDA out of memory',
          serve_overrides: { max_num_seqs: 128 },
          bench_overrides: { max_concurrency: 64 },
        },
        true,
      ),
      file('sweep/summary.csv', 'a,b\n1,2\n', true),
    ];
    const run = theRun(files);
    const figures = run.cells.map(({ flags, trials, state }) => [
      flags['max-num-seqs'],
      state,
      ...trials.map(({ systemTokensPerSecond }) => systemTokensPerSecond),
    ]);
    expect(figures).toEqual(
      expect.arrayContaining([
        [32, 'done', 1000, 1010],
        [64, 'done', 1500],
        [128, 'failed'],
      ]),
    );
    expect(figures).toHaveLength(3);
    // Two repeats have an interval, as repeats of our own runs.
    const repeated = run.cells.find(({ trials }) => trials.length === 2);
    expect(repeated?.interval?.systemTokensPerSecond).toMatchObject({ mean: 1005, n: 2 });
    expect(run.cells.find(({ state }) => state === 'failed')?.failure?.message).toMatch(/out of memory/);
    const read = readForeign(files);
    expect(read.ok && read.warnings.map(({ message }) => message)).toEqual([
      'Left out, as they are no results of a load generator: sweep/summary.csv.',
    ]);
  });

  it('the same files have the same name wherever they lie, others another', () => {
    const named = (name: string, text: object) => theRun([file(name, text)]).run;
    expect(named('/a/b/r.json', summary)).toBe(named('r.json', summary));
    expect(named('r.json', { ...summary, completed: 641 })).not.toBe(named('r.json', summary));
  });

  it('models are runs of their own', () => {
    const read = readForeign([file('a.json', summary), file('b.json', { ...summary, model_id: 'other' })]);
    expect(read.ok && read.value.map(({ model }) => model)).toEqual(['m', 'other']);
  });

  it('wrong values and torn lists are said at their key', () => {
    expect(problemsOf([file('a.json', { ...summary, duration: 'long' })])).toEqual([
      'a.json > duration: duration: a number is expected here. Give the file as the tool wrote it.',
      'a.json > duration: duration is missing: without it no throughput can be told.',
    ]);
    const lists = { ...summary, ttfts: [0.1, -1], output_lens: [1], itls: [] };
    expect(problemsOf([file('a.json', lists)]).join('\n')).toMatch(/a\.json > ttfts > 1: .*at least 0/);
    expect(problemsOf([file('a.json', lists)]).join('\n')).toMatch(/output_lens has 1 entries and ttfts 2/);
  });
});

describe('the offline benchmarks', () => {
  it('throughput: requests, and no figure that mixes prompt with output', () => {
    const text = {
      elapsed_time: 10,
      num_requests: 100,
      total_num_tokens: 50_000,
      requests_per_second: 10,
      tokens_per_second: 5000,
    };
    const run = theRun([file('t.json', text)]);
    const trial = theTrial(run);
    expect(trial.requests.ok).toBe(100);
    expect(trial.requestsPerSecond).toBe(10);
    expect(trial.systemTokensPerSecond).toBeNull();
    expect(run.cells[0]?.label).toBe('all requests at once');
    expect(run.origin?.notes.join(' ')).toMatch(/prompt and output tokens together/);
  });

  it('latency: by its iterations, certified by their number', () => {
    const latencies = Array.from({ length: 12 }, (_, at) => 1 + at / 100);
    const trial = theTrial(
      theRun([file('l.json', { avg_latency: 1.055, latencies, percentiles: { 50: 1.05 } })]),
    );
    expect(trial.e2eMs.mean).toBeCloseTo(1055, 6);
    expect(trial.e2eMs.p50).toBeCloseTo(1050, 6);
    expect(trial.e2eMs.p90).toBeNull();
  });
});
