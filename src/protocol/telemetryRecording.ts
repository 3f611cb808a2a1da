import type { TelemetryHeader, TelemetryLine } from './agent.ts';
import { readTelemetryLine } from './agentGuard.ts';

/** What the machine that recorded knew of the host: kept in the header line, beside the agent's own fields. */
export interface RecordedFrom {
  /** As the user calls it. */
  readonly host: string;
  /** Client clock minus host clock, and its uncertainty, milliseconds; null: not known. */
  readonly clockOffsetMs: number | null;
  readonly clockErrorMs: number | null;
}

/** A file of telemetry lines, recorded by Loadline or by the agent of a run. */
export interface TelemetryRecording {
  readonly from: RecordedFrom;
  /** The first is a header. */
  readonly lines: readonly TelemetryLine[];
  /** What was skipped, in words: a torn last line, lines that are no records. */
  readonly notes: readonly string[];
}

/** A line of a recording, without its newline. */
export function recordingLine(line: TelemetryLine, from: RecordedFrom): string {
  return JSON.stringify(line.type === 'telemetry-header' ? { ...line, client: from } : line);
}

/** `text`: the file, whole or up to anywhere. Never throws: what is no telemetry is said. */
export function readRecording(text: string): TelemetryRecording {
  const lines: TelemetryLine[] = [];
  const notes: string[] = [];
  let from: RecordedFrom | undefined;
  let unusable = 0;
  const written = text.replace(/^\u{feff}/u, '').split('\n');
  const torn = written.pop() ?? '';
  for (const line of written) {
    if (line.trim() === '') continue;
    const guarded = readTelemetryLine(line);
    if (guarded.kind !== 'record') {
      unusable += 1;
      continue;
    }
    if (guarded.record.type === 'telemetry-header') from ??= recordedFrom(line, guarded.record);
    if (from !== undefined) lines.push(guarded.record);
  }
  // A file that lost only its last newline is whole.
  const last = torn === '' ? undefined : readTelemetryLine(torn);
  if (last?.kind === 'record' && from !== undefined) lines.push(last.record);
  else if (torn !== '') notes.push('The last line is torn and was left out.');
  if (unusable > 0)
    notes.push(`${unusable} ${unusable === 1 ? 'line is' : 'lines are'} no telemetry and left out.`);
  if (from === undefined) notes.push('There is no header: this is no recording of telemetry.');
  return { from: from ?? { host: '', clockOffsetMs: null, clockErrorMs: null }, lines, notes };
}

/** `2026-11-23T12-00-00Z-gpu-01.jsonl`: the host's name as far as a file can have it. */
export function recordingName(host: string, startedMs: number): string {
  const time = new Date(startedMs).toISOString().slice(0, 19).replaceAll(':', '-');
  const plain = host.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[-.]+|[-.]+$/g, '');
  return `${time}Z-${plain.slice(0, 80) || 'host'}.jsonl`;
}

function recordedFrom(line: string, header: TelemetryHeader): RecordedFrom {
  const { client } = JSON.parse(line) as { readonly client?: Readonly<Record<string, unknown>> | null };
  const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
  const host = client?.['host'];
  return {
    host: typeof host === 'string' && host !== '' ? host : header.hostname,
    clockOffsetMs: number(client?.['clockOffsetMs']),
    clockErrorMs: number(client?.['clockErrorMs']),
  };
}
