/** genai-perf's export (genai_perf/export_data and profile_data_parser, read at 0.0.16): JSON and its CSV twin. */
import type { Problem } from '../result.ts';
import type { ForeignDocument } from './document.ts';
import { Fields } from './fields.ts';
import { csvBlocks, jsonBlocks, resultOfBlocks } from './metricBlocks.ts';
import {
  byFolder,
  type ForeignTool,
  type ForeignTrial,
  firstText,
  lengthsOf,
  nothingRead,
  serverOf,
} from './reading.ts';

const tool = 'genai-perf';

export const genaiPerf: ForeignTool = {
  name: tool,
  files: '*_genai_perf.json or *_genai_perf.csv',
  recognises: (document) => isSummary(document) || isCsv(document),
  read: (documents, problems) => {
    const summaries = documents
      .filter(isSummary)
      .flatMap(({ records }) => records.map((record) => new Fields(record, [])));
    const configs = summaries.flatMap((summary) => summary.object('input_config') ?? []);
    return {
      ...nothingRead,
      model: firstText(...configs.map(modelOf)),
      server: serverOf(
        firstText(
          ...configs.map((config) => firstText(config.object('endpoint')?.text('url'), config.text('u'))),
        ),
      ),
      trials: byFolder(documents).flatMap((folder) => readFolder(folder, problems)),
      notes: [
        'Percentiles are genai-perf’s own aggregates: its files have no single requests, and failed requests are not counted in them.',
        'genai-perf’s inter_token_latency is (E2E - TTFT) / (tokens - 1) of a request, which is TPOT here; before 0.0.9 it was the gap between chunks divided by the tokens of each. Gaps (ITL) are not in the file.',
      ],
    };
  },
};

function modelOf(config: Fields): string | null {
  return firstText(
    config.texts('model_names')?.[0],
    config.texts('model')?.[0],
    config.text('formatted_model_name'),
  );
}

function isSummary({ records }: ForeignDocument): boolean {
  const value = records[0]?.value;
  return (
    value !== undefined &&
    'input_config' in value &&
    'request_latency' in value &&
    !('aiperf_version' in value)
  );
}

function isCsv({ rows }: ForeignDocument): boolean {
  return rows[0]?.[0] === 'Metric' && rows[0][1] === 'avg';
}

/** The CSV says nothing that the JSON beside it does not. */
function readFolder(documents: readonly ForeignDocument[], problems: Problem[]): readonly ForeignTrial[] {
  const summaries = documents.filter(isSummary);
  if (summaries.length === 0)
    return documents.map((document) => ({
      ...noLoad,
      model: null,
      concurrency: concurrencyInName(document.name),
      result: resultOfBlocks(tool, csvBlocks(document)),
    }));
  return summaries.flatMap(({ records, name }) =>
    records.map((record) => {
      const fields = new Fields(record, problems);
      const config = fields.object('input_config');
      const stimulus = config?.object('perf_analyzer')?.object('stimulus') ?? config;
      const input = config?.object('input');
      return {
        ...noLoad,
        model: config === null ? null : modelOf(config),
        concurrency: stimulus?.amount('concurrency') ?? concurrencyInName(name),
        requestsPerSecond: stimulus?.amount('request_rate') ?? null,
        lengths: lengthsOf(
          input?.object('synthetic_tokens')?.amount('mean') ??
            config?.amount('synthetic_input_tokens_mean') ??
            null,
          input?.object('output_tokens')?.amount('mean') ?? config?.amount('output_tokens_mean') ?? null,
        ),
        result: resultOfBlocks(tool, jsonBlocks(fields)),
      };
    }),
  );
}

const noLoad = {
  flags: {},
  requestsPerSecond: null,
  lengths: null,
  failure: null,
  startedWallMs: null,
  finishedWallMs: null,
} as const;

/** genai-perf names its folders after the load: `llama-openai-chat-concurrency8`. */
function concurrencyInName(name: string): number | null {
  const [, digits] = /concurrency(\d+)/.exec(name) ?? [];
  return digits === undefined ? null : Number(digits);
}
