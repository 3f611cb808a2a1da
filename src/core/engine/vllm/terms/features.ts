import type { EstimateRequest, MemoryTerm } from '../../../estimate/types.ts';
import { gib, grouped } from '../../../estimate/words.ts';
import { type PipelineStage, pipelineStages } from '../../../memory/pipeline.ts';
import { groupsBytes, rankWeights } from '../../../memory/weights.ts';
import { term } from '../../memoryTerm.ts';
import { loraBytes } from '../lora.ts';
import type { ResolvedVllm } from '../resolved.ts';
import { weightStorage } from './weights.ts';

/** What adapters allocate before any is loaded; nothing without `--enable-lora`. */
export function loraTerms(
  { model }: EstimateRequest,
  resolved: ResolvedVllm,
  stage: PipelineStage,
): readonly MemoryTerm[] {
  const { lora } = resolved;
  if (lora === undefined) return [];
  const { bytes, expertsBytes } = loraBytes(model, stage, lora, resolved);
  return [
    term({
      id: 'lora',
      bytes,
      // Whether experts take adapters depends on the kernel that runs them.
      highBytes: bytes + expertsBytes,
      formula: () =>
        `${lora.maxLoras} adapters x rank ${lora.rank} x (inputs + outputs) of every linear layer = ${gib(bytes)} GiB`,
      source: 'vLLM lora/layers, create_lora_weights',
      provenance: 'formula',
      charged: true,
    }),
  ];
}

/** The draft's weights; nothing without speculation, or where they are not known (then a warning says so). */
export function draftTerms(
  { model }: EstimateRequest,
  resolved: ResolvedVllm,
  stage: PipelineStage,
): readonly MemoryTerm[] {
  const { speculation } = resolved;
  if (speculation === undefined || !stage.isLast) return [];
  const { draft, method } = speculation;
  const storage = weightStorage(resolved);
  if (draft === undefined) {
    if (speculation.draftLayers === 0) return [];
    const bytes = groupsBytes(model, model.draftLayers?.weights ?? [], storage);
    return [
      term({
        id: 'draft-weights',
        bytes,
        formula: () => `${speculation.draftLayers} heads that predict further tokens = ${gib(bytes)} GiB`,
        source: `parameters counted from config.json (${model.source})`,
        provenance: 'formula',
        charged: true,
      }),
    ];
  }
  const [whole] = pipelineStages(draft.layers.length, 1);
  if (whole === undefined) return [];
  const { bytes } = rankWeights(draft, whole, {
    elementBytes: resolved.elementBytes,
    linearBytes: draft.quantization?.bytesPerWeight ?? resolved.elementBytes,
    tensorParallelSize: speculation.tensorParallelSize || resolved.tensorParallelSize,
  });
  return [
    term({
      id: 'draft-weights',
      bytes,
      formula: () => `${draft.id} (${method}) = ${gib(bytes)} GiB`,
      source: `parameters counted from config.json (${draft.source})`,
      provenance: 'formula',
      charged: true,
    }),
  ];
}

/**
 * Counts of past tokens that V2's sampler keeps for penalties: 4 bytes of counts and a bit of prompt for each of
 * max_num_seqs x vocabulary. Allocated between loading and profiling, so that releases up to 0.26 charge it to nobody.
 * Source: v1/worker/gpu/sample/penalties.py; utils/mem_utils.py, memory_profiling.
 */
export function samplerStateTerms(
  { model }: EstimateRequest,
  resolved: ResolvedVllm,
  stage: PipelineStage,
): readonly MemoryTerm[] {
  if (resolved.runner !== 'V2' || !stage.isLast) return [];
  const { maxNumSeqs, profile } = resolved;
  const { vocabularySize } = model;
  const bytes = maxNumSeqs * 4 * (vocabularySize + Math.ceil(vocabularySize / 32));
  const charged = profile.charging === 'consumed';
  return [
    term({
      id: 'sampler-state',
      bytes,
      formula: () =>
        `token counts for penalties: ${grouped(maxNumSeqs)} sequences x ${grouped(vocabularySize)} x 4.125 bytes = ${gib(bytes)} GiB${charged ? '' : ', allocated after the weights and not subtracted from the KV cache'}`,
      source: 'vLLM v1/worker/gpu/sample/penalties.py, PenaltiesState',
      provenance: 'formula',
      charged,
    }),
  ];
}
