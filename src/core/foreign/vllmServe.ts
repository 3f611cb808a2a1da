/** `vllm bench serve` (vllm/benchmarks/serve.py, read at 0.33.0) and the runs of `vllm bench sweep serve` (sweep/serve.py). */
import type { FlagValue } from '../engine/deployment.ts';
import type { Problem } from '../result.ts';
import type { LoadResult } from '../sweep/loadResult.ts';
import { quantilesFrom, resultOfAggregates } from './aggregates.ts';
import type { ForeignDocument, ForeignRecord } from './document.ts';
import { Fields } from './fields.ts';
import {
  type ForeignReading,
  type ForeignTool,
  type ForeignTrial,
  firstText,
  lengthsOf,
  nothingRead,
} from './reading.ts';
import { type ForeignRequest, resultOfRequests } from './requests.ts';

const tool = 'vllm bench serve';

export const vllmServe: ForeignTool = {
  name: tool,
  files: 'JSON of --save-result, a folder of `vllm bench sweep serve`',
  recognises: ({ records }) => {
    const value = records[0]?.value;
    if (value === undefined) return false;
    if ('serve_overrides' in value && 'bench_overrides' in value && 'error' in value) return true;
    // SGLang's lines have most of these keys too, but a latency of their own name.
    return (
      'duration' in value &&
      'completed' in value &&
      ('endpoint_type' in value ||
        'backend' in value ||
        'mean_ttft_ms' in value ||
        'mean_e2el_ms' in value) &&
      !('mean_e2e_latency_ms' in value)
    );
  },
  read: (documents, problems) => {
    const measured = documents.filter(isMeasured);
    const files = withoutSummaries(measured);
    const read = files.flatMap((document) => document.records.map((record) => readRecord(record, problems)));
    const fields = files.flatMap(({ records }) => records.map((record) => new Fields(record, [])));
    return {
      ...nothingRead,
      model: firstText(...fields.map((of) => of.text('model_id'))),
      trials: read.map(({ trial }) => trial),
      notes: [
        ...new Set([...documents.flatMap(({ notes }) => notes), ...read.flatMap(({ notes }) => notes)]),
      ],
    } satisfies ForeignReading;
  },
};

/** A sweep's warm-up is a result file like any other, but no measurement. */
function isMeasured({ base }: ForeignDocument): boolean {
  return base !== 'warmup.json';
}

/** summary.json has the runs of its folder once more. */
function withoutSummaries(documents: readonly ForeignDocument[]): readonly ForeignDocument[] {
  const withRuns = new Set(
    documents.filter(({ base }) => /^run=\d+\.json$/.test(base)).map(({ folder }) => folder),
  );
  return documents.filter(({ base, folder }) => base !== 'summary.json' || !withRuns.has(folder));
}

/** Keys that the benchmark writes itself; any other with a plain value is what a sweep or --metadata set. */
const ownKeys = new Set(
  `date endpoint_type backend label model_id tokenizer_id num_prompts request_rate burstiness max_concurrency ramp_up_strategy
  ramp_up_start_rps ramp_up_end_rps duration completed failed total_input_tokens total_input_sequences total_output_tokens
  request_throughput request_goodput output_throughput total_token_throughput input_sequence_throughput rtfx
  max_output_tokens_per_s max_concurrent_requests run_number result_dir result_filename save_result save_detailed`.split(
    /\s+/,
  ),
);
const ownPattern = /^(mean|median|std|p\d+(\.\d+)?)_.*_ms$|^(spec_decode|probe|diffusion|goodput)_/;

function readRecord(
  record: ForeignRecord,
  problems: Problem[],
): { readonly trial: ForeignTrial; readonly notes: readonly string[] } {
  const fields = new Fields(record, problems);
  if (fields.has('serve_overrides')) return { trial: failedRun(fields), notes: [] };
  const concurrency = fields.amount('max_concurrency');
  const rate = fields.raw('request_rate');
  const requestsPerSecond = typeof rate === 'number' && rate > 0 ? rate : null;
  const startedWallMs = dateMs(fields.text('date'));
  const durationSeconds = fields.amount('duration');
  if (durationSeconds === null) fields.missing('duration', 'without it no throughput can be told.');
  const requests = detailedRequests(fields, requestsPerSecond !== null);
  const durationMs = durationSeconds === null ? null : durationSeconds * 1000;
  const result =
    requests === null
      ? aggregated(fields)
      : resultOfRequests({ requests, durationMs, startedWallMs, concurrency });
  return {
    trial: {
      model: fields.text('model_id'),
      flags: overrides(fields),
      concurrency,
      requestsPerSecond,
      lengths: lengthsOf(fields.number('random_input_len'), fields.number('random_output_len')),
      result,
      failure: null,
      // The date is written when the benchmark has ended.
      startedWallMs: startedWallMs === null || durationMs === null ? null : startedWallMs - durationMs,
      finishedWallMs: startedWallMs,
    },
    notes: [...notesOf(fields, requests, concurrency, requestsPerSecond)],
  };
}

/** `20261121-145546`: the local time of the machine that ran it, which the file does not name; taken as UTC. */
function dateMs(date: string | null): number | null {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(date ?? '') ?? [];
  if (year === undefined) return null;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

function overrides(fields: Fields): Readonly<Record<string, FlagValue>> {
  return Object.fromEntries(
    fields.keys.flatMap((key): [string, FlagValue][] => {
      if (ownKeys.has(key) || ownPattern.test(key)) return [];
      const value = fields.raw(key);
      const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
      return plain ? [[key.replaceAll('_', '-'), value]] : [];
    }),
  );
}

/** A combination that a sweep went on without (--continue-on-error). */
function failedRun(fields: Fields): ForeignTrial {
  const serve = fields.object('serve_overrides');
  const bench = fields.object('bench_overrides');
  const rate = bench?.raw('request_rate');
  return {
    model: null,
    flags: { ...(serve === null ? {} : overrides(serve)), ...(bench === null ? {} : overrides(bench)) },
    concurrency: bench?.amount('max_concurrency') ?? null,
    requestsPerSecond: typeof rate === 'number' ? rate : null,
    lengths: lengthsOf(bench?.number('random_input_len') ?? null, bench?.number('random_output_len') ?? null),
    result: null,
    failure: {
      kind: 'crashed',
      phase: 'load',
      message: firstText(fields.text('error'), fields.text('error_type')) ?? 'The sweep says no reason.',
      logExcerpt: [],
    },
    startedWallMs: null,
    finishedWallMs: null,
  };
}

/** Of --save-detailed; null where the file was written without it. Lists of another length than the requests are a problem. */
function detailedRequests(fields: Fields, isOpenLoop: boolean): readonly ForeignRequest[] | null {
  const outputs = fields.amounts('output_lens');
  const ttfts = fields.amounts('ttfts');
  if (outputs === null || ttfts === null) return null;
  const itls = fields.lists('itls');
  const inputs = fields.amounts('input_lens');
  const errors = fields.texts('errors');
  const latencies = fields.amounts('latencies');
  const starts = fields.amounts('start_times');
  const queued = isOpenLoop ? fields.amounts('queue_times') : null;
  const lists = { output_lens: outputs, itls, input_lens: inputs, errors, latencies, start_times: starts };
  for (const [key, list] of Object.entries(lists)) {
    if (list === null || list.length === ttfts.length) continue;
    fields.problem(
      'foreign.lengths-differ',
      `${key} has ${list.length} entries and ttfts ${ttfts.length}: the file is not whole. Give it as the tool wrote it.`,
      key,
    );
    return [];
  }
  return ttfts.map((ttft, at) => {
    const output = outputs[at] ?? null;
    const error = errors?.[at] ?? null;
    const gaps = itls?.[at] ?? null;
    // A request that failed has no tokens and, nearly always, an error.
    const failure = error ?? (output === null || output === 0 ? '' : null);
    const latency = latencies?.[at] ?? null;
    // Before there was a list of latencies: the gaps end with the last token.
    const e2e =
      latency ?? (ttft === null || gaps === null ? null : ttft + gaps.reduce((sum, gap) => sum + gap, 0));
    const start = starts?.[at] ?? null;
    const waited = queued?.[at] ?? null;
    return {
      sentMs: milliseconds(start),
      scheduledMs: start === null || waited === null ? null : (start - waited) * 1000,
      ttftMs: milliseconds(ttft),
      e2eMs: milliseconds(e2e),
      inputTokens: inputs?.[at] ?? null,
      outputTokens: output,
      gapsMs: gaps === null ? null : gaps.map((gap) => gap * 1000),
      failure,
    };
  });
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}

function aggregated(fields: Fields): LoadResult {
  const ok = fields.amount('completed');
  const quantiles = (metric: string, key: string = metric) =>
    quantilesFrom((name) => {
      const value = fields.amount(`${name === 'p50' ? 'median' : name}_${key}_ms`);
      // An empty list is written as 0; no gap and no answer takes no time at all.
      return value === 0 ? null : value;
    }, 1);
  return resultOfAggregates({
    tool,
    ok,
    failed: fields.amount('failed'),
    inputTokens: fields.amount('total_input_tokens'),
    outputTokens: fields.amount('total_output_tokens'),
    ttftMs: quantiles('ttft'),
    tpotMs: quantiles('tpot'),
    itlMs: quantiles('itl'),
    e2eMs: quantiles('e2el'),
    systemTokensPerSecond: fields.amount('output_throughput'),
    requestsPerSecond: fields.amount('request_throughput'),
    goodput: fields.amount('request_goodput'),
  });
}

function* notesOf(
  fields: Fields,
  requests: readonly ForeignRequest[] | null,
  concurrency: number | null,
  requestsPerSecond: number | null,
): Iterable<string> {
  if (requests === null)
    yield 'Written without --save-detailed: percentiles are vLLM’s own aggregates and cannot be checked.';
  if (requestsPerSecond !== null && concurrency !== null && !fields.has('queue_times'))
    yield `At a request rate with a limit of ${concurrency} in flight, requests that waited in the client are timed from their sending: latencies are too low (coordinated omission).`;
  if (!fields.has('max_concurrency') && requestsPerSecond === null)
    yield 'Without a rate and a limit of requests in flight all requests were sent at once: TTFT is mostly waiting.';
  const failed = fields.amount('failed');
  const completed = fields.amount('completed');
  if (failed !== null && failed > 0) {
    yield `${failed} of ${failed + (completed ?? 0)} requests failed; vLLM’s own figures leave them out without a word.`;
  }
  if (requests !== null && completed !== null) {
    const counted = requests.filter(({ failure }) => failure === null).length;
    if (counted !== completed)
      yield `${counted} requests of the lists completed, while the file says ${completed}: the figures here are of the lists.`;
  }
}
