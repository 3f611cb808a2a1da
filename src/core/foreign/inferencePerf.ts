/** inference-perf's reports (kubernetes-sigs/inference-perf, inference_perf/reportgen; file set of 0.7.0): stage_N_lifecycle_metrics.json. */
import type { Problem } from '../result.ts';
import { quantilesFrom, resultOfAggregates } from './aggregates.ts';
import type { ForeignDocument, ForeignRecord } from './document.ts';
import { Fields } from './fields.ts';
import { byFolder, type ForeignTool, type ForeignTrial, nothingRead } from './reading.ts';

const tool = 'inference-perf';

export const inferencePerf: ForeignTool = {
  name: tool,
  files: 'stage_N_lifecycle_metrics.json, or their folder',
  recognises: ({ records }) => {
    const value = records[0]?.value;
    return value !== undefined && 'load_summary' in value && 'successes' in value;
  },
  read: (documents, problems) => {
    const used = byFolder(documents).flatMap(stagesOf);
    const notes: string[] = [
      'Percentiles are inference-perf’s own aggregates: its reports have no single requests.',
      'inference-perf’s normalized_time_per_output_token is E2E / tokens, TTFT inside: it is not shown.',
    ];
    const trials = used.flatMap(({ records }) => records.map((record) => readStage(record, problems, notes)));
    return { ...nothingRead, trials, notes: [...new Set(notes)] };
  },
};

/** The summary mixes all stages; where they are there each is a cell of its own. */
function stagesOf(documents: readonly ForeignDocument[]): readonly ForeignDocument[] {
  const stages = documents.filter(({ base }) => /stage_\d+_lifecycle/.test(base));
  return stages.length > 0 ? stages : documents;
}

function readStage(record: ForeignRecord, problems: Problem[], notes: string[]): ForeignTrial {
  const fields = new Fields(record, problems);
  const load = fields.object('load_summary');
  const successes = fields.object('successes');
  const ok = successes?.amount('count') ?? null;
  if (ok === null) fields.object('successes')?.missing('count', 'without it nothing can be certified.');
  const latency = successes?.object('latency');
  const throughput = successes?.object('throughput');
  const concurrency = load?.amount('concurrency') ?? null;
  const rate = load?.amount('requested_rate') ?? null;
  const achieved = load?.amount('achieved_rate') ?? null;
  if (concurrency === null && rate !== null && achieved !== null && achieved < 0.95 * rate)
    notes.push(
      `${rate} requests/s were asked for and ${achieved.toPrecision(3)} were sent: the client could not keep the rate, or held requests back; latencies are timed from their sending (coordinated omission).`,
    );
  const quantiles = (key: string) =>
    quantilesFrom((name) => latency?.object(key)?.amount(name === 'p50' ? 'median' : name) ?? null, 1000);
  const total = (...keys: readonly string[]) => {
    const mean = keys
      .map((key) => successes?.object(key)?.amount('mean') ?? null)
      .find((value) => value !== null);
    return mean === undefined || mean === null || ok === null ? null : mean * ok;
  };
  return {
    model: null,
    flags: {},
    concurrency,
    requestsPerSecond: concurrency === null ? rate : null,
    lengths: null,
    result: resultOfAggregates({
      tool,
      ok,
      failed: fields.object('failures')?.amount('count') ?? null,
      inputTokens: total('prompt_tokens', 'prompt_len'),
      outputTokens: total('output_tokens', 'output_len'),
      ttftMs: quantiles('time_to_first_token'),
      tpotMs: quantiles('time_per_output_token'),
      itlMs: quantiles('inter_token_latency'),
      e2eMs: quantiles('request_latency'),
      systemTokensPerSecond: throughput?.amount('output_tokens_per_sec') ?? null,
      requestsPerSecond: throughput?.amount('requests_per_sec') ?? null,
      inputTokensPerSecond: throughput?.amount('input_tokens_per_sec') ?? null,
    }),
    failure: null,
    startedWallMs: null,
    finishedWallMs: null,
  };
}
