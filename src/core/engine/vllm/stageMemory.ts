import type { EstimateRequest, MemoryTerm, RankEstimate } from '../../estimate/types.ts';
import { modelTraits } from '../../memory/layerGroups.ts';
import type { PipelineStage } from '../../memory/pipeline.ts';
import { remembered } from '../../memory/remember.ts';
import { type RankWeights, rankWeights } from '../../memory/weights.ts';
import type { ModelFacts } from '../../model/facts.ts';
import type { ResolvedVllm } from './resolved.ts';
import { activationTerms } from './terms/activation.ts';
import { draftTerms, loraTerms, samplerStateTerms } from './terms/features.ts';
import { graphTerms } from './terms/graphs.ts';
import { observedTerm } from './terms/observedTerm.ts';
import { weightStorage, weightsTerm } from './terms/weights.ts';
import { contextBytes, nonTorchBytes } from './versions/observed.ts';

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
  const { profile, runner, tensorParallelSize, pipelineParallelSize } = resolved;
  const { weights, terms: modelTerms } = modelMemory(request, resolved, stage);
  const terms: MemoryTerm[] = [
    ...modelTerms,
    observedTerm(
      'non-torch',
      nonTorchBytes(profile, runner, tensorParallelSize, pipelineParallelSize),
      true,
      'buffers of the CUDA libraries and NCCL after the snapshot',
    ),
    ...graphTerms(request, resolved),
    observedTerm(
      'context',
      contextBytes(tensorParallelSize),
      false,
      'CUDA context, there before the engine takes its snapshot',
    ),
  ];
  let chargedBytes = 0;
  for (const term of terms) if (term.charged) chargedBytes += term.bytes;
  const share = resolved.totalBytes * resolved.gpuMemoryUtilization;
  const asked = profile.roundsRequestUp ? Math.ceil(share) : Math.floor(share);
  const availableKvBytes = resolved.kvCacheMemoryBytes ?? asked - chargedBytes;
  return {
    weights,
    terms,
    // A cache size that is given outright replaces the request.
    requestedBytes: resolved.kvCacheMemoryBytes === undefined ? asked : chargedBytes + availableKvBytes,
    availableKvBytes,
  };
}

interface ModelMemory {
  readonly weights: RankWeights;
  readonly terms: readonly MemoryTerm[];
}

const remember = remembered<ModelFacts, ModelMemory>();

/** The terms that follow from the model and the batch, and not from how much memory there is. */
function modelMemory(request: EstimateRequest, resolved: ResolvedVllm, stage: PipelineStage): ModelMemory {
  const make = (): ModelMemory => {
    const weights = rankWeights(request.model, stage, weightStorage(resolved));
    return {
      weights,
      terms: [
        weightsTerm(request, resolved, weights),
        ...loraTerms(request, resolved, stage),
        ...draftTerms(request, resolved, stage),
        ...samplerStateTerms(request, resolved, stage),
        ...activationTerms(request, resolved, stage),
      ],
    };
  };
  const { lora, speculation } = resolved;
  if (lora !== undefined || speculation !== undefined) return make();
  const values = [
    stage.first,
    stage.end,
    resolved.profile.release,
    resolved.runner,
    request.device.multiprocessors,
    request.weightsBytes,
    resolved.maxNumSeqs,
    resolved.maxNumBatchedTokens,
    // Latent attention alone reckons with the context.
    modelTraits(request.model).latent ? (resolved.maxModelLen ?? undefined) : 0,
    resolved.blockSize,
    resolved.tensorParallelSize,
    resolved.dataParallelSize,
    resolved.prefillContextParallelSize,
    resolved.expertParallel,
    resolved.elementBytes,
    resolved.kv.format?.elementBytes,
    resolved.graphs.compiled,
    resolved.encoder,
    resolved.encoderReplicated,
    resolved.offloadBytes,
    resolved.quantization,
    resolved.quantizedWeightBytes,
    resolved.expertPadding?.hiddenMultiple,
    resolved.expertPadding?.widthMultiple,
    resolved.quantizedWeightBand.above,
  ];
  return remember(request.model, values, make);
}

export function rankEstimate(
  rank: number,
  memory: StageMemory,
  { totalBytes, freeBytes }: ResolvedVllm,
): RankEstimate {
  return {
    rank,
    terms: memory.terms,
    requestedBytes: memory.requestedBytes,
    totalBytes,
    ...(freeBytes === undefined ? undefined : { freeBytes }),
    availableKvBytes: memory.availableKvBytes,
  };
}
