/** guidellm's JSON, 0.3 to 0.8 (guidellm/benchmark and guidellm/schemas, read at 0.3.0, 0.4.0, 0.5.0 and 0.8.1). */
import type { Problem } from '../result.ts';
import type { LoadResult } from '../sweep/loadResult.ts';
import { quantilesFrom, resultOfAggregates } from './aggregates.ts';
import type { ForeignRecord } from './document.ts';
import { Fields } from './fields.ts';
import {
  type ForeignTool,
  type ForeignTrial,
  firstText,
  lengthsOf,
  nothingRead,
  serverOf,
} from './reading.ts';
import { type ForeignRequest, resultOfRequests } from './requests.ts';

const tool = 'guidellm';

export const guidellm: ForeignTool = {
  name: tool,
  files: 'JSON (benchmarks.json)',
  recognises: ({ records }) => {
    const benchmarks = records[0]?.value['benchmarks'];
    const first: unknown = Array.isArray(benchmarks) ? benchmarks[0] : undefined;
    return typeof first === 'object' && first !== null && 'type_' in first && 'metrics' in first;
  },
  read: (documents, problems) => {
    const records = documents.flatMap((document) => document.records);
    const files = records.map((record) => new Fields(record, problems));
    const read = records.map((record) => readReport(record, problems));
    return {
      ...nothingRead,
      version: firstText(...files.map((file) => file.object('metadata')?.text('guidellm_version'))),
      model: firstText(...files.map(modelOf)),
      server: serverOf(firstText(...files.map(targetOf))),
      trials: read.flatMap(({ trials }) => trials),
      notes: [
        ...new Set([
          'ITL is not in the file: guidellm’s inter_token_latency_ms is (last token - first token) / (tokens - 1) of a request, which is TPOT here, and its time_per_output_token_ms includes TTFT.',
          ...read.flatMap(({ notes }) => notes),
        ]),
      ],
    };
  },
};

/** The back end of a benchmark: in its config since 0.4, before that in its worker. */
function modelOf(file: Fields): string | null {
  const [first] = file.objects('benchmarks');
  return firstText(
    first?.object('config')?.object('backend')?.text('model'),
    first?.object('worker')?.text('backend_model'),
    file.object('args')?.text('model'),
  );
}

function targetOf(file: Fields): string | null {
  const [first] = file.objects('benchmarks');
  return firstText(
    first?.object('config')?.object('backend')?.text('target'),
    first?.object('worker')?.text('backend_target'),
    file.object('args')?.text('target'),
  );
}

function readReport(
  record: ForeignRecord,
  problems: Problem[],
): { readonly trials: readonly ForeignTrial[]; readonly notes: readonly string[] } {
  const file = new Fields(record, problems);
  const notes: string[] = [];
  const trials = file
    .objects('benchmarks')
    .map((benchmark) => readBenchmark(benchmark, { model: modelOf(file), lengths: lengthsIn(file) }, notes));
  return { trials, notes };
}

/** Of synthetic data, where it was asked for as an object. */
function lengthsIn(file: Fields): string | null {
  const [data] = file.object('config')?.object('spec')?.objects('data') ?? [];
  return lengthsOf(data?.amount('prompt_tokens') ?? null, data?.amount('output_tokens') ?? null);
}

function readBenchmark(
  benchmark: Fields,
  ofFile: Pick<ForeignTrial, 'model' | 'lengths'>,
  notes: string[],
): ForeignTrial {
  const strategy = (benchmark.object('config') ?? benchmark.object('args'))?.object('strategy');
  const kind = strategy?.text('type_') ?? '';
  const isOpenLoop = kind === 'constant' || kind === 'poisson';
  const concurrency =
    kind === 'synchronous'
      ? 1
      : (strategy?.amount('streams') ?? (isOpenLoop ? null : (strategy?.amount('max_concurrency') ?? null)));
  const startedWallMs = wallMs(benchmark.amount('start_time'));
  const counts = benchmark.object('metrics')?.object('request_totals') ?? benchmark.object('request_totals');
  const requests = requestsOf(benchmark, counts, isOpenLoop);
  if (requests === null)
    notes.push(
      'The file has a sample of the requests or none (sample_size): the figures are guidellm’s own aggregates; its TPOT weighs requests by their tokens.',
    );
  const incomplete = counts?.amount('incomplete') ?? 0;
  if (incomplete > 0)
    notes.push(
      `${incomplete} requests were cut off when the benchmark ended; they count neither as completed nor as failed.`,
    );
  if (kind === 'throughput') notes.push('The throughput strategy sends all it can: TTFT is mostly waiting.');
  return {
    ...ofFile,
    flags: {},
    concurrency,
    requestsPerSecond: isOpenLoop ? (strategy?.amount('rate') ?? null) : null,
    result:
      requests === null
        ? aggregated(benchmark, counts)
        : resultOfRequests({ requests, durationMs: null, startedWallMs, concurrency }),
    failure: null,
    startedWallMs,
    finishedWallMs: wallMs(benchmark.amount('end_time')),
  };
}

function wallMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}

/** null where the file does not have every request that completed or failed. */
function requestsOf(
  benchmark: Fields,
  counts: Fields | null,
  isOpenLoop: boolean,
): readonly ForeignRequest[] | null {
  const rows = benchmark.object('requests');
  const completed = rows?.objects('successful') ?? [];
  const failed = rows?.objects('errored') ?? [];
  const isWhole =
    completed.length === (counts?.amount('successful') ?? completed.length) &&
    failed.length === (counts?.amount('errored') ?? failed.length);
  if (!isWhole || completed.length + failed.length === 0) return null;
  return [
    ...completed.map((row) => requestOf(row, null, isOpenLoop)),
    ...failed.map((row) =>
      requestOf(row, firstText(row.text('error'), row.object('info')?.text('error')) ?? '', isOpenLoop),
    ),
  ];
}

function requestOf(row: Fields, failure: string | null, isOpenLoop: boolean): ForeignRequest {
  const timings = row.object('info')?.object('timings');
  const at = (since04: string, before: string) => timings?.amount(since04) ?? row.amount(before);
  const sent = at('request_start', 'start_time');
  const first = at('first_token_iteration', 'first_token_time') ?? timings?.amount('first_iteration') ?? null;
  const last = at('last_token_iteration', 'last_token_time') ?? timings?.amount('last_iteration') ?? null;
  const due = isOpenLoop ? (timings?.amount('targeted_start') ?? null) : null;
  const since = (time: number | null) => (time === null || sent === null ? null : (time - sent) * 1000);
  return {
    sentMs: sent === null ? null : sent * 1000,
    scheduledMs: due === null ? null : due * 1000,
    ttftMs: since(first),
    // Without streaming there is only the end of the answer.
    e2eMs: since(last) ?? since(at('request_end', 'end_time')),
    inputTokens: row.amount('prompt_tokens') ?? row.object('input_metrics')?.amount('text_tokens') ?? null,
    outputTokens: row.amount('output_tokens') ?? row.object('output_metrics')?.amount('text_tokens') ?? null,
    gapsMs: null,
    failure,
  };
}

function aggregated(benchmark: Fields, counts: Fields | null): LoadResult {
  const metrics = benchmark.object('metrics');
  if (metrics === null) benchmark.missing('metrics', 'it has every figure of the benchmark.');
  const metric = (key: string) => metrics?.object(key)?.object('successful');
  const quantiles = (key: string, factor: number) =>
    quantilesFrom((name) => {
      if (name === 'mean') return metric(key)?.amount('mean') ?? null;
      return metric(key)?.object('percentiles')?.amount(name) ?? null;
    }, factor);
  return resultOfAggregates({
    tool,
    ok: counts?.amount('successful') ?? metric('request_latency')?.amount('count') ?? null,
    failed: counts?.amount('errored') ?? null,
    inputTokens: metric('prompt_token_count')?.amount('total_sum') ?? null,
    outputTokens: metric('output_token_count')?.amount('total_sum') ?? null,
    ttftMs: quantiles('time_to_first_token_ms', 1),
    tpotMs: quantiles('inter_token_latency_ms', 1),
    e2eMs: quantiles('request_latency', 1000),
    systemTokensPerSecond: metric('output_tokens_per_second')?.amount('mean') ?? null,
    requestsPerSecond: metric('requests_per_second')?.amount('mean') ?? null,
    inputTokensPerSecond: metric('prompt_tokens_per_second')?.amount('mean') ?? null,
  });
}
