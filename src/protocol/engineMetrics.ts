/** `metrics.jsonl` of a run folder: what the engine's own `/metrics` said while its cells ran. */
import * as z from 'zod';
import { failure, type Result, success } from '../core/result.ts';
import { parseHostJson } from './hostJson.ts';

export interface EngineMetricsHeader {
  readonly type: 'metrics-header';
  readonly schema: 1;
  /** Of the engine's metrics that the values were read from. */
  readonly names: readonly string[];
}

/** null where the engine has no such metric. */
export interface EngineMetricsRecord {
  readonly type: 'engine-metrics';
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly engineKey: string;
  /** Copy of the engine, from 0. */
  readonly instance: number;
  readonly running: number | null;
  readonly waiting: number | null;
  /** Share of the KV cache in use, 0 to 1. */
  readonly kvUsage: number | null;
  /** Counters since the engine started. */
  readonly preemptions: number | null;
  readonly promptTokens: number | null;
  readonly generationTokens: number | null;
  readonly prefixCacheHits: number | null;
  readonly prefixCacheQueries: number | null;
}

export type EngineMetricsLine = EngineMetricsHeader | EngineMetricsRecord;

const figure = z.number().nullable();
const line: z.ZodType<EngineMetricsLine> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('metrics-header'), schema: z.literal(1), names: z.array(z.string()) }),
  z.object({
    type: z.literal('engine-metrics'),
    monotonicMs: z.number(),
    wallMs: z.number(),
    engineKey: z.string(),
    instance: z.number().int().nonnegative(),
    running: figure,
    waiting: figure,
    kvUsage: figure,
    preemptions: figure,
    promptTokens: figure,
    generationTokens: figure,
    prefixCacheHits: figure,
    prefixCacheQueries: figure,
  }),
]);

/** A line of metrics.jsonl. Problem `metrics.line`: torn, or of another version. */
export function readEngineMetricsLine(text: string): Result<EngineMetricsLine> {
  let value: unknown;
  try {
    value = parseHostJson(text);
  } catch {
    return failure({ code: 'metrics.line', message: "A line of the engine's metrics is torn." });
  }
  const parsed = line.safeParse(value);
  return parsed.success
    ? success(parsed.data)
    : failure({ code: 'metrics.line', message: "A line of the engine's metrics is of another version." });
}
