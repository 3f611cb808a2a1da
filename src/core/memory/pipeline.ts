/** Layers `[first, end)` of one pipeline stage. */
export interface PipelineStage {
  readonly first: number;
  readonly end: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/**
 * Layers dealt to pipeline stages: evenly, the remainder one each to the stages from the second-last backwards.
 * Source: vLLM distributed/utils.py, get_pp_indices.
 */
export function pipelineStages(layerCount: number, size: number): readonly PipelineStage[] {
  const base = Math.floor(layerCount / size);
  const remainder = layerCount % size;
  const stages: PipelineStage[] = [];
  let first = 0;
  for (let rank = 0; rank < size; rank++) {
    const extra = rank <= size - 2 && rank >= size - 1 - remainder ? 1 : 0;
    const end = first + base + extra;
    stages.push({ first, end, isFirst: rank === 0, isLast: rank === size - 1 });
    first = end;
  }
  return stages;
}

/** KV heads on one GPU: dealt out, or each repeated where there are more GPUs than heads. */
export function keyValueHeadsPerRank(keyValueHeads: number, tensorParallelSize: number): number {
  return Math.max(1, Math.floor(keyValueHeads / tensorParallelSize));
}
