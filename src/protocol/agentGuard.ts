/** Guards for what an agent sends and for the lines of a run folder: nothing of them is trusted before it has passed here. */

import * as z from 'zod';
import type {
  CancelRecord,
  ErrorRecord,
  FollowChunk,
  FollowEnd,
  FollowHeartbeat,
  FollowRewind,
  HelloRecord,
  LoadMeasured,
  LoadProgress,
  ProbeRecord,
  RunAccepted,
  RunStatus,
  TelemetryLine,
} from './agent.ts';
import type { JournalRecord } from './agentJournal.ts';
import type { RemovedRecord } from './agentProbe.ts';
import { parseHostJson } from './hostJson.ts';
import { journalGuards, trialMeasurement } from './journalGuard.ts';
import { probe, uninstalled } from './probeGuard.ts';
import { telemetryGuards as telemetryLineGuards } from './telemetryGuard.ts';

const count = z.number().int().nonnegative();
const runState = z.enum(['running', 'finished', 'interrupted']);

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

const rewind: z.ZodType<FollowRewind> = z.object({ type: z.literal('rewind'), file: z.string() });

const heartbeat: z.ZodType<FollowHeartbeat> = z.object({
  type: z.literal('heartbeat'),
  state: runState,
  wallMs: z.number(),
});

const followEnd: z.ZodType<FollowEnd> = z.object({ type: z.literal('follow-end'), state: runState });

const loadProgress: z.ZodType<LoadProgress> = z.object({
  type: z.literal('load-progress'),
  phase: z.enum(['warm-up', 'load']),
  completed: count,
  total: count,
});

const loadMeasured: z.ZodType<LoadMeasured> = z.object({
  type: z.literal('load-measured'),
  modelName: z.string(),
  measurement: trialMeasurement,
  interrupted: z.exactOptional(z.literal(true)),
});

const telemetryGuards: Guards<TelemetryLine> = telemetryLineGuards;

export const telemetryTypes = Object.keys(telemetryGuards) as readonly TelemetryLine['type'][];

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
  | FollowRewind
  | LoadProgress
  | LoadMeasured
  | RemovedRecord;

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
  rewind,
  'load-progress': loadProgress,
  'load-measured': loadMeasured,
  uninstalled,
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
