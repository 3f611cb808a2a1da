/** What lies beside the journal in a run folder: telemetry.jsonl, metrics.jsonl and the engines' logs. Each may be missing. */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LogRecord } from '../core/log/record.ts';
import type { EngineMetricsSample } from '../core/sweep/engineMetricsSummary.ts';
import type { RunEvidence } from '../core/sweep/evidence.ts';
import type { TelemetrySample, TelemetrySamples } from '../core/sweep/telemetrySummary.ts';
import type { TelemetryHeader } from '../protocol/agent.ts';
import { readTelemetryLine } from '../protocol/agentGuard.ts';
import type { JournalRecord } from '../protocol/agentJournal.ts';
import { readEngineMetricsLine } from '../protocol/engineMetrics.ts';
import { readLogFile } from './logFile.ts';

export const telemetryFile = 'telemetry.jsonl';
export const metricsFile = 'metrics.jsonl';

/** Never throws: a file that cannot be read is said in `notes`, a line that cannot be used is left out. */
export async function readRunEvidence(
  directory: string,
  records: readonly JournalRecord[],
): Promise<RunEvidence> {
  const notes: string[] = [];
  const telemetry: TelemetrySamples[] = [];
  const metrics: EngineMetricsSample[] = [];
  for (const part of partsOf(records)) {
    const streams = await readable(directory, ofPart(telemetryFile, part), readTelemetry, [], notes);
    telemetry.push(...streams.map((stream) => (part === undefined ? stream : { ...stream, part })));
    // One by one: of two days they are more than a call takes arguments.
    for (const sample of await readable(directory, ofPart(metricsFile, part), readMetrics, [], notes))
      metrics.push(sample);
  }
  metrics.sort((a, b) => a.wallMs - b.wallMs);
  return { telemetry, metrics, starts: await readEngineLogs(directory, records, notes), notes };
}

/** The run itself, and its array tasks. */
function partsOf(records: readonly JournalRecord[]): readonly (number | undefined)[] {
  return [undefined, ...new Set(records.flatMap(({ part }) => part ?? []))];
}

/** `telemetry.jsonl` of array task 3 is `telemetry-3.jsonl`. */
export function ofPart(file: string, part: number | undefined): string {
  return part === undefined ? file : file.replace('.', `-${part}.`);
}

/** Of a file of the folder; `otherwise` where there is none, or it cannot be read, which is then said in `notes`. */
async function readable<T>(
  directory: string,
  file: string,
  read: (path: string) => Promise<T>,
  otherwise: T,
  notes: string[],
): Promise<T> {
  const path = join(directory, file);
  if (!existsSync(path)) return otherwise;
  try {
    return await read(path);
  } catch (error) {
    notes.push(`${file} could not be read: ${error instanceof Error ? error.message : String(error)}`);
    return otherwise;
  }
}

/** What each engine's log says of its start, by engine key. Logs that cannot be read are said in `notes`. */
export async function readEngineLogs(
  directory: string,
  records: readonly JournalRecord[],
  notes: string[],
): Promise<ReadonlyMap<string, LogRecord>> {
  const starts = new Map<string, LogRecord>();
  for (const [engineKey, log] of engineLogs(records)) {
    const found = await readable<readonly LogRecord[]>(directory, log, readLogFile, [], notes);
    // A log that was gone on with after a resume has several starts; the last that says something counts.
    const start = found.findLast(
      ({ availableKvBytes, weightsBytes }) => availableKvBytes !== null || weightsBytes !== null,
    );
    if (start !== undefined) starts.set(engineKey, start);
  }
  return starts;
}

/** The log of each engine, by its key: of its last start. A name that leads out of the folder is none. */
export function engineLogs(records: readonly JournalRecord[]): ReadonlyMap<string, string> {
  return new Map(
    records.flatMap((record) =>
      record.type === 'engine-starting' && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(record.log)
        ? [[record.engineKey, record.log] as const]
        : [],
    ),
  );
}

export async function readTelemetry(path: string): Promise<TelemetrySamples[]> {
  const streams: TelemetrySamples[] = [];
  let samples: TelemetrySample[] = [];
  for await (const line of createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    const guarded = readTelemetryLine(line);
    if (guarded.kind !== 'record') continue;
    const { record } = guarded;
    if (record.type === 'telemetry-header') {
      samples = [];
      streams.push({ ...columnsOf(record), samples });
    } else if (record.type === 'telemetry') samples.push(record);
  }
  return streams;
}

function columnsOf({ gpuColumns, hostColumns, gpus }: TelemetryHeader): Omit<TelemetrySamples, 'samples'> {
  return {
    gpuColumns,
    hostColumns,
    gpus: gpus.map(({ index, links, smClockMaxMHz }) => ({
      index,
      pcieBytesPerSecond: links?.pcieBytesPerSecond ?? null,
      nvlinkBytesPerSecond: links?.nvlinkBytesPerSecond ?? null,
      ...(smClockMaxMHz == null ? {} : { smClockMaxMHz }),
    })),
  };
}

async function readMetrics(path: string): Promise<EngineMetricsSample[]> {
  const samples: EngineMetricsSample[] = [];
  for await (const line of createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    const read = readEngineMetricsLine(line);
    if (read.ok && read.value.type === 'engine-metrics') samples.push(read.value);
  }
  return samples;
}
