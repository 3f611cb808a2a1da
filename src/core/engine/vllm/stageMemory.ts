import type { EstimateRequest, MemoryTerm, RankEstimate } from '../../estimate/types.ts';
import { gib } from '../../estimate/words.ts';
import { activationPeak } from '../../memory/activationPeak.ts';
import type { PipelineStage } from '../../memory/pipeline.ts';
import { type RankWeights, rankWeights } from '../../memory/weights.ts';
import { checkpointSource, loadedBytes } from '../../model/checkpoint.ts';
import type { ModelFacts } from '../../model/facts.ts';
import type { ResolvedVllm } from './resolved.ts';
import type { ObservedBytes } from './versions/profile.ts';

export interface StageMemory {
  readonly weights: RankWeights;
  readonly terms: readonly MemoryTerm[];
  readonly requestedBytes: number;
  readonly availableKvBytes: number;
}

/** The memory of a stage's ranks, which are all alike. Charged terms and the KV cache add up to what is requested. */
export function stageMemory(
  request: EstimateRequest,
  resolved: ResolvedVllm,
  stage: PipelineStage,
): StageMemory {
  const weights = rankWeights(request.model, stage, {
    elementBytes: resolved.elementBytes,
    linearBytes: resolved.quantizedWeightBytes ?? resolved.elementBytes,
    tensorParallelSize: resolved.tensorParallelSize,
  });
  const terms = [
    weightsTerm(request, resolved, weights),
    activationTerm(request, resolved, stage),
    observedTerm(
      'non-torch',
      resolved.profile.nonTorch(resolved.tensorParallelSize, resolved.pipelineParallelSize),
      true,
      'buffers of the CUDA libraries and NCCL after the snapshot',
    ),
  ];
  if (!resolved.eager) {
    const charged = resolved.profile.graphsCharged;
    terms.push(
      observedTerm(
        charged ? 'graphs' : 'graphs-uncharged',
        resolved.profile.graphs(resolved.maxNumSeqs),
        charged,
        charged
          ? 'CUDA graphs'
          : 'CUDA graphs, captured after the KV cache is sized and not subtracted from it',
      ),
    );
  }
  terms.push(
    observedTerm(
      'context',
      resolved.profile.context(resolved.tensorParallelSize),
      false,
      'CUDA context, there before the engine takes its snapshot',
    ),
  );
  let chargedBytes = 0;
  for (const term of terms) if (term.charged) chargedBytes += term.bytes;
  const asked = Math.ceil(resolved.totalBytes * resolved.gpuMemoryUtilization);
  const availableKvBytes = resolved.kvCacheMemoryBytes ?? asked - chargedBytes;
  return {
    weights,
    terms,
    // A cache size that is given outright replaces the request.
    requestedBytes: resolved.kvCacheMemoryBytes === undefined ? asked : chargedBytes + availableKvBytes,
    availableKvBytes,
  };
}

export function rankEstimate(rank: number, memory: StageMemory, totalBytes: number): RankEstimate {
  return {
    rank,
    terms: memory.terms,
    requestedBytes: memory.requestedBytes,
    totalBytes,
    availableKvBytes: memory.availableKvBytes,
  };
}

function weightsTerm(request: EstimateRequest, resolved: ResolvedVllm, weights: RankWeights): MemoryTerm {
  const { model } = request;
  const { profile } = resolved;
  const parameterBytes = weights.bytes - weights.rotaryBytes;
  const fp8Kv = resolved.kvElementBytes === 1 ? profile.fp8KvBytes : undefined;
  const beside = weights.rotaryBytes + (fp8Kv?.bytes ?? 0);
  const besideText = `${weights.rotaryBytes > 0 ? ` + rotary table ${gib(weights.rotaryBytes)}` : ''}${
    fp8Kv === undefined ? '' : ` + fp8 KV scales ${gib(fp8Kv.bytes)}`
  }`;
  const { checkpoint } = model;
  const stored = request.weightsBytes ?? (checkpoint === undefined ? undefined : loadedBytes(checkpoint));
  if (stored !== undefined) {
    // The header says how much there is in all; the formula says what part of it a rank has, and how that is converted as it loads.
    const bytes = stored * (parameterBytes / storedBytes(model, resolved)) + beside;
    const fromHeader = request.weightsBytes === undefined && checkpoint !== undefined;
    return {
      id: 'weights',
      bytes,
      lowBytes: bytes,
      highBytes: bytes + profile.weightsSlackBytes,
      formula: `${gib(stored)} GiB of weights, this rank's part in memory ${gib(bytes - beside)}${besideText} = ${gib(bytes)} GiB`,
      source: fromHeader ? checkpointSource(checkpoint) : 'weights-bytes, as given',
      provenance: fromHeader ? 'header' : 'flag',
      charged: true,
    };
  }
  const bytes = parameterBytes + beside;
  const { below, above } = resolved.quantizedWeightBand;
  return {
    id: 'weights',
    bytes,
    // A family that is not covered may have one matrix less or more in its MLP than its activation suggests.
    lowBytes: bytes - below * weights.layersBytes - (model.generic ? 0.3 * parameterBytes : 0),
    highBytes:
      bytes +
      above * weights.layersBytes +
      (model.generic ? 0.4 * parameterBytes : 0) +
      profile.weightsSlackBytes,
    formula: `layers ${gib(weights.layersBytes)} + embedding ${gib(weights.embeddingBytes)} + head ${gib(weights.headBytes)}${besideText} = ${gib(bytes)} GiB (${resolved.quantization ?? `${resolved.elementBytes} bytes a parameter`}, tensor-parallel ${resolved.tensorParallelSize})`,
    source: `parameters counted from config.json (${model.source})`,
    provenance: 'formula',
    charged: true,
  };
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

function activationTerm(request: EstimateRequest, resolved: ResolvedVllm, stage: PipelineStage): MemoryTerm {
  const { peak } = resolved.profile;
  const activation = activationPeak(request.model, peak, {
    maxNumBatchedTokens: resolved.maxNumBatchedTokens,
    maxNumSeqs: resolved.maxNumSeqs,
    tensorParallelSize: resolved.tensorParallelSize,
    elementBytes: resolved.elementBytes,
    eager: resolved.eager,
    isFirstStage: stage.isFirst,
    isLastStage: stage.isLast,
  });
  const what =
    activation.phase === 'mlp'
      ? `${resolved.maxNumBatchedTokens} tokens through the widest layer`
      : `logits of ${Math.min(resolved.maxNumSeqs, resolved.maxNumBatchedTokens)} sequences`;
  return {
    id: 'activation-peak',
    bytes: activation.bytes,
    lowBytes: activation.lowBytes,
    highBytes: activation.highBytes,
    formula: `${what} and workspaces = ${gib(activation.bytes)} GiB`,
    source: `${peak.source}; ${peak.floorSource}`,
    provenance: 'formula',
    charged: true,
  };
}

function observedTerm(id: string, observed: ObservedBytes, charged: boolean, what: string): MemoryTerm {
  return {
    id,
    bytes: observed.bytes,
    lowBytes: observed.lowBytes,
    highBytes: observed.highBytes,
    formula: `${what}: ${gib(observed.bytes)} GiB seen`,
    source: observed.source,
    provenance: 'measured-run',
    charged,
  };
}
