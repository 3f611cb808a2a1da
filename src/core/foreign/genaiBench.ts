/** genai-bench: a JSON a scenario and load, and experiment_metadata.json (genai_bench/metrics, read at 0.0.5). */
import type { Problem } from '../result.ts';
import { quantilesFrom, resultOfAggregates } from './aggregates.ts';
import type { ForeignDocument, ForeignRecord } from './document.ts';
import { Fields } from './fields.ts';
import {
  byFolder,
  type ForeignTool,
  type ForeignTrial,
  firstText,
  nothingRead,
  serverOf,
} from './reading.ts';
import { type ForeignRequest, resultOfRequests } from './requests.ts';

const tool = 'genai-bench';

export const genaiBench: ForeignTool = {
  name: tool,
  files: 'JSON of a scenario, or the experiment’s folder',
  recognises: (document) => isScenario(document) || isMetadata(document),
  read: (documents, problems) => {
    const metadata = documents.filter(isMetadata).map(fieldsOf);
    const engine = firstText(...metadata.map((fields) => fields?.text('server_engine')));
    return {
      ...nothingRead,
      version: firstText(...metadata.map((fields) => fields?.text('benchmark_version'))),
      engine:
        engine === null
          ? null
          : {
              name: engine.toLowerCase(),
              version: firstText(...metadata.map((fields) => fields?.text('server_version'))),
            },
      server: serverOf(firstText(...metadata.map((fields) => fields?.text('api_base')))),
      trials: byFolder(documents).flatMap((folder) => readExperiment(folder, problems)),
      notes: [
        'genai-bench has no gaps between stream events (ITL), and cancels what is in flight when its limit is reached: those requests are not in the file.',
      ],
    };
  },
};

/** A folder: what it says of itself holds for each of its scenarios. */
function readExperiment(documents: readonly ForeignDocument[], problems: Problem[]): readonly ForeignTrial[] {
  const metadata = documents.filter(isMetadata).map(fieldsOf)[0];
  const model = firstText(metadata?.text('api_model_name'), metadata?.text('model'));
  return documents
    .filter(isScenario)
    .flatMap(({ records }) => records.map((record) => ({ ...readScenario(record, problems), model })));
}

function fieldsOf({ records }: ForeignDocument): Fields | undefined {
  const [record] = records;
  return record === undefined ? undefined : new Fields(record, []);
}

function isScenario({ records }: ForeignDocument): boolean {
  const value = records[0]?.value;
  return value !== undefined && 'aggregated_metrics' in value;
}

function isMetadata({ records }: ForeignDocument): boolean {
  const value = records[0]?.value;
  return value !== undefined && 'benchmark_version' in value && 'traffic_scenario' in value;
}

function readScenario(record: ForeignRecord, problems: Problem[]): Omit<ForeignTrial, 'model'> {
  const fields = new Fields(record, problems);
  const metrics = fields.object('aggregated_metrics');
  // Seconds unless --metrics-time-unit says milliseconds.
  const factor = fields.text('_time_unit') === 'ms' || metrics?.text('_time_unit') === 'ms' ? 1 : 1000;
  const concurrency = metrics?.amount('num_concurrency') ?? null;
  const rows = fields.objects('individual_request_metrics');
  const seconds = metrics?.amount('run_duration') ?? null;
  const requests = rows.map((row) => requestOf(row, factor));
  const durationMs = seconds === null ? null : seconds * 1000;
  return {
    flags: {},
    concurrency: metrics?.text('iteration_type') === 'batch_size' ? null : concurrency,
    requestsPerSecond: null,
    lengths: scenarioLengths(metrics?.text('scenario') ?? null),
    result:
      requests.length > 0
        ? resultOfRequests({ requests, durationMs, startedWallMs: null, concurrency })
        : metrics === null
          ? null
          : aggregated(metrics, factor),
    failure: null,
    startedWallMs: null,
    finishedWallMs: null,
  };
}

/** `D(200,100)` → `200 in, 100 out`; others stand as they are. */
function scenarioLengths(scenario: string | null): string | null {
  const [, input, output] = /^D\((\d+),\s*(\d+)\)$/.exec(scenario ?? '') ?? [];
  return input === undefined || output === undefined ? scenario : `${input} in, ${output} out`;
}

function requestOf(row: Fields, factor: number): ForeignRequest {
  const time = (key: string) => {
    const value = row.amount(key);
    return value === null ? null : value * factor;
  };
  const code = row.raw('error_code');
  return {
    sentMs: null,
    ttftMs: time('ttft'),
    e2eMs: time('e2e_latency'),
    inputTokens: row.amount('num_input_tokens'),
    outputTokens: row.amount('num_output_tokens'),
    gapsMs: null,
    failure:
      code === null || code === undefined
        ? null
        : `${String(code)} ${row.text('error_message') ?? ''}`.trim(),
  };
}

function aggregated(metrics: Fields, factor: number) {
  const stats = metrics.object('stats');
  const quantiles = (key: string) =>
    quantilesFrom((name) => stats?.object(key)?.amount(name) ?? null, factor);
  return resultOfAggregates({
    tool,
    ok: metrics.amount('num_completed_requests'),
    failed: metrics.amount('num_error_requests'),
    inputTokens: stats?.object('num_input_tokens')?.amount('sum') ?? null,
    outputTokens: stats?.object('num_output_tokens')?.amount('sum') ?? null,
    ttftMs: quantiles('ttft'),
    tpotMs: quantiles('tpot'),
    e2eMs: quantiles('e2e_latency'),
    systemTokensPerSecond: metrics.amount('mean_output_throughput_tokens_per_s'),
    requestsPerSecond: metrics.amount('requests_per_second'),
    inputTokensPerSecond: metrics.amount('mean_input_throughput_tokens_per_s'),
  });
}
