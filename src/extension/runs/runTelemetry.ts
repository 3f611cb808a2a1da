/** What was sampled while a cell ran, from the run's folder. Loaded on first use. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RunResults } from '../../core/sweep/run.ts';
import type { TelemetryHeader, TelemetryLine } from '../../protocol/agent.ts';
import { readTelemetryLine } from '../../protocol/agentGuard.ts';
import { type EngineMetricsRecord, readEngineMetricsLine } from '../../protocol/engineMetrics.ts';
import type { RunTelemetry } from '../../protocol/panel.ts';
import { metricsFile, ofPart, telemetryFile } from '../../storage/runEvidence.ts';
import { partOfCell } from '../../storage/runFolder.ts';

/** Time before and after a cell that is shown with it. */
const marginMs = 5_000;
/** A page draws fewer than these; of more, every second, third … is left out. */
const mostRecords = 40_000;

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** `cell`: null is all of the run. Files that are not there are said to have nothing. */
export async function readRunTelemetry(
  directory: string,
  results: RunResults,
  cell: string | null,
): Promise<RunTelemetry> {
  const span = spanOf(results, cell);
  const part = cell === null ? undefined : await partOfCell(directory, cell);
  const [sampled, engine] = await Promise.all([
    readSamples(join(directory, ofPart(telemetryFile, part)), span),
    readEngine(join(directory, results.metricsFile ?? ofPart(metricsFile, part)), span),
  ]);
  const every = Math.ceil(sampled.lines.length / mostRecords);
  const notes = every > 1 ? [`Every ${every}. sample is shown: there are ${sampled.lines.length}.`] : [];
  if (sampled.unusable > 0) notes.push(`${sampled.unusable} lines are no telemetry and left out.`);
  return {
    type: 'run-telemetry',
    cell,
    host:
      sampled.lines.length === 0
        ? null
        : {
            host: results.host,
            connection: 'recording',
            message: null,
            clockOffsetMs: null,
            clockErrorMs: null,
            recordingFile: null,
            lines: thinned(sampled.lines, every),
          },
    engine: thinned(engine, Math.ceil(engine.length / mostRecords)),
    notes,
  };
}

function spanOf({ cells }: RunResults, cell: string | null): Span {
  const chosen = cells.find((one) => one.cell === cell);
  if (cell === null || chosen === undefined || chosen.startedWallMs === null)
    return { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
  return {
    fromMs: chosen.startedWallMs - marginMs,
    toMs: (chosen.finishedWallMs ?? Number.POSITIVE_INFINITY) + marginMs,
  };
}

/** Headers always: they name the columns of what follows. */
async function readSamples(
  file: string,
  { fromMs, toMs }: Span,
): Promise<{ readonly lines: readonly TelemetryLine[]; readonly unusable: number }> {
  const lines: TelemetryLine[] = [];
  let header: TelemetryHeader | undefined;
  let written: TelemetryHeader | undefined;
  let unusable = 0;
  for await (const text of linesOf(file)) {
    const guarded = readTelemetryLine(text);
    if (guarded.kind !== 'record') {
      unusable += guarded.kind === 'unknown' ? 0 : 1;
      continue;
    }
    const line = guarded.record;
    if (line.type === 'telemetry-header') header = line;
    else if (header === undefined) unusable += 1;
    else {
      const wallMs =
        line.type === 'telemetry'
          ? line.wallMs
          : line.type === 'telemetry-gap'
            ? header.startedWallMs + line.toMonotonicMs - header.startedMonotonicMs
            : Number.NaN;
      if (!(wallMs >= fromMs && wallMs <= toMs)) continue;
      if (header !== written) lines.push(header);
      written = header;
      lines.push(line);
    }
  }
  return { lines, unusable };
}

async function readEngine(file: string, { fromMs, toMs }: Span): Promise<readonly EngineMetricsRecord[]> {
  const records: EngineMetricsRecord[] = [];
  for await (const text of linesOf(file)) {
    const read = readEngineMetricsLine(text);
    if (!read.ok || read.value.type !== 'engine-metrics') continue;
    if (read.value.wallMs >= fromMs && read.value.wallMs <= toMs) records.push(read.value);
  }
  return records;
}

async function* linesOf(file: string): AsyncGenerator<string, void, undefined> {
  const stream = createReadStream(file, 'utf8');
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }))
      if (line !== '') yield line;
  } catch (error) {
    if ((error as NodeJS.ErrnoException | null)?.code !== 'ENOENT') throw error;
  } finally {
    stream.destroy();
  }
}

/** Every n-th; what is no sample stays, and headers say the longer interval, so that what is left out is no gap. */
function thinned<Line extends { readonly type: string }>(
  lines: readonly Line[],
  every: number,
): readonly Line[] {
  if (every <= 1) return lines;
  let at = 0;
  return lines.flatMap((line) => {
    if ('intervalMs' in line && typeof line.intervalMs === 'number')
      return [{ ...line, intervalMs: line.intervalMs * every }];
    if (line.type !== 'telemetry' && line.type !== 'engine-metrics') return [line];
    return at++ % every === 0 ? [line] : [];
  });
}
