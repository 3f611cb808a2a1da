/** `python -m sglang.bench_serving --output-file` (sglang/benchmark/serving.py, read at 0.5.23): a line a run. */
import type { Problem } from '../result.ts';
import type { LoadResult } from '../sweep/loadResult.ts';
import { quantilesFrom, resultOfAggregates } from './aggregates.ts';
import type { ForeignRecord } from './document.ts';
import { Fields } from './fields.ts';
import { type ForeignTool, type ForeignTrial, firstText, lengthsOf, nothingRead } from './reading.ts';
import { type ForeignRequest, resultOfRequests } from './requests.ts';

const tool = 'sglang.bench_serving';

export const sglang: ForeignTool = {
  name: tool,
  files: 'JSON lines of --output-file',
  recognises: ({ records }) => {
    const value = records[0]?.value;
    return value !== undefined && 'mean_e2e_latency_ms' in value && 'duration' in value;
  },
  read: (documents, problems) => {
    const records = documents.flatMap((document) => document.records);
    const read = records.map((record) => readLine(record, problems));
    const all = records.map((record) => new Fields(record, []));
    const servers = all.flatMap((fields) => fields.object('server_info') ?? []);
    const isSglang = all.some((fields) => fields.text('backend')?.startsWith('sglang') === true);
    return {
      ...nothingRead,
      model: firstText(...servers.map((server) => server.text('model_path'))),
      engine: isSglang
        ? { name: 'sglang', version: firstText(...servers.map((server) => server.text('version'))) }
        : null,
      trials: read.map(({ trial }) => trial),
      notes: [
        ...new Set([...documents.flatMap(({ notes }) => notes), ...read.flatMap(({ notes }) => notes)]),
      ],
    };
  },
};

function readLine(
  record: ForeignRecord,
  problems: Problem[],
): { readonly trial: ForeignTrial; readonly notes: readonly string[] } {
  const fields = new Fields(record, problems);
  const rate = fields.raw('request_rate');
  const concurrency = fields.amount('max_concurrency');
  const durationSeconds = fields.amount('duration');
  if (durationSeconds === null) fields.missing('duration', 'without it no throughput can be told.');
  const requests = detailedRequests(fields);
  const durationMs = durationSeconds === null ? null : durationSeconds * 1000;
  const result =
    requests === null
      ? aggregated(fields)
      : resultOfRequests({ requests, durationMs, startedWallMs: null, concurrency });
  return {
    trial: {
      model: fields.object('server_info')?.text('model_path') ?? null,
      flags: {},
      concurrency,
      requestsPerSecond: typeof rate === 'number' && rate > 0 ? rate : null,
      lengths: lengthsOf(fields.amount('random_input_len'), fields.amount('random_output_len')),
      result,
      failure: null,
      startedWallMs: null,
      finishedWallMs: null,
    },
    notes: [...notesOf(fields, requests !== null, typeof rate === 'number' && concurrency !== null)],
  };
}

/** Of --output-details, which has neither latencies nor start times: the gaps end with the last token. */
function detailedRequests(fields: Fields): readonly ForeignRequest[] | null {
  const ttfts = fields.amounts('ttfts');
  const outputs = fields.amounts('output_lens');
  const itls = fields.lists('itls');
  if (ttfts === null || outputs === null || itls === null) return null;
  if (outputs.length !== ttfts.length || itls.length !== ttfts.length) {
    fields.problem(
      'foreign.lengths-differ',
      `ttfts, itls and output_lens have ${ttfts.length}, ${itls.length} and ${outputs.length} entries: the line is not whole.`,
      'ttfts',
    );
    return [];
  }
  const inputs = fields.amounts('input_lens');
  const errors = fields.texts('errors');
  return ttfts.map((ttft, at) => {
    const gaps = itls[at] ?? null;
    const output = outputs[at] ?? null;
    const failure = errors?.[at] ?? (output === null || output === 0 ? '' : null);
    return {
      sentMs: null,
      ttftMs: ttft === null ? null : ttft * 1000,
      e2eMs: ttft === null || gaps === null ? null : (ttft + gaps.reduce((sum, gap) => sum + gap, 0)) * 1000,
      inputTokens: inputs?.[at] ?? null,
      outputTokens: output,
      gapsMs: gaps === null ? null : gaps.map((gap) => gap * 1000),
      failure,
    };
  });
}

function aggregated(fields: Fields): LoadResult {
  const quantiles = (metric: string) =>
    quantilesFrom((name) => {
      const value = fields.amount(`${name === 'p50' ? 'median' : name}_${metric}_ms`);
      return value === 0 ? null : value;
    }, 1);
  return resultOfAggregates({
    tool,
    ok: fields.amount('completed'),
    failed: null,
    inputTokens: fields.amount('total_input_tokens'),
    outputTokens: fields.amount('total_output_tokens'),
    ttftMs: quantiles('ttft'),
    tpotMs: quantiles('tpot'),
    itlMs: quantiles('itl'),
    e2eMs: quantiles('e2e_latency'),
    systemTokensPerSecond: fields.amount('output_throughput'),
    requestsPerSecond: fields.amount('request_throughput'),
    inputTokensPerSecond: fields.amount('input_throughput'),
  });
}

function* notesOf(fields: Fields, isDetailed: boolean, isCapped: boolean): Iterable<string> {
  if (!isDetailed)
    yield 'Written without --output-details: percentiles are SGLang’s own aggregates, and failed requests are not counted in it.';
  if (isCapped)
    yield 'At a request rate with a limit in flight, requests that waited in the client are timed from their sending: latencies are too low (coordinated omission).';
  const completed = fields.amount('completed');
  const retokenized = fields.amount('total_output_tokens_retokenized');
  if (completed !== null && completed > 0 && retokenized !== null && retokenized <= completed)
    yield 'There is at most one token of text a request: the server aborted them and the benchmark counted them as completed. Do not use these figures.';
  const accepted = fields.amount('accept_length');
  if (accepted !== null && accepted > 1 && !isDetailed)
    yield 'Speculative decoding was on: ITL may be divided by the tokens of each chunk, unlike ours.';
}
