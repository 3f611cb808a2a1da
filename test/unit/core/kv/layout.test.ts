import { describe, expect, it } from 'vitest';
import {
  blocksPerRequest,
  blocksThatFit,
  kvCapacity,
  largestLength,
  requestBytes,
} from '../../../../src/core/memory/kv/capacity.ts';
import type { KvLayout } from '../../../../src/core/memory/kv/layout.ts';
import type { ModelFacts, TokenMixer } from '../../../../src/core/model/facts.ts';
import { model } from '../fixtures.ts';
import {
  compressedLatent,
  gatedDeltaHybrid,
  gptOss,
  heads,
  latent,
  mixers,
  planned,
  window,
} from './layers.ts';

const mamba2: TokenMixer = {
  kind: 'mamba2',
  innerSize: 4096,
  heads: 64,
  headSize: 64,
  groups: 1,
  stateSize: 128,
  convKernel: 4,
};

/** Gemma-3-27B: five layers with a window of 1,024 to one without. */
const gemma3 = mixers(
  'gemma3_text',
  Array.from({ length: 62 }, (_, layer) => [layer % 6 === 5 ? heads(16, 128) : window(16, 128, 1024)]),
);

const everyKind: readonly (readonly [string, ModelFacts])[] = [
  ['dense', model('llama-3.1-8b')],
  ['windows', gptOss(24)],
  ['windows of another count', gemma3],
  ['latent', latent(27)],
  ['latent with an indexer', latent(61, 128)],
  ['latent, compressed', compressedLatent()],
  ['hybrid', gatedDeltaHybrid(24, heads(2, 256), 32)],
  ['attention and state side by side', mixers('falcon_h1', Array(36).fill([heads(2, 128), mamba2]))],
  ['states only', mixers('mamba2', Array(48).fill([mamba2]))],
  ['windows only', mixers('mistral', Array(32).fill([window(8, 128, 4096)]))],
];
const IN_FLIGHT = 16_384;
const versions = [
  '0.6.6.post1',
  '0.8.5',
  '0.10.2',
  '0.13.0',
  '0.19.1',
  '0.21.0',
  '0.26.0',
  '0.28.0',
  '0.33.0',
];

function capacityOf(layout: KvLayout, bytes: number, length: number) {
  return kvCapacity(layout, blocksThatFit(layout, [bytes]), length, IN_FLIGHT);
}

describe.each(everyKind)('%s', (_, facts) => {
  it('has no fewer tokens with more bytes, in any release', () => {
    for (const version of versions) {
      const layout = planned(facts, { version });
      let before = -1;
      for (let gib = 0; gib <= 160; gib += 0.37) {
        const { tokens, maxConcurrency } = capacityOf(layout, gib * 2 ** 30, 8192);
        expect(tokens).toBeGreaterThanOrEqual(before);
        expect(Number.isFinite(maxConcurrency)).toBe(true);
        before = tokens;
      }
    }
  });

  it('fits the longest request and not one token more, in any release', () => {
    for (const version of versions) {
      const layout = planned(facts, { version });
      const needed = (length: number) => requestBytes(layout, 0, length, IN_FLIGHT);
      for (let bytes = 2 ** 20; bytes < 2 ** 38; bytes *= 1.9) {
        const longest = largestLength(layout, [bytes], 131_072, IN_FLIGHT);
        if (longest > 0) expect(needed(longest)).toBeLessThanOrEqual(bytes);
        if (longest < 131_072) expect(needed(longest + 1)).toBeGreaterThan(bytes);
      }
    }
  });

  it('has on several pipeline stages the blocks of the fullest', () => {
    const layout = planned(facts, { pipelineParallelSize: 3 });
    const whole = planned(facts);
    const total = whole.blockBytesByStage[0] ?? 0;
    for (const bytes of layout.blockBytesByStage) expect(bytes).toBeLessThanOrEqual(total);
    const available = layout.blockBytesByStage.map((_, stage) => (10 + stage) * 2 ** 30);
    const each = layout.blockBytesByStage.map((bytes, stage) => Math.floor((available[stage] ?? 0) / bytes));
    expect(blocksThatFit(layout, available)).toBe(Math.min(...each));
  });

  it('takes no more on more ranks', () => {
    const [one, two] = [1, 2].map(
      (tensorParallelSize) => planned(facts, { tensorParallelSize }).bytesPerToken,
    );
    expect(two).toBeLessThanOrEqual(one ?? 0);
  });
});

describe('groups', () => {
  it('of Gemma-3-27B: the smaller count makes the size, windows fill six groups', () => {
    const layout = planned(gemma3);
    expect(layout.groups.map(({ kind }) => kind).toSorted()).toEqual([
      'full',
      ...Array<string>(6).fill('sliding-window'),
    ]);
    // Ten layers of 16 heads of 128 in a block of 16.
    expect(layout.blockBytesByStage).toEqual([10 * 16 * 2 * 16 * 128 * 2]);
  });

  it('takes the larger count where it is little more: 13 and 12 layers are two groups from 0.13, three before', () => {
    const facts = mixers('gpt_oss', [
      ...Array(12).fill([window(8, 64, 128)]),
      ...Array(13).fill([heads(8, 64)]),
    ]);
    expect(planned(facts, { version: '0.10.2' }).groups).toHaveLength(3);
    expect(planned(facts, { version: '0.13.0' }).groups).toHaveLength(2);
    // 1.4 times as many: only from 0.19 on.
    const wider = mixers('gpt_oss', [
      ...Array(10).fill([window(8, 64, 128)]),
      ...Array(14).fill([heads(8, 64)]),
    ]);
    expect(planned(wider, { version: '0.15.1' }).groups).toHaveLength(3);
    expect(planned(wider, { version: '0.19.1' }).groups).toHaveLength(2);
  });

  it('keeps every token where windows cannot be freed: before 0.10, or when asked', () => {
    for (const layout of [
      planned(gptOss(24), { version: '0.8.5' }),
      planned(gptOss(24), { flags: { hybridManager: false } }),
    ]) {
      expect(layout.groups).toHaveLength(1);
      expect(blocksPerRequest(layout, 32_768, IN_FLIGHT)).toBe(2048);
    }
    // A model of windows alone has nothing to be made like.
    const only = mixers('mistral', Array(32).fill([window(8, 128, 4096)]));
    expect(blocksPerRequest(planned(only, { flags: { hybridManager: false } }), 131_072, 8192)).toBe(769);
  });

  it('are not padded in the start-up test of releases up to 0.13', () => {
    const bytes = (version: string) => requestBytes(planned(gemma3, { version }), 0, 131_072, 8192);
    const page = 16 * 2 * 16 * 128 * 2;
    const [full, windowed] = [131_072 / 16, Math.ceil((1023 + 8192) / 16) + 1];
    expect(bytes('0.13.0')).toBe(page * (10 * full + 52 * windowed));
    expect(bytes('0.15.1')).toBe(page * 10 * (full + 6 * windowed));
  });

  it('keeps every token of chunked layers (Llama 4), as the engine does by default', () => {
    const chunked = heads(8, 128, { kind: 'chunked', windowTokens: 8192 });
    const llama4 = mixers(
      'llama4_text',
      Array.from({ length: 48 }, (_, layer) => [layer % 4 === 3 ? heads(8, 128) : chunked]),
    );
    expect(planned(llama4).groups).toHaveLength(1);
    expect(planned(llama4).bytesPerToken).toBe(48 * 2 * 8 * 128 * 2);
  });

  it('caches nothing for layers that read another layer (Gemma 3n)', () => {
    const shares = heads(2, 256, { sharesCache: true });
    const facts = mixers('gemma3n_text', [...Array(20).fill([heads(2, 256)]), ...Array(15).fill([shares])]);
    expect(planned(facts).bytesPerToken).toBe(20 * 2 * 2 * 256 * 2);
  });

  it('puts layers of one kind and several head sizes in one group', () => {
    const facts = mixers('deci', [[heads(8, 128)], [heads(4, 128)], [heads(1, 128)]]);
    const layout = planned(facts);
    expect(layout.groups).toHaveLength(1);
    expect(layout.blockBytesByStage).toEqual([16 * 2 * 128 * 2 * 13]);
  });

  it('gives smaller pages more tokens where they divide the largest (Gemma 4)', () => {
    const facts = mixers('gemma4_text', [...Array(5).fill([window(4, 256, 512)]), [heads(4, 512)]]);
    const layout = planned(facts);
    expect(layout.groups.find(({ kind }) => kind === 'sliding-window')?.blockTokens).toBe(32);
    expect(new Set(layout.groups.map(({ pageBytes }) => pageBytes)).size).toBe(1);
  });

  it('adds a layer of cache for each head that drafts', () => {
    const speculation = { method: 'mtp', tokens: 1, draftLayers: 1, known: true, tensorParallelSize: 0 };
    expect(planned(latent(61), { speculation }).bytesPerToken).toBe(62 * 1152);
  });
});

describe('states', () => {
  const hybrid = gatedDeltaHybrid(24, heads(2, 256), 32);

  it('keep one block, two where prefixes are shared, and one more for each draft token', () => {
    const groups = (input: Parameters<typeof planned>[1]) =>
      planned(hybrid, input)
        .groups.filter(({ kind }) => kind === 'state')
        .map(({ fixedBlocks }) => fixedBlocks);
    expect(groups({})).toEqual([1, 1, 1]);
    expect(groups({ flags: { prefixCaching: true } })).toEqual([2, 2, 2]);
    // Hybrids share prefixes by default from 0.28; from 0.33 a block is kept for checkpoints of a prefill.
    expect(groups({ version: '0.28.0' })).toEqual([2, 2, 2]);
    expect(groups({ version: '0.33.0' })).toEqual([3, 3, 3]);
    const speculation = { method: 'mtp', tokens: 2, draftLayers: 0, known: true, tensorParallelSize: 0 };
    expect(groups({ speculation })).toEqual([3, 3, 3]);
  });

  it('make blocks larger in float32, and smaller on two ranks where heads can be split', () => {
    const size = (input: Parameters<typeof planned>[1]) => planned(hybrid, input).blockSize;
    expect(size({})).toBe(544);
    expect(size({ flags: { stateDataType: 'float32' } })).toBe(1056);
    expect(size({ tensorParallelSize: 2 })).toBe(544);
  });

  it('are kept each block in models that can, up to 0.27: they grow with the context then', () => {
    const nemotron = mixers('nemotron_h', [...Array(8).fill([mamba2]), ...Array(4).fill([heads(2, 128)])]);
    const layout = planned(nemotron, { flags: { prefixCaching: true } });
    expect(layout.blockSize % 256).toBe(0);
    const blocks = blocksPerRequest(layout, 65_536, IN_FLIGHT);
    expect(blocks).toBe(layout.groups.length * Math.ceil(65_536 / layout.blockSize));
  });
});
