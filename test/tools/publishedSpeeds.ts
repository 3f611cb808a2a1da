/** Published speeds (test/fixtures/speed/public.jsonl, its README beside it) and what is predicted for each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDevice } from '../../src/core/device/catalogue.ts';
import type { FlagValue } from '../../src/core/engine/deployment.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import type { SpeedEstimate } from '../../src/core/estimate/types.ts';
import type { ModelFacts, QuantizationFacts } from '../../src/core/model/facts.ts';
import { knownModel } from '../../src/core/model/known.ts';

export interface PublishedSpeed {
  readonly generation: string;
  readonly gpu: string;
  readonly gpuCount: number;
  readonly engineVersion?: string;
  readonly model: string;
  readonly weights?: 'nvfp4';
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly concurrency: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly tpotMs: number;
  readonly ttftMs?: number;
  readonly use: 'fit' | 'held out';
  readonly source: string;
}

export function publishedSpeeds(fixtures: string): readonly PublishedSpeed[] {
  return readFileSync(join(fixtures, 'speed', 'public.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PublishedSpeed);
}

const nvfp4: QuantizationFacts = {
  method: 'modelopt_fp4',
  bytesPerWeight: 0.5625,
  weightFormat: 'nvfp4',
  groupSize: 16,
  unconverted: [],
};

const models = new Map<string, ModelFacts>();

/** The model, with NVFP4 weights in place of its own where the row says so. */
function modelOf({ model: name, weights }: PublishedSpeed): ModelFacts {
  const key = `${name} ${weights}`;
  const made = models.get(key);
  if (made !== undefined) return made;
  const known = knownModel(name);
  if (known === undefined) throw new Error(`no shipped model ${name}`);
  const model = weights === undefined ? known : { ...known, quantization: nvfp4 };
  models.set(key, model);
  return model;
}

export function predictedSpeed(row: PublishedSpeed): SpeedEstimate {
  const { gpu, gpuCount, engineVersion, concurrency, inputTokens, outputTokens } = row;
  const device = findDevice(gpu);
  if (device === undefined) throw new Error(`no device ${gpu}`);
  const asked = {
    source: row.source,
    deployment: {
      engine: 'vllm',
      ...(engineVersion === undefined ? {} : { engineVersion }),
      entrypoint: 'serve' as const,
      model: row.model,
      flags: { 'max-model-len': inputTokens + outputTokens + 256, ...row.flags },
    },
    model: modelOf(row),
    device,
    gpuCount,
    load: { batch: concurrency, inputTokens, outputTokens },
  };
  return estimate(asked, { fixes: false }).speed;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (at(middle - 1) + at(middle)) / 2 : at(Math.floor(middle));
}
