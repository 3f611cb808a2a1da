import type { SpeedBound } from '../estimate/types.ts';
import { attentionOf } from '../model/facts.ts';
import { type SpeedConstants, vllmSpeed } from './efficiency.ts';
import type { SpeedInput } from './speedInput.ts';

/** The parts of one decode step, milliseconds. */
export interface DecodeStep {
  readonly totalMs: number;
  readonly weightsMs: number;
  readonly kvMs: number;
  readonly computeMs: number;
  readonly launchMs: number;
  readonly sequencesMs: number;
  readonly communicationMs: number;
  readonly bound: SpeedBound;
}

/** Dense peak of one GPU for this element type; float16's where the card has no other. */
export function peakFlops(input: SpeedInput): number {
  const { flopsPerSecond } = input.device;
  const wanted = flopsPerSecond[input.computeType] ?? flopsPerSecond.float16 ?? flopsPerSecond.bfloat16;
  // A card whose peak is not known: memory is then taken to be the limit.
  return wanted ?? Number.POSITIVE_INFINITY;
}

/** One decode step of `running` sequences at `context` tokens each, no prefill beside it. */
export function decodeStep(
  input: SpeedInput,
  running: number,
  context: number,
  constants: SpeedConstants = vllmSpeed,
): DecodeStep {
  const bandwidth = input.device.memoryBytesPerSecond;
  const stages = input.pipelineParallelSize;
  const weightsMs = (1000 * input.weightBytesPerStep) / (bandwidth * constants.weightBandwidth);
  const kvMs = (1000 * running * context * input.kvBytesPerToken) / (bandwidth * constants.kvBandwidth);
  const computeMs =
    (1000 * 2 * (input.linearParameters + headParameters(input)) * running) /
    (input.tensorParallelSize * peakFlops(input) * constants.compute);
  const communicationMs = allReduceMs(input, running, constants);
  const sequencesMs = running * constants.perSequenceMs;
  const onGpu = Math.max(weightsMs, computeMs) + kvMs + communicationMs;
  const launchMs = input.eager ? constants.eagerLayerMs * input.model.layers.length : constants.stepMs;
  // Eager launches overlap with the GPU's work; the slower of the two sets the pace. Stages work one after the other.
  const totalMs =
    (input.eager ? Math.max(onGpu, launchMs) : onGpu + launchMs) +
    sequencesMs +
    (stages - 1) * constants.stepMs;
  return {
    totalMs,
    weightsMs,
    kvMs,
    computeMs,
    launchMs,
    sequencesMs,
    communicationMs,
    bound: boundOf({
      weightsMs,
      kvMs,
      computeMs,
      communicationMs,
      launchMs: launchMs + sequencesMs,
    }),
  };
}

/** Prefill of `tokens` prompt tokens of one request, milliseconds of GPU time. */
export function prefillMs(input: SpeedInput, tokens: number, constants: SpeedConstants = vllmSpeed): number {
  const computeMs = tokens * prefillTokenMs(input, tokens, constants);
  const weightsMs =
    (1000 * input.weightBytesPerStep) / (input.device.memoryBytesPerSecond * constants.weightBandwidth);
  const launchMs = input.eager ? constants.eagerLayerMs * input.model.layers.length : constants.stepMs;
  return Math.max(computeMs, weightsMs, launchMs) + allReduceMs(input, tokens, constants);
}

/** Compute of one prompt token, averaged over a prompt of `promptTokens`, milliseconds. */
export function prefillTokenMs(
  input: SpeedInput,
  promptTokens: number,
  constants: SpeedConstants = vllmSpeed,
): number {
  const { model } = input;
  const attention = attentionOf(model.layers[0]);
  const attentionWidth = attention === undefined ? 0 : attention.queryHeads * attention.headSize;
  // Causal attention: half of the square, twice (scores and values), two operations each.
  const flops = 2 * input.linearParameters + 2 * model.layers.length * promptTokens * attentionWidth;
  return (1000 * flops) / (input.tensorParallelSize * peakFlops(input) * constants.compute);
}

/** Two all-reduces a layer over the hidden state of `tokens` tokens. */
function allReduceMs(input: SpeedInput, tokens: number, constants: SpeedConstants): number {
  const size = input.tensorParallelSize;
  if (size === 1) return 0;
  const link = constants.allReduce[input.device.link];
  const bytes = (tokens * input.model.hiddenSize * 2 * 2 * (size - 1)) / size;
  return 2 * input.model.layers.length * (link.fixedMs + (1000 * bytes) / link.bytesPerSecond);
}

function headParameters(input: SpeedInput): number {
  return input.model.vocabularySize * input.model.hiddenSize;
}

function boundOf(step: {
  weightsMs: number;
  kvMs: number;
  computeMs: number;
  communicationMs: number;
  launchMs: number;
}): SpeedBound {
  const memory = Math.max(step.weightsMs, step.kvMs);
  const most = Math.max(memory, step.computeMs, step.communicationMs, step.launchMs);
  if (most === step.launchMs) return 'launch';
  if (most === step.communicationMs) return 'interconnect';
  return step.computeMs > step.weightsMs && most === step.computeMs ? 'compute' : 'bandwidth';
}
