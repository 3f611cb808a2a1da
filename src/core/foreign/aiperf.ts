/** aiperf's artifact folder: profile_export_aiperf.json, .csv and profile_export.jsonl (aiperf/exporters and aiperf/metrics, read at 0.1.1 and 0.13.0). */
import type { Problem } from '../result.ts';
import type { ForeignDocument, ForeignRecord } from './document.ts';
import { Fields } from './fields.ts';
import { csvBlocks, jsonBlocks, type MetricBlocks, resultOfBlocks } from './metricBlocks.ts';
import {
  byFolder,
  type ForeignTool,
  type ForeignTrial,
  firstText,
  lengthsOf,
  nothingRead,
  serverOf,
} from './reading.ts';
import { type ForeignRequest, resultOfRequests } from './requests.ts';

const tool = 'aiperf';

export const aiperf: ForeignTool = {
  name: tool,
  files: 'profile_export_aiperf.json, profile_export.jsonl, profile_export_aiperf.csv, or their folder',
  recognises: (document) => isRequests(document) || isSummary(document) || isCsv(document),
  read: (documents, problems) => {
    const read = byFolder(documents).flatMap((folder) => readFolder(folder, problems));
    const summaries = documents
      .filter(isSummary)
      .flatMap(({ records }) => records.map((record) => new Fields(record, [])));
    return {
      ...nothingRead,
      version: firstText(...summaries.map((summary) => summary.text('aiperf_version'))),
      model: firstText(...summaries.map(modelOf)),
      server: serverOf(firstText(...summaries.map(addressOf))),
      trials: read.map(({ trial }) => trial),
      notes: [
        ...new Set([
          'aiperf’s inter_token_latency is (E2E - TTFT) / (tokens - 1) of a request, which is TPOT here and in vLLM; ITL here is its inter_chunk_latency.',
          'aiperf’s TTFT includes the making of a new connection (http_req_connecting); vLLM’s does too, Loadline’s own does not: its connections are open before.',
          ...documents.flatMap(({ notes }) => notes),
          ...read.flatMap(({ notes }) => notes),
        ]),
      ],
    };
  },
};

function isRequests({ records }: ForeignDocument): boolean {
  const value = records[0]?.value;
  return (
    value !== undefined &&
    'metadata' in value &&
    'metrics' in value &&
    hasKey(value['metadata'], 'request_start_ns')
  );
}

function isSummary({ records, base }: ForeignDocument): boolean {
  const value = records[0]?.value;
  if (value === undefined) return false;
  if ('aiperf_version' in value && 'request_latency' in value) return true;
  const isEarly = hasKey(value['records'], 'request_latency') && 'input_config' in value;
  return isEarly || (/aiperf/.test(base) && 'input_config' in value && 'request_latency' in value);
}

function isCsv({ rows, base }: ForeignDocument): boolean {
  const header = rows[0];
  return header?.[0] === 'Metric' && header[1] === 'avg' && (header.includes('sum') || /aiperf/.test(base));
}

function hasKey(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && key in value;
}

/** A run's folder: single requests where they are there, else the aggregates of the JSON, else those of the CSV. */
function readFolder(
  documents: readonly ForeignDocument[],
  problems: Problem[],
): readonly { readonly trial: ForeignTrial; readonly notes: readonly string[] }[] {
  const summaries = documents.filter(isSummary);
  const lines = documents.filter(isRequests);
  const tables = documents.filter(isCsv);
  // More than one of a kind: files of several runs that were put together; what belongs to what is not known.
  const sets =
    summaries.length > 1 || lines.length > 1
      ? [...lines, ...summaries].map((document) => [document])
      : [
          documents.filter(
            (document) => !tables.includes(document) || (summaries.length === 0 && lines.length === 0),
          ),
        ];
  return sets.map((set) => readRun(set, problems));
}

function readRun(
  documents: readonly ForeignDocument[],
  problems: Problem[],
): { readonly trial: ForeignTrial; readonly notes: readonly string[] } {
  const record = documents.find(isSummary)?.records[0];
  const summary = record === undefined ? null : new Fields(record, problems);
  const lines = documents.find(isRequests)?.records ?? [];
  const table = documents.find(isCsv);
  const blocks: MetricBlocks | null =
    summary === null ? (table === undefined ? null : csvBlocks(table)) : jsonBlocks(summary);
  const load = loadOf(summary);
  const requests = lines.flatMap((line) => requestOf(line, problems, load.requestsPerSecond !== null) ?? []);
  const starts = requests.flatMap(({ sentMs }) => sentMs ?? []);
  const startedWallMs =
    starts.length === 0 ? timeOf(summary, 'start_time') : starts.reduce((a, b) => Math.min(a, b));
  const result =
    requests.length > 0
      ? resultOfRequests({
          requests,
          durationMs: blocks?.value('benchmark_duration', 'avg') ?? null,
          startedWallMs,
          concurrency: load.concurrency,
        })
      : blocks === null
        ? null
        : resultOfBlocks(tool, blocks);
  return {
    trial: {
      ...load,
      model: summary === null ? null : modelOf(summary),
      result,
      failure: null,
      startedWallMs,
      finishedWallMs: timeOf(summary, 'end_time'),
    },
    notes: [...notesOf(summary, requests.length > 0)],
  };
}

/** aiperf's times have no zone: the local time of the machine that ran it, taken as UTC. */
function timeOf(summary: Fields | null, key: string): number | null {
  const ms = Date.parse(`${summary?.text(key)?.replace(/(\.\d{3})\d*$/, '$1') ?? ''}Z`);
  return Number.isNaN(ms) ? null : ms;
}

/** 0.13 has phases and datasets, earlier versions the groups of their options. */
function loadOf(
  summary: Fields | null,
): Pick<ForeignTrial, 'flags' | 'concurrency' | 'requestsPerSecond' | 'lengths'> {
  const config = summary?.object('input_config');
  const phases = config?.objects('phases') ?? [];
  const phase = phases.find((one) => one.text('kind') === 'profiling') ?? phases.at(-1);
  const early = config?.object('loadgen');
  const prompts = config?.objects('datasets')[0]?.object('prompts');
  const earlyPrompt = config?.object('input')?.object('prompt');
  return {
    flags: {},
    concurrency: phase?.amount('concurrency') ?? early?.amount('concurrency') ?? null,
    requestsPerSecond:
      phase?.amount('rate') ?? phase?.amount('request_rate') ?? early?.amount('request_rate') ?? null,
    lengths: lengthsOf(
      prompts?.object('isl')?.amount('mean') ?? earlyPrompt?.object('input_tokens')?.amount('mean') ?? null,
      prompts?.object('osl')?.amount('mean') ?? earlyPrompt?.object('output_tokens')?.amount('mean') ?? null,
    ),
  };
}

function modelOf(summary: Fields): string | null {
  const config = summary.object('input_config');
  return firstText(
    config?.object('models')?.objects('items')[0]?.text('name'),
    config?.object('endpoint')?.texts('model_names')?.[0],
  );
}

function addressOf(summary: Fields): string | null {
  const endpoint = summary.object('input_config')?.object('endpoint');
  return firstText(endpoint?.texts('urls')?.[0], endpoint?.text('url'));
}

/** A line of profile_export.jsonl; null for a request of the warm-up. */
function requestOf(line: ForeignRecord, problems: Problem[], isOpenLoop: boolean): ForeignRequest | null {
  const fields = new Fields(line, problems);
  const metadata = fields.object('metadata');
  const metrics = fields.object('metrics');
  const phase = metadata?.text('benchmark_phase');
  if (metadata === null || (phase !== null && phase !== 'profiling')) return null;
  const metric = (tag: string) => metrics?.object(tag) ?? null;
  const one = (tag: string) => metric(tag)?.amount('value') ?? null;
  const gaps = metric('inter_chunk_latency')?.amounts('value') ?? null;
  const startNs = metadata.amount('request_start_ns');
  const issuedNs = metadata.amount('credit_issued_ns');
  const error = fields.object('error');
  return {
    sentMs: startNs === null ? null : startNs / 1e6,
    scheduledMs: isOpenLoop && issuedNs !== null ? issuedNs / 1e6 : null,
    ttftMs: one('time_to_first_token'),
    e2eMs: one('request_latency'),
    inputTokens: one('input_sequence_length') ?? one('usage_prompt_tokens'),
    outputTokens: one('output_sequence_length') ?? one('usage_completion_tokens'),
    gapsMs: gaps === null ? null : gaps.flatMap((gap) => gap ?? []),
    failure:
      error === null
        ? metadata.raw('was_cancelled') === true
          ? 'cancelled'
          : null
        : [error.raw('code'), error.text('type'), error.text('message')].filter(Boolean).join(' '),
  };
}

function* notesOf(summary: Fields | null, hasRequests: boolean): Iterable<string> {
  if (!hasRequests)
    yield 'profile_export.jsonl is not among the files: percentiles are aiperf’s own aggregates. Give the whole folder.';
  if (summary === null)
    yield 'profile_export_aiperf.json is not among the files: what load was set is not known.';
  if (summary?.raw('was_cancelled') === true) yield 'The benchmark was cancelled before its end.';
}
