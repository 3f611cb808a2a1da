import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { estimateSensitivity } from '../../../src/core/estimate/sensitivity.ts';
import type { DeploymentEstimate, EstimateRequest } from '../../../src/core/estimate/types.ts';
import type { ModelFacts } from '../../../src/core/model/facts.ts';
import { GiB, MiB } from '../../../src/core/units.ts';
import {
  batchFigures,
  llama30b,
  type RecordedRun,
  recordedBatches,
  recordedBatchRequest,
  recordedModel,
  sumOfTerms,
} from '../../tools/staticBatches.ts';
import { device, model } from './fixtures.ts';

const recording = recordedBatches(fileURLToPath(new URL('../../fixtures', import.meta.url)));

function batch(
  facts: ModelFacts,
  flags: Readonly<Record<string, FlagValue>>,
  more: Partial<EstimateRequest> = {},
): EstimateRequest {
  return {
    source: 'test',
    deployment: { engine: 'static-batch', entrypoint: 'serve', model: facts.id, flags },
    model: facts,
    device: device('h200'),
    gpuCount: 1,
    ...more,
  };
}

const recorded = (run: RecordedRun) => estimate(recordedBatchRequest(run));
const sumOf = (one: DeploymentEstimate, ids: readonly string[]) => sumOfTerms(one, ids).bytes;
const { allocated, peak, reserved, used } = batchFigures;

const finished = recording.runs.filter((run) => run.bs !== undefined && run.oom === undefined);
const byRun = finished.map((run) => [`${run.model} at ${run.bs}`, run] as const);

describe('a static batch on the recorded H200', () => {
  it('counts the parameters of both models as they were', () => {
    const counts = recording.runs.flatMap((run) =>
      run.params === undefined ? [] : [[recordedModel(run.model).parameters.total, run.params]],
    );
    expect(counts).toHaveLength(2);
    for (const [counted, was] of counts) expect(counted).toBe(was);
  });

  it('counts the weights as torch did once they were loaded, blocks that are not given back included', () => {
    const loaded = recording.runs.flatMap((run) => (run.weights ? [{ run, bytes: run.weights.alloc }] : []));
    expect(loaded).toHaveLength(2);
    for (const [index, { run, bytes }] of loaded.entries()) {
      // The workspace of the first model's batches is still there when the second is loaded.
      const before = index === 0 ? 0 : sumOf(recorded(run), ['workspace']);
      expect(Math.abs(sumOf(recorded(run), ['weights']) + before - bytes)).toBeLessThan(2 * MiB);
    }
  });

  it.each(byRun)('%s: allocated, peak, reserved and used bytes are what was recorded', (_, run) => {
    const one = recorded(run);
    const off = (ids: readonly string[], bytes: number) => Math.abs(sumOf(one, ids) / bytes - 1);
    expect(off(allocated, run.alloc)).toBeLessThan(0.001);
    expect(off(peak, run.peak)).toBeLessThan(0.001);
    expect(off(reserved, run.reserved)).toBeLessThan(0.03);
    // nvidia-smi counts memory that CUDA does not see; it is used before the program starts.
    expect(off(used, run.nvml_used - recording.base_used)).toBeLessThan(0.03);
    expect(one.verdict.outcome).toBe('fits');
  });

  it('runs out at the batch that ran out, and at none that did not', () => {
    const outcomes = recording.runs
      .filter(({ bs }) => bs !== undefined)
      .map((run) => [run.oom !== undefined, recorded(run).verdict.outcome === 'does-not-fit']);
    expect(outcomes.some(([ranOut]) => ranOut)).toBe(true);
    for (const [ranOut, predicted] of outcomes) expect(predicted).toBe(ranOut);
  });

  it('names the largest batch: it fits, and one more does not', () => {
    const facts = llama30b();
    const flags = { 'prompt-length': 512, 'max-new-tokens': 64 };
    const { maxBatch = 0 } = estimate(batch(facts, { ...flags, 'batch-size': 64 })).kv;
    expect(maxBatch).toBeGreaterThanOrEqual(32);
    expect(maxBatch).toBeLessThan(64);
    const at = (size: number) => estimate(batch(facts, { ...flags, 'batch-size': size })).verdict.outcome;
    expect(at(maxBatch)).not.toBe('does-not-fit');
    expect(at(maxBatch + 1)).toBe('does-not-fit');
  });

  it('says of a batch that is too large which would fit, and fixes are verified', () => {
    const { verdict, kv, warnings } = estimate(
      batch(llama30b(), { 'batch-size': 64, 'prompt-length': 512, 'max-new-tokens': 64 }),
    );
    expect(verdict).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'batch-size' });
    expect(verdict.reason).toContain(`largest batch that fits is ${kv.maxBatch}`);
    expect(verdict.fixes.map(({ flag }) => flag)).toContain('batch-size');
    expect(verdict.fixes.find(({ flag }) => flag === 'batch-size')?.to).toBe(kv.maxBatch);
    expect(warnings.map(({ code }) => code)).toContain('verdict.within-band');
  });

  it.each(byRun)('%s: speeds are within a quarter of what was recorded', (name, run) => {
    const { speed } = recorded(run);
    // The first run of all is a warm-up.
    if (name !== 'llama3.1-8b at 1') {
      expect(Math.abs(speed.ttftMs / (1000 * run.prefill_s) - 1)).toBeLessThan(0.25);
    }
    const tpot = (1000 * run.decode_s) / 64;
    expect(Math.abs(speed.tpotMs / tpot - 1)).toBeLessThan(0.15);
    expect(speed.bound).toBe('launch');
  });
});

describe('the LLaMA-30B study: four V100 of 32 GB', () => {
  const v100 = { device: device('v100-sxm2-32gb'), gpuCount: 4 };
  const flags = { dtype: 'float16', 'prompt-length': 128, 'max-new-tokens': 1 };

  it('does not fit one of them, and fits four either way', () => {
    const at = (more: Readonly<Record<string, FlagValue>>) =>
      estimate(batch(llama30b(), { ...flags, ...more }, v100)).verdict.outcome;
    expect(at({})).toBe('does-not-fit');
    expect(at({ 'pipeline-parallel-size': 4 })).not.toBe('does-not-fit');
    expect(at({ 'tensor-parallel-size': 4 })).not.toBe('does-not-fit');
  });

  it('has a quarter of weights and cache on each GPU', () => {
    const whole = estimate(batch(llama30b(), { dtype: 'float16' }));
    const split = estimate(batch(llama30b(), { dtype: 'float16', 'tensor-parallel-size': 4 }, v100));
    expect(split.perRank).toHaveLength(4);
    for (const id of ['weights', 'kv-cache']) {
      expect(sumOf(split, [id]) / sumOf(whole, [id])).toBeCloseTo(0.25, 2);
    }
    const staged = estimate(batch(llama30b(), { dtype: 'float16', 'pipeline-parallel-size': 4 }, v100));
    const cache = staged.perRank.map(({ terms }) => terms.find(({ id }) => id === 'kv-cache')?.bytes ?? 0);
    expect(cache.reduce((sum, bytes) => sum + bytes, 0)).toBe(sumOf(whole, ['kv-cache']));
  });
});

describe('options of a static batch', () => {
  const facts = model('meta-llama/Llama-3.1-8B-Instruct');
  const of = (flags: Readonly<Record<string, FlagValue>>, more: Partial<EstimateRequest> = {}) =>
    estimate(batch(facts, flags, more));

  it('takes the load where no flag says it', () => {
    const load = { batch: 16, inputTokens: 100, outputTokens: 28 };
    const { resolved, kv, speed } = of({}, { load });
    expect(resolved).toMatchObject({ 'batch-size': 16, 'prompt-length': 100, 'max-new-tokens': 28 });
    expect(kv).toMatchObject({ maxModelLen: 128, blockSize: 1, bytesPerTokenPerRank: 131_072 });
    expect(speed).toMatchObject({ batch: 16, inputTokens: 100, outputTokens: 28 });
  });

  it('stores linear layers in fewer bytes, and nothing else', () => {
    const sizes = [{}, { 'load-in-8bit': true }, { 'load-in-4bit': true }].map((flags) =>
      sumOf(of(flags), ['weights']),
    );
    const linear = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14_336);
    expect((sizes[0] ?? 0) - (sizes[1] ?? 0)).toBeCloseTo(linear, -3);
    expect((sizes[0] ?? 0) - (sizes[2] ?? 0)).toBeCloseTo(linear * 1.4375, -3);
  });

  it('keeps all scores with eager attention and all logits before transformers 4.45', () => {
    const long = { 'batch-size': 4, 'prompt-length': 4096 };
    const plain = sumOf(of(long), peak);
    expect(sumOf(of({ ...long, 'attn-implementation': 'eager' }), peak)).toBeGreaterThan(plain + 15 * GiB);
    const deployment = { engine: 'static-batch', entrypoint: 'serve' as const, flags: long };
    const old = of(long, { deployment: { ...deployment, engineVersion: '4.40' } });
    expect(old.resolved['logits']).toBe('all');
    expect(sumOf(old, peak)).toBeGreaterThan(plain);
  });

  it('answers not known for a value that it cannot use', () => {
    const bad: readonly Readonly<Record<string, FlagValue>>[] = [
      { 'batch-size': 0 },
      { 'batch-size': 'many' },
      { dtype: 'int3' },
      { 'load-in-8bit': true, 'load-in-4bit': true },
    ];
    for (const flags of bad) expect(of(flags).verdict.outcome).toBe('unknown');
    expect(of({ 'batch-sise': 3 }).warnings.map(({ code }) => code)).toContain('flag.unknown');
  });

  it('needs as many GPUs as it is split over', () => {
    expect(of({ 'tensor-parallel-size': 2 }).verdict).toMatchObject({
      outcome: 'does-not-fit',
      causeFlag: 'tensor-parallel-size',
    });
    expect(of({ 'pipeline-parallel-size': 2 ** 40 }).verdict.outcome).toBe('does-not-fit');
  });

  it('what is taken and what is left add up to the GPU, and each change says what it moves', () => {
    const one = of({ 'batch-size': 8 });
    const [rank] = one.perRank;
    const taken = sumOf(one, used);
    expect(taken + (rank?.availableKvBytes ?? 0)).toBeCloseTo(rank?.totalBytes ?? 0, 0);
    const gains = estimateSensitivity(batch(facts, { 'batch-size': 8 }));
    expect(gains.find(({ flag }) => flag === 'load-in-4bit')?.kvTokensDelta).toBeGreaterThan(0);
  });
});
