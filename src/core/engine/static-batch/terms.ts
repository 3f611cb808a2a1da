import type { EstimateRequest, MemoryTerm } from '../../estimate/types.ts';
import { gib, grouped } from '../../estimate/words.ts';
import { checkpointSource } from '../../model/checkpoint.ts';
import { term } from '../memoryTerm.ts';
import type { BatchMemory, SequenceMemory, StageWeights } from './memory.ts';
import { CONTEXT_BYTES, KERNEL_BYTES, staticBatchRecording, WORKSPACE_BYTES } from './observed.ts';
import type { ResolvedStaticBatch } from './resolve.ts';

/** Every part of a rank's memory at the batch, which together are what the GPU shows as used by the process. */
export function batchTerms(
  request: EstimateRequest,
  resolved: ResolvedStaticBatch,
  weights: Pick<StageWeights, 'bytes' | 'blockBytes'>,
  sequence: SequenceMemory,
  memory: BatchMemory,
): readonly MemoryTerm[] {
  const { model } = request;
  const { batchSize, promptTokens, newTokens } = resolved;
  const tokens = promptTokens + newTokens;
  const exact = { provenance: 'formula', charged: true } as const;
  // Only dense layers were measured; experts and states keep other buffers.
  const dense = model.layers.every(
    ({ feedForward, mixers }) =>
      feedForward.kind === 'dense' &&
      mixers.every(({ kind }) => kind === 'full' || kind === 'sliding-window'),
  );
  const activation = Math.max(0, memory.peakBytes - memory.allocatedBytes);
  const activationSlack = (dense ? 0.05 : 1) * batchSize * sequence.activationBytes;
  const fragments = memory.reservedBytes - memory.peakBytes;
  return [
    weightsTerm(request, resolved, weights),
    term({
      id: 'kv-cache',
      bytes: memory.cacheBytes,
      formula: () =>
        `${grouped(batchSize)} requests x ${grouped(tokens)} tokens, ${grouped(sequence.cacheBytes)} bytes a request = ${gib(memory.cacheBytes)} GiB`,
      source: 'keys and values of every layer, from config.json; transformers cache_utils.py, DynamicCache',
      ...exact,
    }),
    term({
      id: 'logits',
      bytes: memory.logitsBytes + batchSize * sequence.maskBytes,
      formula: () =>
        `${grouped(batchSize)} x (vocabulary ${grouped(model.vocabularySize)} x ${resolved.elementBytes} bytes, attention mask ${grouped(sequence.maskBytes)} bytes)`,
      source: 'what generate keeps of the last step',
      ...exact,
    }),
    term({
      id: 'activation-peak',
      bytes: activation,
      lowBytes: Math.max(0, activation - activationSlack),
      highBytes: activation + (memory.peaksInPrefill ? activationSlack : 0),
      formula: () =>
        memory.peaksInPrefill
          ? `prefill: ${grouped(batchSize)} x ${grouped(promptTokens)} tokens through the widest layer, ${gib(batchSize * sequence.activationBytes)} GiB beside the prompt's cache; ${gib(activation)} above what is left at the end`
          : `last step: one layer's keys are copied while the old ones are there, ${gib(activation)} GiB`,
      source: staticBatchRecording,
      ...exact,
    }),
    term({
      id: 'fragmentation',
      bytes: fragments,
      lowBytes: 0,
      highBytes: memory.reservedHighBytes - memory.peakBytes,
      formula: () =>
        `held by torch's allocator and not in use: ${gib(memory.reservedBytes)} reserved, ${gib(memory.peakBytes)} GiB allocated at the peak`,
      source: staticBatchRecording,
      provenance: 'measured-run',
      charged: true,
    }),
    term({
      id: 'workspace',
      bytes: WORKSPACE_BYTES,
      formula: () => '32 MiB of the matrix library',
      source: staticBatchRecording,
      provenance: 'measured-run',
      charged: true,
    }),
    term({
      id: 'non-torch',
      bytes: CONTEXT_BYTES + KERNEL_BYTES.bytes,
      lowBytes: CONTEXT_BYTES + KERNEL_BYTES.lowBytes,
      highBytes: CONTEXT_BYTES + KERNEL_BYTES.highBytes,
      formula: () =>
        `CUDA context ${gib(CONTEXT_BYTES)} GiB and loaded kernels ${gib(KERNEL_BYTES.bytes)} seen`,
      source: staticBatchRecording,
      provenance: 'measured-run',
      charged: true,
    }),
  ];
}

function weightsTerm(
  { model, weightsBytes }: EstimateRequest,
  { linearBytes, elementBytes, tensorParallelSize }: ResolvedStaticBatch,
  { bytes, blockBytes }: Pick<StageWeights, 'bytes' | 'blockBytes'>,
): MemoryTerm {
  const stored = `linear layers ${linearBytes} bytes a weight, the rest ${elementBytes}`;
  // A family that is not covered may have one matrix less or more in its MLP than its activation suggests.
  const counted = model.generic && weightsBytes === undefined && model.checkpoint === undefined;
  return term({
    id: 'weights',
    bytes,
    lowBytes: counted ? 0.7 * bytes : bytes,
    highBytes: counted ? 1.4 * bytes : bytes,
    formula: () =>
      `${gib(bytes)} GiB (${stored}, tensor-parallel ${tensorParallelSize}${blockBytes > 0 ? `; ${gib(blockBytes)} of it the rest of blocks of 2 MiB` : ''})`,
    source:
      weightsBytes !== undefined
        ? 'weights-bytes, as given'
        : model.checkpoint !== undefined
          ? checkpointSource(model.checkpoint)
          : `parameters counted from config.json (${model.source})`,
    provenance: weightsBytes !== undefined ? 'flag' : model.checkpoint !== undefined ? 'header' : 'formula',
    charged: true,
  });
}
