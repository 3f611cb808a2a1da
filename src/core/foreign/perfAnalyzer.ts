/** perf_analyzer: the CSV of -f and the requests of --profile-export-file (triton-inference-server/perf_analyzer, docs/cli.md and src/report_writer.cc; see the column list there). */
import type { Problem } from '../result.ts';
import { quantilesFrom, resultOfAggregates } from './aggregates.ts';
import type { ForeignDocument, ForeignRecord } from './document.ts';
import { Fields } from './fields.ts';
import { type ForeignTool, type ForeignTrial, firstText, nothingRead, serverOf } from './reading.ts';
import { type ForeignRequest, resultOfRequests } from './requests.ts';

const tool = 'perf_analyzer';

export const perfAnalyzer: ForeignTool = {
  name: tool,
  files: 'CSV of -f, JSON of --profile-export-file',
  recognises: (document) => isCsv(document) || isExport(document),
  read: (documents, problems) => {
    const tables = documents.filter(isCsv);
    const exports = documents.filter(isExport).flatMap(({ records }) => records);
    return {
      ...nothingRead,
      server: serverOf(firstText(...exports.map((record) => new Fields(record, []).text('endpoint')))),
      trials: [
        ...tables.flatMap((document) => readTable(document, problems)),
        ...exports.flatMap((record) => readExport(record, problems)),
      ],
      notes: [
        ...(tables.length === 0
          ? []
          : [
              'The CSV has neither tokens nor numbers of requests: percentiles are perf_analyzer’s own, of its last stable windows, and cannot be certified; failed requests are not counted in it.',
            ]),
        ...(exports.length === 0
          ? []
          : [
              'The profile export has no token counts: TPOT, per-query and system tokens/s are not known; ITL is gaps between responses.',
            ]),
      ],
    };
  },
};

function isCsv({ rows }: ForeignDocument): boolean {
  const header = rows[0];
  return (
    (header?.[0] === 'Concurrency' || header?.[0] === 'Request Rate') && header.includes('Inferences/Second')
  );
}

function isExport({ records }: ForeignDocument): boolean {
  const experiments = records[0]?.value['experiments'];
  return Array.isArray(experiments) && 'service_kind' in (records[0]?.value ?? {});
}

/** A row a load, in microseconds, sorted by throughput. */
function readTable({ name, rows }: ForeignDocument, problems: Problem[]): readonly ForeignTrial[] {
  const [header = [], ...body] = rows;
  const column = (title: string) => header.indexOf(title);
  return body.flatMap((row, index) => {
    if (row.length === 0) return [];
    const cell = (title: string): number | null => {
      const text = row[column(title)];
      if (text === undefined || text === '') return null;
      const value = Number(text);
      if (Number.isFinite(value) && value >= 0) return value;
      problems.push({
        code: 'foreign.wrong-value',
        message: `${title}: a number of at least 0 is expected here, not "${text}".`,
        path: [name, `line ${index + 2}`, title],
      });
      return null;
    };
    const average = cell('Avg latency');
    const e2eMs = quantilesFrom((of) => (of === 'mean' ? average : cell(`${of} latency`)), 1e-3);
    return [
      {
        model: null,
        flags: {},
        concurrency: cell('Concurrency'),
        requestsPerSecond: cell('Request Rate'),
        lengths: null,
        result: resultOfAggregates({
          tool,
          ok: null,
          failed: null,
          e2eMs,
          requestsPerSecond: cell('Inferences/Second'),
        }),
        failure: null,
        startedWallMs: null,
        finishedWallMs: null,
      },
    ];
  });
}

function readExport(record: ForeignRecord, problems: Problem[]): readonly ForeignTrial[] {
  return new Fields(record, problems).objects('experiments').map((one) => {
    const experiment = one.object('experiment');
    const mode = experiment?.text('mode');
    const value = experiment?.amount('value') ?? null;
    const concurrency = mode === 'concurrency' ? value : null;
    const requests = one.objects('requests').map(requestOf);
    const result = resultOfRequests({ requests, durationMs: null, startedWallMs: null, concurrency });
    return {
      model: null,
      flags: {},
      concurrency,
      requestsPerSecond: mode === 'request_rate' ? value : null,
      lengths: null,
      result: result === null ? null : { ...result, requests: { ...result.requests, failed: null } },
      failure: null,
      startedWallMs: null,
      finishedWallMs: null,
    };
  });
}

/** Nanoseconds. A response may be empty at the end of a stream; perf_analyzer does not say which. */
function requestOf(request: Fields): ForeignRequest {
  const sent = request.amount('timestamp');
  const responses = (request.amounts('response_timestamps') ?? []).flatMap((time) => time ?? []);
  const since = (time: number | undefined) =>
    sent === null || time === undefined ? null : (time - sent) / 1e6;
  return {
    sentMs: sent === null ? null : sent / 1e6,
    ttftMs: since(responses[0]),
    e2eMs: since(responses.at(-1)),
    inputTokens: null,
    outputTokens: null,
    gapsMs: responses.slice(1).map((time, index) => (time - (responses[index] ?? time)) / 1e6),
    failure: null,
  };
}
