/** `vllm bench throughput` and `vllm bench latency` with --output-json (vllm/benchmarks/throughput.py and latency.py, read at 0.33.0). */
import type { Problem } from '../result.ts';
import { certifiedFrom, summarise } from '../sweep/statistics.ts';
import { resultOfAggregates } from './aggregates.ts';
import type { ForeignRecord } from './document.ts';
import { Fields } from './fields.ts';
import {
  type ForeignReading,
  type ForeignTool,
  type ForeignTrial,
  firstText,
  nothingRead,
} from './reading.ts';

export const vllmThroughput: ForeignTool = {
  name: 'vllm bench throughput',
  files: 'JSON of --output-json',
  recognises: ({ records }) => {
    const value = records[0]?.value;
    return value !== undefined && 'elapsed_time' in value && 'total_num_tokens' in value;
  },
  read: (documents, problems) =>
    reading(
      documents.flatMap(({ records }) => records),
      problems,
      throughput,
      'tokens_per_second counts prompt and output tokens together and the file does not tell them apart: system tokens/s (output) is not known. All requests are there at the start; there is no TTFT.',
    ),
};

export const vllmLatency: ForeignTool = {
  name: 'vllm bench latency',
  files: 'JSON of --output-json',
  recognises: ({ records }) => {
    const value = records[0]?.value;
    return value !== undefined && 'avg_latency' in value && 'latencies' in value;
  },
  read: (documents, problems) =>
    reading(
      documents.flatMap(({ records }) => records),
      problems,
      latency,
      `E2E is of a whole offline batch, once an iteration; ${certifiedFrom.p50} iterations certify a median. The file says neither batch size nor tokens.`,
    ),
};

function reading(
  records: readonly ForeignRecord[],
  problems: Problem[],
  of: (fields: Fields) => ForeignTrial,
  note: string,
): ForeignReading {
  const all = records.map((record) => new Fields(record, problems));
  return {
    ...nothingRead,
    engine: { name: 'vllm', version: null },
    model: firstText(...all.map((fields) => fields.text('model_id'))),
    trials: all.map(of),
    notes: [note],
  };
}

const offline = {
  model: null,
  flags: {},
  concurrency: null,
  requestsPerSecond: null,
  lengths: null,
  failure: null,
  startedWallMs: null,
  finishedWallMs: null,
} as const;

function throughput(fields: Fields): ForeignTrial {
  if (fields.amount('elapsed_time') === null)
    fields.missing('elapsed_time', 'without it no throughput can be told.');
  const ok = fields.amount('num_requests');
  const requestsPerSecond = fields.amount('requests_per_second');
  const model = fields.text('model_id');
  return {
    ...offline,
    model,
    result: resultOfAggregates({ tool: vllmThroughput.name, ok, failed: null, requestsPerSecond }),
  };
}

function latency(fields: Fields): ForeignTrial {
  const latencies = fields.amounts('latencies');
  if (latencies === null) fields.missing('latencies', 'it has the time of each iteration.');
  const known = (latencies ?? []).flatMap((seconds) => (seconds === null ? [] : [seconds * 1000]));
  const result = resultOfAggregates({ tool: vllmLatency.name, ok: null, failed: null });
  const model = fields.text('model_id');
  return { ...offline, model, result: { ...result, e2eMs: summarise(known) } };
}
