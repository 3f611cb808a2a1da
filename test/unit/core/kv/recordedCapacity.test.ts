import { describe, expect, it } from 'vitest';
import { plainFormat } from '../../../../src/core/memory/kv/cacheFormat.ts';
import { blocksThatFit, kvCapacity } from '../../../../src/core/memory/kv/capacity.ts';
import type { KvLayout } from '../../../../src/core/memory/kv/layout.ts';
import { parseModelConfig } from '../../../../src/core/model/parse.ts';
import { GiB } from '../../../../src/core/units.ts';
import { fixtureLines, fixtureText } from '../fixtures.ts';
import { planned } from './layers.ts';

interface RecordedRow {
  id: string;
  model: string;
  availableKvGiB: number;
  kvTokens: number;
  maxConcurrency?: number;
  maxModelLen?: number;
  flags: { kv_cache_dtype?: string; max_model_len: number };
  resolved?: { num_gpu_blocks: number; max_num_batched_tokens: number };
}

function parsed(name: string) {
  const result = parseModelConfig(JSON.parse(fixtureText(`vllm-0.26-h200/models/${name}.json`)), {
    id: name,
    source: 'fixture',
  });
  if (!result.ok) throw new Error(result.problems[0]?.message);
  return result.value;
}

describe('against the recorded starts of vLLM 0.26', () => {
  const recorded = fixtureLines('vllm-0.26-h200/runs.jsonl') as RecordedRow[];

  it.each(recorded.map((row) => [row.id, row] as const))(
    '%s: blocks and tokens follow from the available bytes as logged',
    (_, row) => {
      const layout = planned(parsed(row.model), {
        flags: row.flags.kv_cache_dtype === 'fp8' ? { format: plainFormat(1) } : {},
      });
      const inFlight = 2 * (row.resolved?.max_num_batched_tokens ?? 16_384);
      const length = row.flags.max_model_len;
      // The log rounds to 0.01 GiB: blocks and tokens lie between those of the two ends.
      const [least, most] = [-0.005, 0.005].map((rounding) =>
        kvCapacity(layout, blocksThatFit(layout, [(row.availableKvGiB + rounding) * GiB]), length, inFlight),
      );
      expect(row.kvTokens).toBeGreaterThanOrEqual(least?.tokens ?? Number.NaN);
      expect(row.kvTokens).toBeLessThanOrEqual(most?.tokens ?? Number.NaN);
      // Some whole number of blocks between them gives the log's tokens to the digit.
      const blocks = row.resolved?.num_gpu_blocks ?? blocksForTokens(layout, row.kvTokens, length, inFlight);
      expect(blocks).toBeGreaterThanOrEqual(least?.numBlocks ?? Number.NaN);
      expect(blocks).toBeLessThanOrEqual(most?.numBlocks ?? Number.NaN);
      const capacity = kvCapacity(layout, blocks, length, inFlight);
      expect(capacity.tokens).toBe(row.kvTokens);
      if (row.maxConcurrency !== undefined) {
        expect(capacity.maxConcurrency.toFixed(2)).toBe(row.maxConcurrency.toFixed(2));
      }
    },
  );
});

/** The blocks that the log's tokens come from, where it does not name them. */
function blocksForTokens(layout: KvLayout, tokens: number, length: number, inFlight: number): number {
  const { blocksPerRequest } = kvCapacity(layout, 1, length, inFlight);
  return Math.round((tokens * blocksPerRequest) / length);
}
