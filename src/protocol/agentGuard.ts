/** Guards for what an agent sends and for the lines of a run folder: nothing of them is trusted before it has passed here. */

import * as z from 'zod';
import type {
  CancelRecord,
  ErrorRecord,
  FollowChunk,
  FollowEnd,
  FollowHeartbeat,
  HelloRecord,
  JournalRecord,
  LoadMeasured,
  ProbeRecord,
  RunAccepted,
  RunStatus,
  TelemetryGap,
  TelemetryHeader,
  TelemetryLine,
  TelemetryRecord,
} from './agent.ts';
import { parseHostJson } from './hostJson.ts';
import { journalGuards, trialMeasurement } from './journalGuard.ts';

const count = z.number().int().nonnegative();
const maybe = z.number().nullable();
const runState = z.enum(['running', 'finished', 'interrupted']);

const probedGpu = z.object({
  index: count,
  uuid: z.string(),
  name: z.string(),
  memoryTotalBytes: z.number(),
  memoryUsedBytes: maybe,
  powerLimitWatts: maybe,
});

const hello: z.ZodType<HelloRecord> = z.object({
  type: z.literal('hello'),
  protocol: z.number().int(),
  agentVersion: z.string(),
  python: z.string(),
  hostname: z.string(),
  pid: z.number().int(),
});

const error: z.ZodType<ErrorRecord> = z.object({
  type: z.literal('error'),
  code: z.string(),
  message: z.string(),
});

const probe: z.ZodType<ProbeRecord> = z.object({
  type: z.literal('probe'),
  hostname: z.string(),
  python: z.string(),
  os: z.string(),
  cpuCount: z.number(),
  memoryTotalBytes: maybe,
  freeDiskBytes: maybe,
  gpuSource: z.string(),
  driver: z.string().nullable(),
  cuda: z.string().nullable(),
  gpus: z.array(probedGpu),
  engines: z.array(z.object({ name: z.string(), version: z.string().nullable(), path: z.string() })),
});

const telemetryHeader: z.ZodType<TelemetryHeader> = z.object({
  type: z.literal('telemetry-header'),
  schema: z.literal(1),
  source: z.string(),
  recorded: z.boolean(),
  hostname: z.string(),
  intervalMs: z.number().positive(),
  startedWallMs: z.number(),
  startedMonotonicMs: z.number(),
  gpus: z.array(probedGpu),
  gpuColumns: z.array(
    z.enum([
      'memoryUsedBytes',
      'utilizationPercent',
      'smActivePercent',
      'tensorActivePercent',
      'dramActivePercent',
      'powerWatts',
      'smClockMHz',
      'temperatureCelsius',
      'pcieTxBytesPerSecond',
      'pcieRxBytesPerSecond',
      'throttleReasons',
    ]),
  ),
  hostColumns: z.array(z.enum(['cpuPercent', 'memoryUsedBytes'])),
});

const telemetry: z.ZodType<TelemetryRecord> = z.object({
  type: z.literal('telemetry'),
  seq: count,
  monotonicMs: z.number(),
  wallMs: z.number(),
  gpus: z.array(z.array(maybe)),
  host: z.array(maybe),
});

const telemetryGap: z.ZodType<TelemetryGap> = z.object({
  type: z.literal('telemetry-gap'),
  fromMonotonicMs: z.number(),
  toMonotonicMs: z.number(),
  missedTicks: count,
  cause: z.string(),
});

const runAccepted: z.ZodType<RunAccepted> = z.object({
  type: z.literal('run-accepted'),
  run: z.string(),
  directory: z.string(),
  pid: z.number().int(),
});

const cancelled: z.ZodType<CancelRecord> = z.object({ type: z.literal('cancelled'), run: z.string() });

const runStatus: z.ZodType<RunStatus> = z.object({
  type: z.literal('run-status'),
  run: z.string(),
  name: z.string(),
  state: runState,
  simulated: z.boolean(),
  cellsDone: count,
  cellsTotal: count,
  directory: z.string(),
  problem: z.exactOptional(z.string()),
});

const chunk: z.ZodType<FollowChunk> = z.object({
  type: z.literal('chunk'),
  file: z.string(),
  offset: count,
  bytes: count,
  data: z.string(),
});

const heartbeat: z.ZodType<FollowHeartbeat> = z.object({
  type: z.literal('heartbeat'),
  state: runState,
  wallMs: z.number(),
});

const followEnd: z.ZodType<FollowEnd> = z.object({ type: z.literal('follow-end'), state: runState });

const loadMeasured: z.ZodType<LoadMeasured> = z.object({
  type: z.literal('load-measured'),
  measurement: trialMeasurement,
});

const telemetryGuards: Guards<TelemetryLine> = {
  'telemetry-header': telemetryHeader,
  telemetry,
  'telemetry-gap': telemetryGap,
};

export type AgentRecord =
  | HelloRecord
  | ErrorRecord
  | ProbeRecord
  | TelemetryLine
  | RunAccepted
  | CancelRecord
  | RunStatus
  | FollowChunk
  | FollowHeartbeat
  | FollowEnd
  | LoadMeasured;

const agentGuards: Guards<AgentRecord> = {
  hello,
  error,
  probe,
  ...telemetryGuards,
  'run-accepted': runAccepted,
  cancelled,
  'run-status': runStatus,
  chunk,
  heartbeat,
  'follow-end': followEnd,
  'load-measured': loadMeasured,
};

/** One guard for each `type`; a type without one does not compile. */
type Guards<Item extends { readonly type: string }> = {
  readonly [Type in Item['type']]: z.ZodType<Extract<Item, { readonly type: Type }>>;
};

/**
 * `torn`: no JSON object (a last line cut off, or something else printed in between). `unknown`: a type of a later agent;
 * to be skipped. `invalid`: a known type with a wrong field, `message` says which.
 */
export type GuardedLine<T> =
  | { readonly kind: 'record'; readonly record: T }
  | { readonly kind: 'torn' }
  | { readonly kind: 'unknown'; readonly type: string }
  | { readonly kind: 'invalid'; readonly type: string; readonly message: string };

/** A line of an agent's stdout. */
export function readAgentLine(line: string): GuardedLine<AgentRecord> {
  return guard<AgentRecord>(line, agentGuards);
}

/** A line of journal.jsonl. */
export function readJournalLine(line: string): GuardedLine<JournalRecord> {
  return guard<JournalRecord>(line, journalGuards);
}

/** A line of telemetry.jsonl. */
export function readTelemetryLine(line: string): GuardedLine<TelemetryLine> {
  return guard<TelemetryLine>(line, telemetryGuards);
}

function guard<T>(line: string, guards: Readonly<Record<string, z.ZodType<T>>>): GuardedLine<T> {
  let value: unknown;
  try {
    value = parseHostJson(line);
  } catch {
    return { kind: 'torn' };
  }
  const type: unknown = (value as { readonly type?: unknown } | null)?.type;
  if (typeof type !== 'string') return { kind: 'torn' };
  const found = Object.hasOwn(guards, type) ? guards[type] : undefined;
  if (found === undefined) return { kind: 'unknown', type };
  const result = found.safeParse(value);
  if (result.success) return { kind: 'record', record: result.data };
  const issue = result.error.issues[0];
  return { kind: 'invalid', type, message: `${issue?.path.join('.') || type}: ${issue?.message ?? 'wrong'}` };
}
