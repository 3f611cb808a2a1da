import { describe, expect, it } from 'vitest';
import { cellWith, file, problemsOf, recorded, theRun, theTrial } from './files.ts';

describe('SGLang bench_serving', () => {
  const line = {
    backend: 'sglang',
    request_rate: 4,
    max_concurrency: null,
    random_input_len: 200,
    random_output_len: 100,
    server_info: { version: '0.5.23', model_path: 'qwen' },
    duration: 20,
    completed: 100,
    total_input_tokens: 20_000,
    total_output_tokens: 10_000,
    total_output_tokens_retokenized: 9990,
    output_throughput: 500,
    mean_e2e_latency_ms: 2000,
    median_e2e_latency_ms: 1990,
    p99_e2e_latency_ms: 2500,
    mean_ttft_ms: 60,
    median_ttft_ms: 55,
    mean_tpot_ms: 20,
    mean_itl_ms: 20,
  };

  it('a line a run, bare Infinity and all', () => {
    const closed = JSON.stringify({ ...line, max_concurrency: 8 }).replace(
      '"request_rate":4',
      '"request_rate":Infinity',
    );
    const run = theRun([file('o.jsonl', `${JSON.stringify(line)}\n${closed}\n`)]);
    expect(run.cells.map(({ label }) => label)).toEqual(['concurrency 8', '4 requests/s']);
    expect(run.engine).toEqual({ name: 'sglang', version: '0.5.23' });
    expect(run.model).toBe('qwen');
    const trial = cellWith(run, 8).trials[0];
    expect(trial?.e2eMs).toEqual({ mean: 2000, p50: 1990, p90: null, p95: null, p99: null });
    expect(trial?.requests).toMatchObject({ ok: 100, failed: null });
  });

  it('with --output-details by formula; aborted requests that it counts as completed are told', () => {
    const details = {
      ...line,
      completed: 2,
      total_output_tokens_retokenized: 2,
      ttfts: [0.05, 0.06, 0],
      itls: [[0.02, 0.02], [0.02], []],
      output_lens: [3, 2, 0],
      input_lens: [10, 10, 10],
      errors: ['', '', 'timeout'],
    };
    const run = theRun([file('o.jsonl', details)]);
    const trial = theTrial(run);
    expect(trial.requests).toEqual({ ok: 2, failed: 1, byKind: { timeout: 1 } });
    expect(trial.e2eMs.mean).toBeCloseTo((90 + 80) / 2, 6);
    expect(trial.tpotMs.mean).toBeCloseTo(20, 6);
    expect(trial.window).toBeUndefined();
    expect(run.origin?.notes.join(' ')).toMatch(/aborted/);
  });
});

describe('guidellm', () => {
  const row = (at: number) => ({
    request_id: String(at),
    start_time: 1000 + at,
    first_token_time: 1000 + at + 0.05,
    last_token_time: 1000 + at + 0.05 + 0.02 * 9,
    end_time: 1000 + at + 0.24,
    prompt_tokens: 20,
    output_tokens: 10,
  });

  it('0.3: no metadata, times in the rows, strategies as cells', () => {
    const benchmark = (strategy: object, count: number) => ({
      type_: 'generative_benchmark',
      args: { strategy },
      worker: { backend_target: 'http://user:secret@host:8000/v1', backend_model: 'm' },
      start_time: 1000,
      end_time: 1100,
      request_totals: { successful: count, errored: 1, incomplete: 2, total: count + 3 },
      metrics: {},
      requests: {
        successful: Array.from({ length: count }, (_, at) => row(at)),
        errored: [{ ...row(20), error: 'HTTP 503', first_token_time: null, last_token_time: null }],
        incomplete: [],
      },
    });
    const run = theRun([
      file('b.json', {
        benchmarks: [
          benchmark({ type_: 'synchronous' }, 20),
          benchmark({ type_: 'concurrent', streams: 4 }, 20),
          benchmark({ type_: 'constant', rate: 2.5 }, 20),
        ],
      }),
    ]);
    expect(run.cells.map(({ label }) => label)).toEqual(['concurrency 1', 'concurrency 4', '2.5 requests/s']);
    expect(run.host).toBe('http://host:8000');
    const trial = cellWith(run, 4).trials[0];
    expect(trial?.requests).toEqual({ ok: 20, failed: 1, byKind: { 'http-status': 1 } });
    expect(trial?.ttftMs.mean).toBeCloseTo(50, 6);
    // (last - first) / (n - 1): neither of guidellm's two words for it.
    expect(trial?.tpotMs.mean).toBeCloseTo(20, 6);
    expect(trial?.e2eMs.mean).toBeCloseTo(230, 6);
    expect(run.origin?.notes.join(' ')).toMatch(/2 requests were cut off/);
    expect(JSON.stringify(run)).not.toContain('secret');
  });

  it('with a sample of the requests its own aggregates stand, seconds as milliseconds', () => {
    const [file0] = recorded('guidellm');
    const report = JSON.parse(file0?.text ?? '');
    const [benchmark] = report.benchmarks;
    benchmark.requests.successful.length = 5;
    const sampled = theTrial(theRun([file('b.json', report)]));
    expect(sampled.aggregatedBy).toBe('guidellm');
    expect(sampled.e2eMs.mean).toBeCloseTo(2039.32, 2);
    expect(sampled.tpotMs.mean).toBeCloseTo(19.97, 2);
    expect(sampled.systemTokensPerSecond).toBeCloseTo(1303.23, 2);
    expect(sampled.requests.ok).toBe(56);
  });
});

describe('aiperf', () => {
  it('a torn last line costs its request and is said', () => {
    const files = recorded('aiperf').map((one) =>
      one.name.endsWith('.jsonl') ? { ...one, text: one.text.slice(0, -400) } : one,
    );
    const run = theRun(files);
    expect(theTrial(run).requests.ok).toBe(63);
    expect(run.origin?.notes.join(' ')).toMatch(/profile_export\.jsonl, line 64: no JSON object/);
  });

  it('a failed and a warm-up request are told apart', () => {
    const request = (changes: object, error: object | null = null) =>
      JSON.stringify({
        metadata: {
          request_start_ns: 1e18,
          request_end_ns: 1e18 + 1e9,
          benchmark_phase: 'profiling',
          ...changes,
        },
        metrics:
          error === null
            ? {
                time_to_first_token: { value: 50, unit: 'ms' },
                request_latency: { value: 250, unit: 'ms' },
                output_sequence_length: { value: 11, unit: 'tokens' },
              }
            : {},
        error,
      });
    const text = [
      request({}),
      request({ benchmark_phase: 'warmup' }),
      request({}, { code: 429, type: 'HTTP', message: 'Too Many Requests' }),
    ].join('\n');
    const trial = theTrial(theRun([file('profile_export.jsonl', text)]));
    expect(trial.requests).toEqual({ ok: 1, failed: 1, byKind: { 'http-status': 1 } });
    expect(trial.tpotMs.mean).toBeCloseTo(20, 9);
  });

  it('0.1 has its metrics in records and its load in loadgen', () => {
    const block = (avg: number) => ({ unit: 'ms', avg, p50: avg, count: 100 });
    const run = theRun([
      file('profile_export_aiperf.json', {
        records: {
          request_latency: block(2050),
          time_to_first_token: { unit: 's', avg: 0.05, p50: 0.05 },
          inter_token_latency: block(20),
          request_count: { unit: 'requests', avg: 100 },
          output_token_throughput: { unit: 'tokens/sec', avg: 900 },
        },
        input_config: {
          loadgen: { concurrency: 16 },
          endpoint: { model_names: ['m'], url: 'localhost:8000' },
        },
        start_time: '2025-08-01T10:00:00',
      }),
    ]);
    expect(run.cells[0]?.label).toBe('concurrency 16');
    expect(theTrial(run).ttftMs.mean).toBeCloseTo(50, 9);
    expect(run.model).toBe('m');
  });
});

describe('genai-perf', () => {
  const block = (avg: number, unit = 'ms') => ({
    unit,
    avg,
    min: avg,
    max: avg,
    std: 0,
    p50: avg,
    p90: avg,
    p95: avg,
    p99: avg,
  });
  const json = {
    request_throughput: block(3, 'requests/sec'),
    request_latency: block(2030),
    time_to_first_token: block(50),
    inter_token_latency: block(20),
    output_token_throughput: block(400, 'tokens/sec'),
    request_count: block(200, 'count'),
    output_sequence_length: block(100, 'tokens'),
    input_sequence_length: block(200, 'tokens'),
    input_config: { model_names: ['m'], perf_analyzer: { stimulus: { concurrency: 8 } } },
  };

  it('JSON: TPOT under the name of ITL, and no gaps', () => {
    const run = theRun([file('a/m_genai_perf.json', json)]);
    const trial = theTrial(run);
    expect(cellWith(run, 8).trials).toHaveLength(1);
    expect(trial.tpotMs).toEqual({ mean: 20, p50: 20, p90: 20, p95: 20, p99: null });
    expect(trial.itlMs.mean).toBeNull();
    expect(trial.tokens).toEqual({ input: 40_000, output: 20_000 });
  });

  it('its CSV twin says the same, with thousands separated', () => {
    const csv = [
      'Metric,avg,min,max,p99,p95,p90,p75,p50,p25,p10,p5,p1',
      'Time To First Token (ms),50.00,50.00,50.00,50.00,50.00,50.00,50.00,50.00,50.00,50.00,50.00,50.00',
      'Inter Token Latency (ms),20.00,20.00,20.00,20.00,20.00,20.00,20.00,20.00,20.00,20.00,20.00,20.00',
      'Request Latency (ms),"2,030.00","2,030.00","2,030.00","2,030.00","2,030.00","2,030.00","2,030.00","2,030.00","2,030.00","2,030.00","2,030.00","2,030.00"',
      '',
      'Metric,Value',
      'Output Token Throughput (tokens/sec),400.00',
      'Request Count (count),200.00',
      '',
    ].join('\r\n');
    const run = theRun([file('m-openai-chat-concurrency8/x_genai_perf.csv', csv)]);
    const trial = theTrial(run);
    expect(cellWith(run, 8).label).toBe('concurrency 8');
    expect(trial.e2eMs.p95).toBe(2030);
    expect(trial.ttftMs.p50).toBe(50);
    expect(trial.systemTokensPerSecond).toBe(400);
    expect(trial.requests.ok).toBe(200);
  });
});

describe('perf_analyzer', () => {
  it('CSV: microseconds, rows sorted by throughput, and what it does not say', () => {
    const csv = [
      'Concurrency,Inferences/Second,Client Send,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency,Avg latency',
      '8,100.5,10,20,80000,90000,95000,99000,81000',
      '1,15.2,10,20,60000,61000,62000,63000,60500',
      '4,60.1,10,20,70000,71000,72000,73000,70500',
    ].join('\n');
    const run = theRun([file('out.csv', csv)]);
    expect(run.cells.map(({ concurrency }) => concurrency)).toEqual([1, 4, 8]);
    expect(theTrial(run).e2eMs).toEqual({ mean: 60.5, p50: 60, p90: 61, p95: 62, p99: 63 });
    expect(theTrial(run).requestsPerSecond).toBe(15.2);
    expect(theTrial(run).requests).toEqual({ ok: null, failed: null, byKind: {} });
    expect(run.origin?.notes.join(' ')).toMatch(/cannot be certified/);
    expect(problemsOf([file('out.csv', csv.replace('60.5', '60.5').replace('60000', 'many'))])).toEqual([
      'out.csv > line 3 > p50 latency: p50 latency: a number of at least 0 is expected here, not "many".',
    ]);
  });

  it('profile export: TTFT and gaps by its nanoseconds', () => {
    const request = (at: number) => ({
      timestamp: at * 1e9,
      response_timestamps: [at * 1e9 + 50e6, at * 1e9 + 70e6, at * 1e9 + 90e6],
    });
    const run = theRun([
      file('p.json', {
        experiments: [
          {
            experiment: { mode: 'concurrency', value: 2 },
            requests: Array.from({ length: 40 }, (_, at) => request(at)),
            window_boundaries: [],
          },
        ],
        version: '1.5.0',
        service_kind: 'openai',
        endpoint: 'v1/chat/completions',
      }),
    ]);
    const trial = theTrial(run);
    expect(trial.ttftMs.p50).toBeCloseTo(50, 6);
    expect(Math.abs((trial.itlMs.p50 ?? 0) / 20 - 1)).toBeLessThan(0.001);
    expect(trial.e2eMs.mean).toBeCloseTo(90, 6);
    expect(trial.systemTokensPerSecond).toBeNull();
  });
});

describe('LLMPerf', () => {
  const response = (changes: object = {}) => ({
    error_code: null,
    error_msg: '',
    inter_token_latency_s: 0.0203,
    ttft_s: 0.05,
    end_to_end_latency_s: 2.03,
    request_output_throughput_token_per_s: 49.3,
    number_total_tokens: 300,
    number_output_tokens: 100,
    number_input_tokens: 200,
    ...changes,
  });
  const summary = {
    version: '2023-08-31',
    name: 'm_200_100_summary',
    model: 'm',
    mean_input_tokens: 200,
    mean_output_tokens: 100,
    num_concurrent_requests: 8,
    results_ttft_s_mean: 0.05,
    results_ttft_s_quantiles_p50: 0.05,
    results_end_to_end_latency_s_mean: 2.03,
    results_number_input_tokens_mean: 200,
    results_number_output_tokens_mean: 100,
    results_number_errors: 1,
    results_num_completed_requests: 20,
    results_num_completed_requests_per_min: 240,
    results_mean_output_throughput_token_per_s: 400,
    timestamp: 1_700_000_000,
  };

  it('by its single requests: TPOT without TTFT, its ITL not shown', () => {
    const responses = [
      ...Array.from({ length: 20 }, () => response()),
      response({ error_code: 500, error_msg: 'Internal Server Error' }),
    ];
    const run = theRun([
      file('m_200_100_summary.json', summary),
      file('m_200_100_individual_responses.json', responses),
    ]);
    expect(run.cells).toHaveLength(1);
    const trial = theTrial(run);
    expect(trial.tpotMs.mean).toBeCloseTo(20, 6);
    expect(trial.itlMs.mean).toBeNull();
    expect(trial.requests).toEqual({ ok: 20, failed: 1, byKind: { 'http-status': 1 } });
    expect(trial.systemTokensPerSecond).toBeCloseTo(400, 6);
    expect(run.origin?.notes.join(' ')).toMatch(/E2E \/ tokens, TTFT inside/);
  });

  it('the summary alone: no TPOT, and NaN is not known', () => {
    const text = JSON.stringify(summary).replace('"results_ttft_s_mean":0.05', '"results_ttft_s_mean":NaN');
    const trial = theTrial(theRun([file('m_summary.json', text)]));
    expect(trial.ttftMs.mean).toBeNull();
    expect(trial.ttftMs.p50).toBe(50);
    expect(trial.tpotMs.mean).toBeNull();
    expect(trial.requests).toMatchObject({ ok: 20, failed: 1 });
    expect(trial.aggregatedBy).toBe('LLMPerf');
  });
});

describe('inference-perf', () => {
  it('a rate that the client did not keep is told', () => {
    const stage = {
      load_summary: { count: 100, requested_rate: 64, achieved_rate: 24.87 },
      successes: { count: 100, latency: { request_latency: { mean: 2, median: 2 } }, throughput: {} },
      failures: { count: 3 },
    };
    const run = theRun([file('stage_0_lifecycle_metrics.json', stage)]);
    expect(run.cells[0]?.label).toBe('64 requests/s');
    expect(run.origin?.notes.join(' ')).toMatch(/64 requests\/s were asked for and 24.9 were sent/);
    expect(theTrial(run).requests.failed).toBe(3);
  });
});

describe('genai-bench', () => {
  it('an experiment is one run with a cell a load; milliseconds where it says so', () => {
    const scenario = (concurrency: number) => ({
      aggregated_metrics: {
        scenario: 'D(200,100)',
        num_concurrency: concurrency,
        iteration_type: 'num_concurrency',
        run_duration: 10,
      },
      individual_request_metrics: Array.from({ length: 11 }, () => ({
        ttft: 50,
        e2e_latency: 2030,
        num_input_tokens: 200,
        num_output_tokens: 100,
        error_code: null,
      })),
      _time_unit: 'ms',
    });
    const run = theRun([file('e/c2.json', scenario(2), true), file('e/c1.json', scenario(1), true)]);
    expect(run.cells.map(({ concurrency }) => concurrency)).toEqual([1, 2]);
    expect(theTrial(run).ttftMs.p50).toBe(50);
    expect(theTrial(run).systemTokensPerSecond).toBeCloseTo(110, 6);
  });
});
