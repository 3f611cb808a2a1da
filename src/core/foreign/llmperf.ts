/** LLMPerf's token_benchmark_ray.py: *_summary.json and *_individual_responses.json (ray-project/llmperf, token_benchmark_ray.py and llmperf/common_metrics.py). */
import type { Problem } from '../result.ts';
import { quantilesFrom, resultOfAggregates } from './aggregates.ts';
import type { ForeignDocument } from './document.ts';
import { Fields } from './fields.ts';
import { type ForeignTool, type ForeignTrial, firstText, lengthsOf, nothingRead } from './reading.ts';
import { type ForeignRequest, resultOfRequests } from './requests.ts';

const tool = 'LLMPerf';
const summaryEnd = /_?summary\.json$/;
const responsesEnd = /_?individual_responses\.json$/;

export const llmperf: ForeignTool = {
  name: tool,
  files: '*_summary.json and *_individual_responses.json',
  recognises: (document) => isSummary(document) || isResponses(document),
  read: (documents, problems) => {
    const summaries = documents.filter(isSummary);
    const responses = documents.filter(isResponses);
    const beside = (summary: ForeignDocument) =>
      responses.find(({ name }) => name.replace(responsesEnd, '') === summary.name.replace(summaryEnd, ''));
    const taken = new Set(summaries.map(beside));
    const first = summaries
      .map(({ records }) => records[0])
      .flatMap((record) => (record === undefined ? [] : [new Fields(record, [])]));
    return {
      ...nothingRead,
      version: firstText(...first.map((fields) => fields.text('version'))),
      model: firstText(...first.map((fields) => fields.text('model'))),
      trials: [
        ...summaries.map((summary) => readRun(summary, beside(summary), problems)),
        ...responses
          .filter((document) => !taken.has(document))
          .map((document) => readRun(undefined, document, problems)),
      ],
      notes: [
        'LLMPerf’s inter_token_latency_s is E2E / tokens, TTFT inside: it is not shown. TPOT here is (E2E - TTFT) / (tokens - 1), by its single requests where they are there.',
        'LLMPerf counts the tokens of the text again, in older versions with a LLaMA tokenizer whatever the model is: tokens/s and TPOT may be off by that.',
        ...(responses.length === 0
          ? ['The individual responses are not among the files: percentiles are LLMPerf’s own aggregates.']
          : []),
      ],
    };
  },
};

function isSummary({ records }: ForeignDocument): boolean {
  const value = records[0]?.value;
  return value !== undefined && 'results_ttft_s_mean' in value;
}

function isResponses({ records, base }: ForeignDocument): boolean {
  const value = records[0]?.value;
  return (
    value !== undefined && 'ttft_s' in value && 'end_to_end_latency_s' in value && base.endsWith('.json')
  );
}

function readRun(
  summaryFile: ForeignDocument | undefined,
  responsesFile: ForeignDocument | undefined,
  problems: Problem[],
): ForeignTrial {
  const record = summaryFile?.records[0];
  const summary = record === undefined ? null : new Fields(record, problems);
  const startedWallMs = summary?.amount('timestamp') ?? null;
  const concurrency = summary?.amount('num_concurrent_requests') ?? null;
  const requests = (responsesFile?.records ?? []).map((response) =>
    requestOf(new Fields(response, problems)),
  );
  const perMinute = summary?.amount('results_num_completed_requests_per_min') ?? null;
  const completed = summary?.amount('results_num_completed_requests') ?? null;
  // The file has no duration, but a count and a rate of the same requests.
  const durationMs =
    perMinute === null || perMinute === 0 || completed === null ? null : (completed / perMinute) * 60_000;
  return {
    model: summary?.text('model') ?? null,
    flags: {},
    concurrency,
    requestsPerSecond: null,
    lengths: lengthsOf(
      summary?.amount('mean_input_tokens') ?? null,
      summary?.amount('mean_output_tokens') ?? null,
    ),
    result:
      requests.length > 0
        ? resultOfRequests({ requests, durationMs, startedWallMs: null, concurrency })
        : summary === null
          ? null
          : aggregated(summary, completed),
    failure: null,
    startedWallMs: null,
    // Written when the benchmark has ended.
    finishedWallMs: startedWallMs === null ? null : startedWallMs * 1000,
  };
}

/** Seconds. A request that failed has an error code or message and no tokens. */
function requestOf(fields: Fields): ForeignRequest {
  const seconds = (key: string) => {
    const value = fields.amount(key);
    return value === null ? null : value * 1000;
  };
  const code = fields.raw('error_code');
  const message = fields.text('error_msg');
  const failed = (code !== null && code !== undefined && code !== -1) || message !== null;
  return {
    sentMs: null,
    ttftMs: seconds('ttft_s'),
    e2eMs: seconds('end_to_end_latency_s'),
    inputTokens: fields.amount('number_input_tokens'),
    outputTokens: fields.amount('number_output_tokens'),
    gapsMs: null,
    failure: failed ? `${typeof code === 'number' ? code : ''} ${message ?? ''}`.trim() : null,
  };
}

function aggregated(summary: Fields, completed: number | null) {
  const quantiles = (key: string) =>
    quantilesFrom(
      (name) => summary.amount(name === 'mean' ? `results_${key}_mean` : `results_${key}_quantiles_${name}`),
      1000,
    );
  const total = (key: string) => {
    const mean = summary.amount(`results_${key}_mean`);
    return mean === null || completed === null ? null : mean * completed;
  };
  return resultOfAggregates({
    tool,
    ok: completed,
    failed: summary.amount('results_number_errors'),
    inputTokens: total('number_input_tokens'),
    outputTokens: total('number_output_tokens'),
    ttftMs: quantiles('ttft_s'),
    e2eMs: quantiles('end_to_end_latency_s'),
    perQueryTokensPerSecond: summary.amount('results_request_output_throughput_token_per_s_mean'),
    systemTokensPerSecond: summary.amount('results_mean_output_throughput_token_per_s'),
  });
}
