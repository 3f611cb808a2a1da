/** Guards of the journal's records; read through `readJournalLine` of agentGuard.ts. */

import * as z from 'zod';
import type { TrialMeasurement } from '../core/sweep/measurement.ts';
import type { JournalRecord } from './agent.ts';

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
    concurrency: count,
    requests: z.object({
      sentMs: z.array(z.number()),
      ttftMs: z.array(z.number().nullable()),
      e2eMs: z.array(z.number().nullable()),
      inputTokens: z.array(count.nullable()),
      outputTokens: z.array(count.nullable()),
      chunks: z.array(count),
      failure: z.array(failureKind.nullable()),
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
    }),
    warmupRequests: count,
  })
  .refine(
    ({ requests }) => Object.values(requests).every((column) => column.length === requests.sentMs.length),
    { path: ['requests'], message: 'columns of different lengths' },
  );

const phase = z.enum(['start', 'ready', 'warm-up', 'load', 'stop']);

function record<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.object({
    seq: count,
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
    cells: z.array(z.object({ id: z.string(), label: z.string() })),
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
  }),
  warning: record('warning', { message: z.string() }),
  'run-finished': record('run-finished', {
    outcome: z.enum(['completed', 'cancelled', 'failed']),
    message: z.string().nullable(),
  }),
};
