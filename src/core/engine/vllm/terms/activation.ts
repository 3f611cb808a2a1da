import type { EstimateRequest, MemoryTerm } from '../../../estimate/types.ts';
import { gib, grouped } from '../../../estimate/words.ts';
import { activationPeak, type PeakPhase } from '../../../memory/activationPeak.ts';
import type { PipelineStage } from '../../../memory/pipeline.ts';
import { term } from '../../memoryTerm.ts';
import { padsExperts } from '../quantization.ts';
import type { ResolvedVllm } from '../resolved.ts';
import { encoderPeak } from '../versions/observed.ts';
import { observedTerm } from './observedTerm.ts';

/** The transient peak of the profile run, and the encoder's beside it where there is one. */
export function activationTerms(
  request: EstimateRequest,
  resolved: ResolvedVllm,
  stage: PipelineStage,
): readonly MemoryTerm[] {
  const coefficients = resolved.profile.peak(resolved.runner);
  const { maxNumBatchedTokens, maxNumSeqs } = resolved;
  const peak = activationPeak(request.model, coefficients, {
    maxNumBatchedTokens,
    maxNumSeqs,
    maxModelLen: resolved.maxModelLen ?? resolved.longestContext,
    blockSize: resolved.blockSize,
    tensorParallelSize: resolved.tensorParallelSize,
    dataParallelSize: resolved.dataParallelSize,
    wholeExperts: resolved.expertParallel,
    keepsExpertWorkspace: !padsExperts(resolved.quantization),
    elementBytes: resolved.elementBytes,
    compiled: resolved.graphs.compiled && resolved.runner !== 'V0',
    quantized: resolved.quantizedWeightBytes !== undefined && !padsExperts(resolved.quantization),
    multiprocessors: request.device.multiprocessors,
    stage,
  });
  const what: Readonly<Record<PeakPhase, () => string>> = {
    mlp: () => `${grouped(maxNumBatchedTokens)} tokens through the widest layer`,
    attention: () => `${grouped(maxNumBatchedTokens)} tokens through attention`,
    state: () => `${grouped(maxNumBatchedTokens)} tokens through a gated delta layer`,
    compilation: () => 'the first compilation: an example of the embedding and of two hidden states',
    sampler: () =>
      `logits of ${grouped(Math.min(maxNumSeqs, maxNumBatchedTokens))} sequences x ${grouped(request.model.vocabularySize)} x ${coefficients.samplerBytesPerLogit} bytes`,
  };
  const activation = term({
    id: 'activation-peak',
    bytes: peak.bytes,
    lowBytes: peak.lowBytes,
    highBytes: peak.highBytes,
    formula: () => {
      const experts =
        peak.expertWorkspaceBytes > 0 ? `experts' workspace ${gib(peak.expertWorkspaceBytes)} + ` : '';
      return `${experts}${what[peak.phase]()} and workspaces = ${gib(peak.bytes)} GiB`;
    },
    source: coefficients.source,
    provenance: 'formula',
    charged: true,
  });
  return resolved.encoder && stage.isFirst
    ? [activation, observedTerm('encoder-peak', encoderPeak, true, 'the encoder in the profile run')]
    : [activation];
}
