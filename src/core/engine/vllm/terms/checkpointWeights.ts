import type { PipelineStage } from '../../../memory/pipeline.ts';
import { type RankWeights, rankWeights } from '../../../memory/weights.ts';
import type { CheckpointFacts } from '../../../model/checkpoint.ts';
import type { ModelFacts } from '../../../model/facts.ts';
import { PARAMETER_KINDS, type ParameterKind } from '../../../model/parameterKinds.ts';
import type { ResolvedVllm } from '../resolved.ts';

/** What ranks share in the same way, and is scaled together. */
type Part = 'layers' | 'experts' | 'embedding' | 'head' | 'encoder';

const PART_OF: Readonly<Partial<Record<ParameterKind, Part>>> = {
  routedExperts: 'experts',
  embedding: 'embedding',
  positionEmbedding: 'embedding',
  head: 'head',
  vision: 'encoder',
  audio: 'encoder',
};

/**
 * Bytes of one rank's weights out of what a checkpoint's header says: each part of `weights`, which the formula shared among the
 * ranks and converted as it loads, times what is stored of it over what the formula expects to be stored.
 */
export function checkpointRankBytes(
  model: ModelFacts,
  checkpoint: CheckpointFacts,
  resolved: ResolvedVllm,
  weights: RankWeights,
): number {
  const rank = partsOf(weights);
  const expected = expectedParts(model, checkpoint, resolved);
  const stored: Record<Part, number> = { layers: 0, experts: 0, embedding: 0, head: 0, encoder: 0 };
  for (const kind of PARAMETER_KINDS) {
    const part = PART_OF[kind] ?? 'layers';
    // What the formula knows nothing of by this name is somewhere in the layers.
    stored[expected[part] > 0 || part === 'encoder' ? part : 'layers'] += checkpoint.bytesByKind[kind];
  }
  let bytes = 0;
  for (const part of ['layers', 'experts', 'embedding', 'head'] as const) {
    if (expected[part] > 0) bytes += rank[part] * (stored[part] / expected[part]);
  }
  if (resolved.encoder) {
    // An encoder that no formula counts is on each rank as it is stored.
    bytes += expected.encoder > 0 ? rank.encoder * (stored.encoder / expected.encoder) : stored.encoder;
  }
  return bytes;
}

function partsOf(weights: RankWeights): Record<Part, number> {
  return {
    layers: weights.layersBytes - weights.expertsBytes,
    experts: weights.expertsBytes,
    embedding: weights.embeddingBytes,
    head: weights.headBytes,
    encoder: weights.encoderBytes,
  };
}

/** What the formula expects of the whole model's files. Files have no padded vocabulary. */
function expectedParts(
  model: ModelFacts,
  checkpoint: CheckpointFacts,
  resolved: ResolvedVllm,
): Record<Part, number> {
  const elementBytes =
    model.quantization === undefined ? storedElementBytes(checkpoint) : model.dataType === 'float32' ? 4 : 2;
  const whole: PipelineStage = { first: 0, end: model.layers.length, isFirst: true, isLast: true };
  const parts = partsOf(
    rankWeights(model, whole, {
      elementBytes,
      linearBytes:
        model.quantization === undefined ? elementBytes : (resolved.quantizedWeightBytes ?? elementBytes),
      tensorParallelSize: 1,
    }),
  );
  const { embedding, positionEmbedding, head } = model.parameters;
  return { ...parts, embedding: (embedding + positionEmbedding) * elementBytes, head: head * elementBytes };
}

/** Of weights that are not quantised: the file may store another type than config.json names. */
function storedElementBytes(checkpoint: CheckpointFacts): number {
  let elements = 0;
  let bytes = 0;
  for (const count of Object.values(checkpoint.elementsByDataType)) elements += count;
  for (const kind of PARAMETER_KINDS) bytes += checkpoint.bytesByKind[kind];
  return elements > 0 ? bytes / elements : 2;
}
