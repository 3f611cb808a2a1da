import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { RELEASES } from '../../../src/core/engine/vllm/versions/releases.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { DeploymentEstimate } from '../../../src/core/estimate/types.ts';
import { hasExperts, hasState, type ModelFacts } from '../../../src/core/model/facts.ts';
import { knownModel, knownModelNames } from '../../../src/core/model/known.ts';
import { device } from '../core/fixtures.ts';

const dense = knownModelNames()
  .map((name) => knownModel(name))
  .filter((model) => model !== undefined)
  .filter((model) => !hasExperts(model) && !hasState(model));
const gpus = ['a100-sxm-80gb', 'l4', 't4', 'h100', 'b200'].map((name) => device(name));

type Flags = Record<string, FlagValue>;

/** More memory for the cache, or less beside it, can take no tokens away. */
const gentler: readonly (readonly [Flags, Flags])[] = [
  [{ 'gpu-memory-utilization': 0.8 }, { 'gpu-memory-utilization': 0.95 }],
  [{ 'max-num-seqs': 1024 }, { 'max-num-seqs': 16 }],
  [{ 'max-num-batched-tokens': 16_384 }, { 'max-num-batched-tokens': 2048 }],
  [{ 'kv-cache-dtype': 'auto' }, { 'kv-cache-dtype': 'fp8' }],
];

function at(
  model: ModelFacts,
  gpu: (typeof gpus)[number],
  engineVersion: string,
  flags: Flags,
  gpuCount = 8,
) {
  const deployment = { engine: 'vllm', engineVersion, entrypoint: 'serve', flags } as const;
  return estimate({ source: 'test', deployment, model, device: gpu, gpuCount }, { fixes: false });
}

function figuresOf({ perRank, kv, speed }: DeploymentEstimate): readonly number[] {
  const ofRank = perRank.flatMap(({ terms, availableKvBytes, requestedBytes }) => [
    availableKvBytes,
    requestedBytes,
    ...terms.flatMap(({ bytes, lowBytes, highBytes }) => [bytes, lowBytes, highBytes]),
  ]);
  return [
    ...ofRank,
    kv.tokens,
    kv.numBlocks,
    kv.maxConcurrency,
    kv.oneRequestBytes,
    speed.tpotMs,
    speed.ttftMs,
  ];
}

describe.each(RELEASES)('vLLM %s', (version) => {
  // Each release has its third of the models: three in a row have all.
  const third = (RELEASES as readonly string[]).indexOf(version) % 3;
  const models = dense.filter((_, index) => index % 3 === third);

  it('has finite figures for every dense model that ships, on every generation of GPUs', () => {
    expect(dense.length).toBeGreaterThan(60);
    for (const model of models) {
      for (const gpu of gpus) {
        const found = figuresOf(at(model, gpu, version, {}));
        expect(
          found.filter((figure) => !Number.isFinite(figure)),
          `${model.id} on ${gpu.id}`,
        ).toEqual([]);
      }
    }
  });

  it('loses no token of the cache by a gentler flag', () => {
    const worse: string[] = [];
    for (const model of models) {
      for (const gpu of gpus) {
        for (const [harder, easier] of gentler) {
          const length = { 'max-model-len': Math.min(2048, model.maxPositionEmbeddings) };
          const before = at(model, gpu, version, { ...length, ...harder }).kv.tokens;
          const after = at(model, gpu, version, { ...length, ...easier }).kv.tokens;
          // Scales of an fp8 cache take 0.04 GiB: more than they save where there is hardly a cache.
          const tooFew = Object.hasOwn(easier, 'kv-cache-dtype') && before < 128;
          if (after < before && !tooFew)
            worse.push(`${model.id} on ${gpu.id}, ${JSON.stringify(easier)}: ${before} -> ${after}`);
        }
      }
    }
    expect(worse).toEqual([]);
  });

  it('has more tokens on twice the ranks, where keys and values are split over them', () => {
    const worse: string[] = [];
    for (const model of models) {
      const split = model.layers.every(({ mixers }) =>
        mixers.every((mixer) => 'keyValueHeads' in mixer && mixer.keyValueHeads % 4 === 0),
      );
      if (!split) continue;
      for (const gpu of gpus.filter(({ memoryBytesPerSecond }) => memoryBytesPerSecond > 1e12)) {
        const [one = 0, two = 0, four = 0] = [1, 2, 4].map(
          (size) => at(model, gpu, version, { 'tensor-parallel-size': size }).kv.tokens,
        );
        if (two < one || four < two) worse.push(`${model.id} on ${gpu.id}: ${one}, ${two}, ${four}`);
      }
    }
    expect(worse).toEqual([]);
  });

  it('has a longest context that fits, and a block more of it does not', () => {
    const wrong: string[] = [];
    for (const model of models) {
      for (const gpu of gpus) {
        // V0 takes prompts whole up to 32k and in chunks above: it is told to take chunks.
        const chunked = { 'enable-chunked-prefill': true };
        const base = at(model, gpu, version, chunked);
        const { largestMaxModelLen: largest, blockSize } = base.kv;
        // Where nothing fits or all does, there is no border.
        if (largest === 0 || base.kv.maxModelLen <= largest) continue;
        if (base.verdict.causeFlag !== 'max-model-len' && base.verdict.causeFlag !== 'gpu-memory-utilization')
          continue;
        const outcome = (length: number) =>
          at(model, gpu, version, {
            ...chunked,
            'max-model-len': length,
            'max-num-batched-tokens': tokensOf(base),
            'max-num-seqs': seqsOf(base),
          }).verdict.outcome;
        if (outcome(largest) === 'does-not-fit')
          wrong.push(`${model.id} on ${gpu.id}: ${largest} does not fit`);
        if (outcome(largest + blockSize) !== 'does-not-fit')
          wrong.push(`${model.id} on ${gpu.id}: ${largest + blockSize} fits`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

const tokensOf = ({ resolved }: DeploymentEstimate) => Number(resolved['max-num-batched-tokens']);
const seqsOf = ({ resolved }: DeploymentEstimate) => Number(resolved['max-num-seqs']);
