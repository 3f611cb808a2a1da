import { layerGroups } from '../../memory/layerGroups.ts';
import { keyValueHeadsPerRank, type PipelineStage } from '../../memory/pipeline.ts';
import { isAttention, type LayerFacts, type ModelFacts } from '../../model/facts.ts';

/** What `--enable-lora` allocates before any adapter is there. */
export interface LoraSlots {
  readonly maxLoras: number;
  /** `max_lora_rank`: what is allocated, whatever the adapters' ranks are. */
  readonly rank: number;
  readonly fullySharded: boolean;
  readonly extraVocabulary: number;
}

/**
 * Bytes of the adapters' slots on one rank: `maxLoras x (rank x inputs + outputs x rank)` for each linear layer. Split with the
 * layer: the outputs of column-parallel ones and the inputs of row-parallel ones; the other matrix only where fully sharded.
 * Source: vLLM lora/layers, create_lora_weights. Experts are counted from 0.12 on, for those kernels that take adapters.
 */
export function loraBytes(
  model: ModelFacts,
  stage: PipelineStage,
  slots: LoraSlots,
  storage: { readonly tensorParallelSize: number; readonly elementBytes: number },
): { readonly bytes: number; readonly expertsBytes: number } {
  let elements = 0;
  let expertElements = 0;
  for (const { layer, count } of layerGroups(model, stage)) {
    elements += count * layerElements(model, layer, slots, storage.tensorParallelSize);
    const { feedForward } = layer;
    if (feedForward.kind === 'experts') {
      const one = mlpElements(model.hiddenSize, feedForward, slots, storage.tensorParallelSize);
      expertElements += count * feedForward.experts * one;
    }
  }
  const outside = slots.rank * (model.hiddenSize + model.vocabularySize + slots.extraVocabulary);
  if (stage.isFirst) elements += outside;
  if (stage.isLast) elements += outside;
  const bytes = slots.maxLoras * storage.elementBytes;
  return { bytes: bytes * elements, expertsBytes: bytes * expertElements };
}

function layerElements(model: ModelFacts, layer: LayerFacts, slots: LoraSlots, tensor: number): number {
  const { hiddenSize } = model;
  const sharded = slots.fullySharded ? tensor : 1;
  let elements = 0;
  for (const mixer of layer.mixers) {
    if (!isAttention(mixer)) continue;
    const queries = (mixer.queryHeads * mixer.headSize) / tensor;
    const values = (mixer.queryHeads * (mixer.valueHeadSize ?? mixer.headSize)) / tensor;
    const keysAndValues =
      mixer.kind === 'latent'
        ? 0
        : keyValueHeadsPerRank(mixer.keyValueHeads, tensor) *
          (mixer.headSize + (mixer.valueHeadSize ?? mixer.headSize));
    elements += slots.rank * ((3 * hiddenSize) / sharded + queries + keysAndValues);
    elements += slots.rank * (values + hiddenSize / sharded);
  }
  if (layer.feedForward.kind === 'dense') {
    elements += mlpElements(hiddenSize, layer.feedForward, slots, tensor);
  }
  return elements;
}

function mlpElements(
  hiddenSize: number,
  { width, gated }: { readonly width: number; readonly gated: boolean },
  { rank, fullySharded }: LoraSlots,
  tensor: number,
): number {
  const up = gated ? 2 : 1;
  const sharded = fullySharded ? tensor : 1;
  return rank * ((up * hiddenSize) / sharded + (up * width) / tensor + width / tensor + hiddenSize / sharded);
}
