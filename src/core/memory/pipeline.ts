/** Layers `[first, end)` of one pipeline stage. */
export interface PipelineStage {
  readonly first: number;
  readonly end: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** How layers are dealt out where nobody says: the rest to the stages before the last, or (vLLM up to 0.6) to the last. */
export type PipelineRemainder = 'before-last' | 'last';

const dealt = new Map<string, readonly PipelineStage[]>();

/**
 * Layers dealt to pipeline stages: evenly, the remainder one each to the stages from the second-last backwards.
 * Source: vLLM distributed/utils.py, get_pp_indices.
 */
export function pipelineStages(
  layerCount: number,
  size: number,
  remainder: PipelineRemainder = 'before-last',
): readonly PipelineStage[] {
  const key = `${layerCount}/${size}/${remainder}`;
  let stages = dealt.get(key);
  if (stages === undefined) {
    const base = Math.floor(layerCount / size);
    const rest = layerCount % size;
    stages = stagesOf(
      Array.from({ length: size }, (_, rank) => {
        if (remainder === 'last') return base + (rank === size - 1 ? rest : 0);
        return base + (rank <= size - 2 && rank >= size - 1 - rest ? 1 : 0);
      }),
    );
    if (dealt.size > 500) dealt.clear();
    dealt.set(key, stages);
  }
  return stages;
}

/** `VLLM_PP_LAYER_PARTITION`: layers a stage, comma-separated. Undefined where it does not go with the model and the size. */
export function writtenStages(
  text: string,
  layerCount: number,
  size: number,
): readonly PipelineStage[] | undefined {
  const counts = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  const sum = counts.reduce((total, count) => total + count, 0);
  return counts.length === size && sum === layerCount ? stagesOf(counts) : undefined;
}

function stagesOf(counts: readonly number[]): readonly PipelineStage[] {
  let first = 0;
  return counts.map((count, rank) => {
    const stage = { first, end: first + count, isFirst: rank === 0, isLast: rank === counts.length - 1 };
    first += count;
    return stage;
  });
}

/** KV heads on one GPU: dealt out, or each repeated where there are more GPUs than heads. */
export function keyValueHeadsPerRank(keyValueHeads: number, tensorParallelSize: number): number {
  return Math.max(1, Math.floor(keyValueHeads / tensorParallelSize));
}
