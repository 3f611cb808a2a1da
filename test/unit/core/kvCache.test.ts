import { describe, expect, it } from 'vitest';
import {
  blocksPerRequest,
  blocksThatFit,
  kvCapacity,
  kvLayout,
  largestLength,
} from '../../../src/core/memory/kvCache.ts';
import { keyValueHeadsPerRank, pipelineStages } from '../../../src/core/memory/pipeline.ts';
import type { LayerFacts } from '../../../src/core/model/facts.ts';
import { parseModelConfig } from '../../../src/core/model/parse.ts';
import { GiB } from '../../../src/core/units.ts';
import { fixtureLines, fixtureText, model } from './fixtures.ts';

interface RecordedRow {
  id: string;
  model: string;
  availableKvGiB: number;
  kvTokens: number;
  maxConcurrency?: number;
  flags: { kv_cache_dtype?: string };
  resolved?: {
    num_gpu_blocks: number;
    max_model_len: number;
    block_size: number;
    max_num_batched_tokens: number;
  };
}

function layout(
  layers: readonly LayerFacts[],
  tensorParallelSize = 1,
  kvElementBytes = 2,
  inFlightTokens = 16_384,
) {
  return kvLayout(layers, pipelineStages(layers.length, 1), {
    tensorParallelSize,
    kvElementBytes,
    blockSize: 16,
    inFlightTokens,
  });
}

describe('against the recorded starts', () => {
  const recorded = (fixtureLines('vllm-0.26-h200/runs.jsonl') as RecordedRow[]).filter((row) =>
    row.model.startsWith('llama'),
  );

  it.each(recorded.map((row) => [row.id, row] as const))(
    '%s: blocks and tokens follow from the available bytes as logged',
    (_, row) => {
      if (row.resolved === undefined) throw new Error('the recording has no resolved values');
      const parsed = parseModelConfig(JSON.parse(fixtureText(`vllm-0.26-h200/models/${row.model}.json`)), {
        id: row.model,
        source: 'fixture',
      });
      if (!parsed.ok) throw new Error('the fixture is not covered');
      const cache = layout(parsed.value.layers, 1, row.flags.kv_cache_dtype === 'fp8' ? 1 : 2);
      // The log rounds to 0.01 GiB: the blocks lie between those of the two ends.
      const least = blocksThatFit(cache, [(row.availableKvGiB - 0.005) * GiB]);
      const most = blocksThatFit(cache, [(row.availableKvGiB + 0.005) * GiB]);
      expect(row.resolved.num_gpu_blocks).toBeGreaterThanOrEqual(least);
      expect(row.resolved.num_gpu_blocks).toBeLessThanOrEqual(most);
      // Given the blocks, tokens and concurrency are the log's to the digit.
      const capacity = kvCapacity(cache, row.resolved.num_gpu_blocks, row.resolved.max_model_len);
      expect(capacity.tokens).toBe(row.kvTokens);
      if (row.maxConcurrency !== undefined) {
        expect(capacity.maxConcurrency.toFixed(2)).toBe(row.maxConcurrency.toFixed(2));
      }
    },
  );

  it('gpt-oss-20b: sliding and full layers share blocks in groups', () => {
    // 24 layers in turn, window 128, two 16,384-token steps in flight.
    const [window, full] = alternating(128);
    const cache = layout(
      Array.from({ length: 24 }, (_, layer) => (layer % 2 === 0 ? window : full)),
      1,
      2,
      32_768,
    );
    expect(cache.groups).toHaveLength(2);
    const capacity = kvCapacity(cache, 305_457, 32_768);
    expect(capacity.tokens).toBe(2_443_059);
    expect(capacity.maxConcurrency.toFixed(2)).toBe('74.56');
  });
});

describe('published vectors', () => {
  it('Llama-3.1-8B on an H100, vLLM 0.19: 58.107 GiB', () => {
    const cache = layout(model('llama-3.1-8b').layers);
    const capacity = kvCapacity(cache, blocksThatFit(cache, [58.1075 * GiB]), 8192);
    expect(capacity.tokens).toBe(476_016);
    expect(capacity.maxConcurrency.toFixed(2)).toBe('58.11');
  });

  it('Llama-3.1-8B on an A100: 460,496 tokens are 3.51x at 131,072', () => {
    const cache = layout(model('llama-3.1-8b').layers);
    expect(kvCapacity(cache, 460_496 / 16, 131_072).maxConcurrency.toFixed(2)).toBe('3.51');
  });

  it('gpt-oss-120b: 8,713 or 9,225 blocks a request of 131,072, by tokens in flight', () => {
    const [window, full] = alternating(128);
    const layers = Array.from({ length: 36 }, (_, layer) => (layer % 2 === 0 ? window : full));
    expect(blocksPerRequest(layout(layers, 1, 2, 8192), 131_072)).toBe(8713);
    expect(blocksPerRequest(layout(layers, 1, 2, 16_384), 131_072)).toBe(9225);
  });

  it.each([
    ['llama-3.1-8b', [131_072, 65_536, 32_768, 16_384]],
    ['llama-3.1-70b', [327_680, 163_840, 81_920, 40_960]],
    ['qwen3-8b', [147_456, 73_728, 36_864, 18_432]],
    ['qwen3-32b', [262_144, 131_072, 65_536, 32_768]],
    ['qwen3-0.6b', [114_688, 57_344, 28_672, 14_336]],
    // Two KV heads: repeated from tensor-parallel 4 on.
    ['qwen2.5-3b', [36_864, 18_432, 18_432, 18_432]],
  ])('%s: bytes a token on 1, 2, 4, 8 GPUs', (name, expected) => {
    const { layers } = model(name);
    expect([1, 2, 4, 8].map((size) => layout(layers, size).bytesPerToken)).toEqual(expected);
  });
});

describe('layout', () => {
  it('deals layers to pipeline stages as vLLM does: the remainder never to the last', () => {
    const sizes = (layers: number, stages: number) =>
      pipelineStages(layers, stages).map((stage) => stage.end - stage.first);
    expect(sizes(32, 1)).toEqual([32]);
    expect(sizes(32, 2)).toEqual([16, 16]);
    expect(sizes(30, 4)).toEqual([7, 8, 8, 7]);
    expect(sizes(36, 5)).toEqual([7, 7, 7, 8, 7]);
  });

  it('keeps at least one KV head on a GPU', () => {
    expect([1, 2, 4, 8, 16].map((size) => keyValueHeadsPerRank(4, size))).toEqual([4, 2, 1, 1, 1]);
  });

  it('finds the longest request by blocks, sliding windows included', () => {
    const cache = layout(model('llama-3.1-8b').layers);
    expect(largestLength(cache, 3123, 131_072)).toBe(49_968);
    expect(largestLength(cache, 0, 131_072)).toBe(0);
    expect(largestLength(cache, 1_000_000, 131_072)).toBe(131_072);
    const [window] = alternating(128);
    // A window keeps the same blocks however long the request is.
    expect(largestLength(layout([window], 1, 2, 0), 9, 131_072)).toBe(131_072);
  });
});

function alternating(windowTokens: number): [LayerFacts, LayerFacts] {
  const heads = { queryHeads: 64, keyValueHeads: 8, headSize: 64 };
  const rest = { feedForward: { kind: 'dense', width: 2880, gated: true }, weights: [] } as const;
  return [
    { ...rest, mixers: [{ kind: 'sliding-window', ...heads, windowTokens }] },
    { ...rest, mixers: [{ kind: 'full', ...heads }] },
  ];
}
