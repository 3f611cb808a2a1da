import type { SpeedEfficiency } from './efficiency.ts';
import type { SpeedInput } from './speedInput.ts';

/** Bytes of an element of activations on the links. */
const ACTIVATION_BYTES = 2;

/**
 * Links of one forward pass over `tokens` tokens, milliseconds. Tensor parallel: two all-reduces of the hidden state a layer, by
 * the ring's 2(n-1)/n. Experts over data-parallel replicas: the tokens of all of them are gathered and their sums scattered.
 * Pipelines: the hidden state and the residual from stage to stage.
 */
export function communicationMs(input: SpeedInput, tokens: number, efficiency: SpeedEfficiency): number {
  const { tensorParallelSize, pipelineParallelSize, dataParallelSize, experts } = input;
  if (tensorParallelSize * pipelineParallelSize * dataParallelSize === 1) return 0;
  const stateBytes = tokens * input.model.hiddenSize * ACTIVATION_BYTES;
  const { fixedMs, doublingMs, bytesPerMs } = linkOf(input, efficiency);
  const startMs = (ranks: number) => fixedMs + doublingMs * Math.log2(ranks);
  let totalMs = 0;
  if (tensorParallelSize > 1) {
    const bytes = (2 * stateBytes * (tensorParallelSize - 1)) / tensorParallelSize;
    totalMs += 2 * input.model.layers.length * (startMs(tensorParallelSize) + bytes / bytesPerMs);
  }
  if (experts !== undefined && dataParallelSize > 1) {
    const bytes = (dataParallelSize - 1) * stateBytes;
    totalMs += 2 * experts.layers * (startMs(dataParallelSize) + bytes / bytesPerMs);
  }
  if (pipelineParallelSize > 1) {
    totalMs += (pipelineParallelSize - 1) * (startMs(2) + (2 * stateBytes) / bytesPerMs);
  }
  return totalMs;
}

/** The link between GPUs of one node: the vendor's own, or the bus. */
function linkOf(
  { device }: SpeedInput,
  { links }: SpeedEfficiency,
): { readonly fixedMs: number; readonly doublingMs: number; readonly bytesPerMs: number } {
  const { fabric } = device;
  if (device.link === 'nvlink' && fabric !== undefined) {
    return {
      ...links.fabric,
      bytesPerMs: (fabric.bytesPerSecond * links.fabric.bandwidth) / 1000,
    };
  }
  return {
    ...links.pcie,
    bytesPerMs: ((device.pcie?.bytesPerSecond ?? 16e9) * links.pcie.bandwidth) / 1000,
  };
}
