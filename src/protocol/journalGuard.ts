/** Guards of the journal's records; read through `readJournalLine` of agentGuard.ts. */

import * as z from 'zod';
import type { TrialMeasurement } from '../core/sweep/measurement.ts';
import type { EngineInstance, Remedy } from '../core/sweep/run.ts';
import type { JournalRecord } from './agentJournal.ts';

const count = z.number().int().nonnegative();
const failureKind = z.enum([
  'connect',
  'http-status',
  'error-in-stream',
  'incomplete-stream',
  'protocol',
  'timeout',
  'no-tokens',
]);

export const trialMeasurement: z.ZodType<TrialMeasurement> = z
  .object({
    startedWallMs: z.number(),
    durationMs: z.number().nonnegative(),
    concurrency: count.nullable(),
    requests: z.object({
      sentMs: z.array(z.number()),
      ttftMs: z.array(z.number().nullable()),
      e2eMs: z.array(z.number().nullable()),
      inputTokens: z.array(count.nullable()),
      outputTokens: z.array(count.nullable()),
      chunks: z.array(count),
      failure: z.array(failureKind.nullable()),
      scheduledMs: z.exactOptional(z.array(z.number())),
      engine: z.exactOptional(z.array(count)),
      turn: z.exactOptional(z.array(count)),
      cachedTokens: z.exactOptional(z.array(count.nullable())),
    }),
    gaps: z.object({
      minMs: z.number().positive(),
      ratio: z.number().gt(1),
      counts: z.array(z.tuple([count, count])),
    }),
    failureExamples: z.array(z.object({ kind: failureKind, message: z.string() })),
    client: z.object({
      loopLagP99Ms: z.number(),
      cpuSeconds: z.number(),
      wallSeconds: z.number(),
      events: count,
      bound: z.boolean(),
      boundBecause: z.exactOptional(z.array(z.string())),
      processes: z.exactOptional(count),
      stampedReads: z.exactOptional(z.number()),
    }),
    warmupRequests: count,
    promptSizing: z.exactOptional(z.enum(['token-ids', 'tokenize', 'usage', 'words'])),
    unsentRequests: z.exactOptional(count),
    tokensInWindow: z.exactOptional(
      z.object({ bucketMs: z.number().positive(), tokens: z.array(z.number()) }),
    ),
    inFlight: z.exactOptional(z.object({ bucketMs: z.number().positive(), values: z.array(z.number()) })),
  })
  .refine(
    ({ requests }) => Object.values(requests).every((column) => column.length === requests.sentMs.length),
    { path: ['requests'], message: 'columns of different lengths' },
  );

const phase = z.enum(['start', 'ready', 'warm-up', 'load', 'stop']);
const flagValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]);

const instance: z.ZodType<EngineInstance> = z.object({
  index: count,
  pid: count.nullable(),
  gpus: z.array(count),
  version: z.string().nullable(),
  log: z.string(),
  steps: z.exactOptional(
    z.object({ processSeconds: z.number(), healthSeconds: z.number(), firstAnswerSeconds: z.number() }),
  ),
});

const remedy: z.ZodType<Remedy> = z.object({
  flag: z.string(),
  change: z.enum(['raise', 'lower', 'set', 'remove']),
  to: z.exactOptional(flagValue),
  why: z.string(),
});

function record<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.object({
    seq: count,
    part: z.exactOptional(count),
    monotonicMs: z.number(),
    wallMs: z.number(),
    type: z.literal(type),
    ...shape,
  });
}

export const journalGuards: {
  readonly [Type in JournalRecord['type']]: z.ZodType<Extract<JournalRecord, { readonly type: Type }>>;
} = {
  'run-started': record('run-started', {
    run: z.string(),
    name: z.string(),
    simulated: z.boolean(),
    agentVersion: z.string(),
    protocol: z.number().int(),
    bootId: z.string(),
    cells: z.array(z.object({ id: z.string(), label: z.string(), content: z.exactOptional(z.string()) })),
  }),
  'run-resumed': record('run-resumed', { bootId: z.string(), remaining: count }),
  'engine-starting': record('engine-starting', {
    engineKey: z.string(),
    cell: z.string(),
    command: z.array(z.string()),
    log: z.string(),
    simulated: z.boolean(),
  }),
  'engine-ready': record('engine-ready', {
    engineKey: z.string(),
    startupSeconds: z.number(),
    version: z.string().nullable(),
    instances: z.exactOptional(z.array(instance)),
    support: z.exactOptional(z.object({ verified: z.string().nullable(), documentation: z.string() })),
  }),
  'engine-stopped': record('engine-stopped', {
    engineKey: z.string(),
    signal: z.string(),
    seconds: z.number(),
  }),
  'cell-started': record('cell-started', { cell: z.string(), trial: count }),
  'cell-progress': record('cell-progress', {
    cell: z.string(),
    trial: count,
    phase: z.enum(['warm-up', 'load']),
    completed: count,
    total: count,
  }),
  'trial-measured': record('trial-measured', {
    cell: z.string(),
    trial: count,
    simulated: z.boolean(),
    measurement: trialMeasurement,
  }),
  'cell-done': record('cell-done', { cell: z.string() }),
  'cell-failed': record('cell-failed', {
    cell: z.string(),
    kind: z.string(),
    phase,
    message: z.string(),
    logExcerpt: z.array(z.string()),
    enginePhase: z.exactOptional(z.enum(['load', 'profile', 'capture', 'warm-up', 'serving'])),
    remedies: z.exactOptional(z.array(remedy)),
    instance: z.exactOptional(count),
  }),
  'search-step': record('search-step', {
    search: z.string(),
    cell: z.string(),
    outcome: z.enum(['good', 'bad', 'unclear']),
    why: z.string(),
  }),
  'cell-passed-over': record('cell-passed-over', { cell: z.string(), search: z.string(), why: z.string() }),
  'search-finished': record('search-finished', {
    search: z.string(),
    found: z.string().nullable(),
    good: z.array(z.string()),
    bad: z.array(z.string()),
    smooth: z.boolean(),
    why: z.string(),
  }),
  'memory-settled': record('memory-settled', {
    engineKey: z.string(),
    seconds: z.number(),
    usedBytes: z.array(z.number()),
  }),
  'host-rebooted': record('host-rebooted', { previousBootId: z.string() }),
  'job-submitted': record('job-submitted', {
    jobId: z.string(),
    tasks: count,
    command: z.array(z.string()),
  }),
  'job-state': record('job-state', {
    jobId: z.string(),
    task: count.nullable(),
    state: z.string(),
    reason: z.string().nullable(),
  }),
  warning: record('warning', { message: z.string() }),
  'run-finished': record('run-finished', {
    outcome: z.enum(['completed', 'cancelled', 'failed']),
    message: z.string().nullable(),
  }),
};
