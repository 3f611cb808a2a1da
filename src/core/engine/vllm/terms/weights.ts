import type { EstimateRequest, MemoryTerm } from '../../../estimate/types.ts';
import { gib } from '../../../estimate/words.ts';
import type { PipelineStage } from '../../../memory/pipeline.ts';
import { type RankWeights, rankWeights, type WeightStorage } from '../../../memory/weights.ts';
import { checkpointSource, loadedBytes } from '../../../model/checkpoint.ts';
import type { ModelFacts } from '../../../model/facts.ts';
import { term } from '../../memoryTerm.ts';
import type { ResolvedVllm } from '../resolved.ts';
import { fp8KvScales, WEIGHTS_SLACK_BYTES } from '../versions/observed.ts';
import { checkpointRankBytes } from './checkpointWeights.ts';

/** How the deployment stores and shares weights. */
export function weightStorage(resolved: ResolvedVllm): WeightStorage {
  const { tensorParallelSize, dataParallelSize, lora, expertPadding } = resolved;
  return {
    elementBytes: resolved.elementBytes,
    linearBytes: resolved.quantizedWeightBytes ?? resolved.elementBytes,
    tensorParallelSize,
    // Without expert parallelism, too, each expert is split over the data-parallel and prefill ranks.
    expertRanks: tensorParallelSize * dataParallelSize * resolved.prefillContextParallelSize,
    wholeExperts: resolved.expertParallel,
    ...(expertPadding === undefined
      ? {}
      : {
          expertWidthMultiple: expertPadding.widthMultiple,
          expertHiddenMultiple: expertPadding.hiddenMultiple,
        }),
    encoder: resolved.encoder,
    encoderReplicated: resolved.encoderReplicated,
    ...(lora === undefined ? {} : { extraVocabulary: lora.extraVocabulary }),
  };
}

export function weightsTerm(
  request: EstimateRequest,
  resolved: ResolvedVllm,
  weights: RankWeights,
): MemoryTerm {
  const { model } = request;
  const parameterBytes = weights.bytes - weights.rotaryBytes;
  const scales = resolved.kv.format?.elementBytes === 1 && resolved.elementBytes > 1 ? fp8KvScales.bytes : 0;
  const beside = weights.rotaryBytes + scales;
  const besideText = () =>
    `${weights.rotaryBytes > 0 ? ` + rotary table ${gib(weights.rotaryBytes)}` : ''}${
      scales === 0 ? '' : ` + fp8 KV scales ${gib(scales)}`
    }`;
  const { offloadBytes } = resolved;
  // Layers alone are kept in host memory.
  const offloaded = Math.min(offloadBytes, weights.layersBytes);
  const offloadText = () => (offloaded > 0 ? ` - ${gib(offloaded)} kept in host memory` : '');
  if (request.weightsBytes !== undefined) {
    // The header says how much there is in all; the formula says what part of it a rank has, and how that is converted as it loads.
    const whole = storedBytes(model, resolved);
    const part = whole > 0 ? parameterBytes / whole : 1;
    const bytes = Math.max(0, request.weightsBytes * part + beside - offloaded);
    const given = request.weightsBytes;
    return term({
      id: 'weights',
      bytes,
      highBytes: bytes + WEIGHTS_SLACK_BYTES,
      formula: () =>
        `${gib(given)} GiB of weights, this rank's part in memory ${gib(given * part)}${besideText()}${offloadText()} = ${gib(bytes)} GiB`,
      source: 'weights-bytes, as given',
      provenance: 'flag',
      charged: true,
    });
  }
  const { checkpoint } = model;
  if (checkpoint !== undefined) {
    const part = checkpointRankBytes(model, checkpoint, resolved, weights);
    const bytes = Math.max(0, part + beside - offloaded);
    return term({
      id: 'weights',
      bytes,
      highBytes: bytes + WEIGHTS_SLACK_BYTES,
      formula: () =>
        `${gib(loadedBytes(checkpoint, { withoutTowers: !resolved.encoder }))} GiB stored, this rank's part in memory ${gib(part)}${besideText()}${offloadText()} = ${gib(bytes)} GiB`,
      source: checkpointSource(checkpoint),
      provenance: 'header',
      charged: true,
    });
  }
  const bytes = parameterBytes + beside - offloaded;
  const { below, above } = resolved.quantizedWeightBand;
  // On Hopper another kernel, taken where Triton's is not there, pads the hidden width as well.
  const padding = resolved.expertPadding?.hiddenMultiple === 1 ? 0.07 * weights.expertsBytes : 0;
  return term({
    id: 'weights',
    bytes,
    // A family that is not covered may have one matrix less or more in its MLP than its activation suggests.
    lowBytes: Math.max(0, bytes - below * weights.layersBytes - (model.generic ? 0.3 * parameterBytes : 0)),
    highBytes:
      bytes +
      above * weights.layersBytes +
      padding +
      (model.generic ? 0.4 * parameterBytes : 0) +
      WEIGHTS_SLACK_BYTES,
    formula: () => {
      const experts = weights.expertsBytes > 0 ? ` (experts ${gib(weights.expertsBytes)})` : '';
      const encoder = weights.encoderBytes > 0 ? ` + encoder ${gib(weights.encoderBytes)}` : '';
      return `layers ${gib(weights.layersBytes)}${experts} + embedding ${gib(weights.embeddingBytes)} + head ${gib(weights.headBytes)}${encoder}${besideText()}${offloadText()} = ${gib(bytes)} GiB (${resolved.quantization ?? `${resolved.elementBytes} bytes a parameter`}, tensor-parallel ${resolved.tensorParallelSize}${resolved.expertParallel ? `, whole experts over ${resolved.tensorParallelSize * resolved.dataParallelSize} ranks` : ''})`;
    },
    source: `parameters counted from config.json (${model.source})`,
    provenance: 'formula',
    charged: true,
  });
}

/** Bytes of the whole model as its checkpoint stores it, by the formula. */
function storedBytes(model: ModelFacts, resolved: ResolvedVllm): number {
  const elementBytes = model.dataType === 'float32' ? 4 : 2;
  const whole: PipelineStage = { first: 0, end: model.layers.length, isFirst: true, isLast: true };
  const { bytes, rotaryBytes } = rankWeights(model, whole, {
    elementBytes,
    linearBytes:
      model.quantization === undefined ? elementBytes : (resolved.quantizedWeightBytes ?? elementBytes),
    tensorParallelSize: 1,
  });
  return bytes - rotaryBytes;
}
