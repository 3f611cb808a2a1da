/** Static batches as recorded (test/fixtures/static-batch, its README beside it), and the request that each answers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDevice } from '../../src/core/device/catalogue.ts';
import { type ComparisonRow, LOGGED_HALF_WIDTH_BYTES } from '../../src/core/estimate/compare.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import type { DeploymentEstimate, EstimateRequest } from '../../src/core/estimate/types.ts';
import type { ModelFacts } from '../../src/core/model/facts.ts';
import { knownModel } from '../../src/core/model/known.ts';
import { parseModelConfig } from '../../src/core/model/parse.ts';
import { GiB } from '../../src/core/units.ts';

/** Bytes and seconds. One without `bs` is the model's loading. */
export interface RecordedRun {
  readonly model: string;
  readonly params?: number;
  readonly weights?: { readonly alloc: number };
  readonly bs?: number;
  readonly prefill_s: number;
  readonly decode_s: number;
  readonly alloc: number;
  readonly reserved: number;
  readonly peak: number;
  readonly nvml_used: number;
  /** Why it ran out of memory, where it did. */
  readonly oom?: string;
}

export interface RecordedBatches {
  /** What NVML counts as used before a program starts: memory that CUDA does not see. */
  readonly base_used: number;
  readonly runs: readonly RecordedRun[];
}

const promptTokens = 512;
const newTokens = 64;

export function recordedBatches(fixtures: string): RecordedBatches {
  return JSON.parse(
    readFileSync(join(fixtures, 'static-batch', 'recording.json'), 'utf8'),
  ) as RecordedBatches;
}

/** LLaMA-1-30B: 60 layers of 52 heads. */
export function llama30b(): ModelFacts {
  const parsed = parseModelConfig(
    {
      model_type: 'llama',
      hidden_size: 6656,
      intermediate_size: 17_920,
      num_hidden_layers: 60,
      num_attention_heads: 52,
      vocab_size: 32_000,
      max_position_embeddings: 2048,
      tie_word_embeddings: false,
      torch_dtype: 'bfloat16',
    },
    { id: 'llama-30b', source: 'test' },
  );
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  return parsed.value;
}

/** The model of a recorded run. */
export function recordedModel(name: string): ModelFacts {
  const model = name === 'llama1-30b' ? llama30b() : knownModel('meta-llama/Llama-3.1-8B-Instruct');
  if (model === undefined) throw new Error(`no model ${name}`);
  return model;
}

export function recordedBatchRequest(run: RecordedRun): EstimateRequest {
  const device = findDevice('h200');
  if (device === undefined) throw new Error('no H200 in the catalogue');
  const model = recordedModel(run.model);
  const flags = { 'batch-size': run.bs ?? 1, 'prompt-length': promptTokens, 'max-new-tokens': newTokens };
  return {
    source: run.model,
    deployment: { engine: 'static-batch', entrypoint: 'serve', model: model.id, flags },
    model,
    device,
    gpuCount: 1,
  };
}

const allocated = ['weights', 'workspace', 'kv-cache', 'logits'];
const peak = [...allocated, 'activation-peak'];
const reserved = [...peak, 'fragmentation'];

/** What torch and NVML count, as the terms that make it up. */
export const batchFigures = {
  allocated,
  peak,
  reserved,
  used: [...reserved, 'non-torch'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Sum of terms with its band, bytes; NaN where one is missing. */
export function sumOfTerms(one: DeploymentEstimate, ids: readonly string[]) {
  const terms = ids.map((id) => one.perRank[0]?.terms.find((term) => term.id === id));
  const sum = (field: 'bytes' | 'lowBytes' | 'highBytes') =>
    terms.reduce((total, term) => total + (term?.[field] ?? Number.NaN), 0);
  return { bytes: sum('bytes'), lowBytes: sum('lowBytes'), highBytes: sum('highBytes') };
}

export interface ComparedBatch {
  readonly id: string;
  readonly ranOut: boolean;
  readonly predictedToRunOut: boolean;
  /** None of one that ran out: its figures are of no use. */
  readonly memory: readonly ComparisonRow[];
  readonly speed: readonly ComparisonRow[];
}

/** Predicted beside recorded, a batch each. */
export function comparedBatches(fixtures: string): readonly ComparedBatch[] {
  const { base_used: base, runs } = recordedBatches(fixtures);
  const batches = runs.filter(({ bs }) => bs !== undefined);
  return batches.map((run, index) => {
    const predicted = estimate(recordedBatchRequest(run), { fixes: false });
    const ranOut = run.oom !== undefined;
    return {
      id: `${run.model} at ${run.bs}`,
      ranOut,
      predictedToRunOut: predicted.verdict.outcome === 'does-not-fit',
      memory: ranOut ? [] : memoryRows(run, base, predicted),
      // The first run of all is a warm-up.
      speed: ranOut ? [] : speedRows(run, predicted, index > 0),
    };
  });
}

function memoryRows(run: RecordedRun, base: number, predicted: DeploymentEstimate): ComparisonRow[] {
  const measured = {
    allocated: run.alloc,
    peak: run.peak,
    reserved: run.reserved,
    used: run.nvml_used - base,
  };
  return (['allocated', 'peak', 'reserved', 'used'] as const).map((term) => {
    const { bytes, lowBytes, highBytes } = sumOfTerms(predicted, batchFigures[term]);
    const was = measured[term];
    return {
      term,
      unit: 'GiB',
      predicted: bytes / GiB,
      measured: was / GiB,
      relativeError: bytes / was - 1,
      // To the 0.01 GiB that the page shows.
      withinBand:
        lowBytes === highBytes
          ? null
          : was >= lowBytes - LOGGED_HALF_WIDTH_BYTES && was <= highBytes + LOGGED_HALF_WIDTH_BYTES,
    };
  });
}

function speedRows(run: RecordedRun, { speed }: DeploymentEstimate, withPrefill: boolean): ComparisonRow[] {
  const batch = run.bs ?? 1;
  const row = (
    term: string,
    unit: ComparisonRow['unit'],
    predicted: number,
    measured: number,
    [low, high]: readonly [number, number],
  ): ComparisonRow => ({
    term,
    unit,
    predicted,
    measured,
    relativeError: predicted / measured - 1,
    withinBand: measured >= low && measured <= high,
  });
  const { tpotMs, prefillTokensPerSecond, bands } = speed;
  return [
    row('TPOT', 'ms', tpotMs, (1000 * run.decode_s) / newTokens, bands.tpotMs),
    ...(withPrefill
      ? [
          row(
            'prefill',
            'tok/s',
            prefillTokensPerSecond,
            (batch * promptTokens) / run.prefill_s,
            bands.prefillTokensPerSecond,
          ),
        ]
      : []),
  ];
}
