import type { KvEstimate } from '../../estimate/types.ts';
import { gib, grouped } from '../../estimate/words.ts';
import type { KvLayout } from '../../memory/kv/layout.ts';
import type { Obstacle } from '../engine.ts';
import { minorOf } from './kvPlan.ts';
import type { ResolvedVllm } from './resolved.ts';
import type { StageMemory } from './stageMemory.ts';

/** What stops the engine once its blocks are counted: a pool beyond the GPU's memory, or fewer blocks of state than sequences. */
export function kvObstacle(
  resolved: ResolvedVllm,
  layout: KvLayout,
  memories: readonly StageMemory[],
  kv: KvEstimate,
): Obstacle | undefined {
  return overrideObstacle(resolved, layout, memories) ?? stateObstacle(resolved, layout, kv);
}

/** `num_gpu_blocks_override` replaces what was profiled: the pool is allocated as asked, up to the end of the GPU's memory. */
function overrideObstacle(
  resolved: ResolvedVllm,
  layout: KvLayout,
  memories: readonly StageMemory[],
): Obstacle | undefined {
  const blocks = resolved.blocksOverride;
  if (blocks === undefined) return undefined;
  for (const [stage, memory] of memories.entries()) {
    const pool = blocks * (layout.blockBytesByStage[stage] ?? 0);
    const room = memory.availableKvBytes + Math.max(0, resolved.totalBytes - memory.requestedBytes);
    if (pool > room) {
      return {
        kind: 'no-kv-memory',
        reason: `${grouped(blocks)} blocks take ${gib(pool)} GiB, the GPU has ${gib(Math.max(0, room))} beside the rest`,
        causeFlag: 'num-gpu-blocks-override',
      };
    }
  }
  return undefined;
}

/** Every sequence of a captured batch needs a block of state. Source: config/compilation.py, from 0.21. */
function stateObstacle(resolved: ResolvedVllm, layout: KvLayout, kv: KvEstimate): Obstacle | undefined {
  const captured = resolved.graphs.full > 0 && minorOf(resolved.profile.version) >= 21;
  if (!layout.hasState || !captured || resolved.maxNumSeqs <= kv.numBlocks) return undefined;
  return {
    kind: 'mamba-blocks',
    reason: `max-num-seqs ${grouped(resolved.maxNumSeqs)} is more than the ${grouped(kv.numBlocks)} blocks that there are for states, one for each sequence`,
    causeFlag: 'max-num-seqs',
  };
}
