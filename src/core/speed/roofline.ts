import type { SpeedBound } from '../estimate/types.ts';
import { entriesSeen, pairsSeen } from './cacheReads.ts';
import { communicationMs } from './communication.ts';
import { speedEfficiency } from './efficiencies.ts';
import type { SpeedEfficiency } from './efficiency.ts';
import type { ComputeType, SpeedInput, WeightReads } from './speedInput.ts';

/** One forward pass: sequences that decode a token each at a context, and prompts, or parts of them, beside them. */
export interface Forward {
  readonly sequences: number;
  /** Tokens of context of each, the mean. */
  readonly context: number;
  readonly prompts: number;
  /** Of each prompt in this step. */
  readonly promptTokens: number;
  /** Tokens of each prompt which the cache has already. */
  readonly promptBefore: number;
}

/** The parts of one forward pass, milliseconds. */
export interface StepTime {
  readonly totalMs: number;
  /** Weights at the bandwidth that is reached, and their products at the FLOPS that are reached: the longer is most of `linearMs`. */
  readonly weightsMs: number;
  readonly computeMs: number;
  readonly linearMs: number;
  /** Reading the cache, and attention's operations where they take longer. */
  readonly cacheMs: number;
  readonly launchMs: number;
  readonly sequencesMs: number;
  readonly communicationMs: number;
  readonly bound: SpeedBound;
}

/** How sharply the slower of two overlapping things wins: 1 adds them, infinity takes the longer. Kernels overlap in part. */
const OVERLAP = 2.5;

/** Time of two things that overlap in part. */
function overlapped(a: number, b: number): number {
  const longer = Math.max(a, b);
  if (longer === 0) return 0;
  const ratio = Math.min(a, b) / longer;
  // A fiftieth adds less than a ten-thousandth.
  if (ratio < 0.02) return longer;
  return longer * (1 + ratio ** OVERLAP) ** (1 / OVERLAP);
}

/** Dense peak of one GPU for an element type; 16 bit where the card has no narrower one. Infinity where none is known: memory is then taken to be the limit. */
export function peakFlops({ device }: SpeedInput, type: ComputeType): number {
  const { flopsPerSecond } = device;
  return (
    flopsPerSecond[type] ??
    (type === 'fp4' ? flopsPerSecond.fp8 : undefined) ??
    flopsPerSecond.float16 ??
    flopsPerSecond.bfloat16 ??
    Number.POSITIVE_INFINITY
  );
}

/** Parts of all experts that so many tokens choose, each `active` of `experts`, were the choice even: 1 - (1 - k/E)^n. */
export function expertShare(experts: number, active: number, tokens: number): number {
  return 1 - (1 - active / experts) ** tokens;
}

/** One forward pass of every rank. The roofline of Williams et al. (CACM 2009) a part, with launches and links beside. */
export function forwardTime(
  input: SpeedInput,
  forward: Forward,
  efficiency: SpeedEfficiency = speedEfficiency(input),
): StepTime {
  const { sequences, prompts } = forward;
  const tokens = sequences + prompts * forward.promptTokens;
  const linear = linearTime(input, forward, efficiency);
  const { linearMs } = linear;
  const overBusMs = hostMs(input);
  const weightsMs = linear.weightsMs + overBusMs;
  const attention = attentionTime(input, forward, efficiency);
  const linksMs = communicationMs(input, tokens, efficiency);
  const sequencesMs =
    (sequences + prompts) * (input.asyncScheduling ? efficiency.sequenceMs : efficiency.syncSequenceMs);
  const gapsMs = gapsBetweenKernelsMs(input, efficiency);
  const onGpuMs = linearMs + overBusMs + attention.cacheMs + attention.computeMs + linksMs + gapsMs;
  // Eager launches overlap with the GPU's work; the slower of the two sets the pace.
  const eagerMs = input.eager ? efficiency.eagerLayerMs * input.model.layers.length : 0;
  const launchMs = gapsMs + efficiency.stepMs + Math.max(0, eagerMs - onGpuMs);
  const totalMs = Math.max(onGpuMs, eagerMs) + efficiency.stepMs + sequencesMs;
  const computeMs = linear.computeMs + attention.computeMs;
  return {
    totalMs,
    weightsMs,
    computeMs,
    linearMs,
    cacheMs: attention.cacheMs,
    launchMs,
    sequencesMs,
    communicationMs: linksMs,
    bound: boundOf(weightsMs, computeMs, attention.cacheMs, linksMs, launchMs + sequencesMs),
  };
}

function gapsBetweenKernelsMs({ model, experts }: SpeedInput, efficiency: SpeedEfficiency): number {
  const { layerMs, expertLayerMs, fp8ExpertLayerMs } = efficiency;
  const dense = model.layers.length * layerMs;
  if (experts === undefined) return dense;
  return dense + experts.layers * (expertLayerMs + (experts.computeType === 'fp8' ? fp8ExpertLayerMs : 0));
}

interface LinearTime {
  weightsMs: number;
  computeMs: number;
  linearMs: number;
}

/** Linear layers: the weights that one rank reads, and its products with them. */
function linearTime(
  input: SpeedInput,
  { sequences, prompts, promptTokens }: Forward,
  efficiency: SpeedEfficiency,
): LinearTime {
  const { dense, experts, head } = input;
  const tokens = sequences + prompts * promptTokens;
  const ranks = input.tensorParallelSize;
  const time: LinearTime = { weightsMs: 0, computeMs: 0, linearMs: 0 };
  const denseShare = computeEfficiency(efficiency, dense.computeType, efficiency.compute);
  addPart(time, input, efficiency, dense, dense.bytes, (2 * dense.parameters * tokens) / ranks, denseShare);
  // Of a prompt, the last token alone is asked for what comes next.
  const headFlops = (2 * head.parameters * (sequences + prompts)) / ranks;
  addPart(time, input, efficiency, head, head.bytes, headFlops, efficiency.compute);
  if (experts !== undefined) {
    // The experts of all replicas see the tokens of all of them.
    const routed = tokens * input.dataParallelSize;
    const bytes = experts.bytes * expertShare(experts.experts, experts.activeExperts, routed);
    const active = experts.activeExperts / experts.experts;
    const flops = (2 * experts.parameters * active * routed) / experts.ranks;
    const share = computeEfficiency(efficiency, experts.computeType, efficiency.expertCompute);
    addPart(time, input, efficiency, experts, bytes, flops, share);
  }
  return time;
}

function addPart(
  time: LinearTime,
  input: SpeedInput,
  efficiency: SpeedEfficiency,
  { computeType }: WeightReads,
  bytes: number,
  flops: number,
  computeShare: number,
): void {
  const bytesMs = (1000 * bytes) / (input.device.memoryBytesPerSecond * efficiency.bandwidth);
  const flopsMs = (1000 * flops) / (peakFlops(input, computeType) * computeShare);
  time.weightsMs += bytesMs;
  time.computeMs += flopsMs;
  time.linearMs += overlapped(bytesMs, flopsMs);
}

function computeEfficiency({ narrowCompute }: SpeedEfficiency, type: ComputeType, share: number): number {
  return type === 'fp8' || type === 'fp4' ? share * narrowCompute : share;
}

/** Cache reads and writes of the decoding sequences, and attention's operations on them and in the prompt. */
function attentionTime(
  input: SpeedInput,
  { sequences, context, prompts, promptTokens, promptBefore }: Forward,
  efficiency: SpeedEfficiency,
): { readonly cacheMs: number; readonly computeMs: number } {
  let bytes = 2 * sequences * input.cache.stateBytes;
  let decodeFlops = 0;
  let prefillFlops = 0;
  for (const reads of input.cache.attentions) {
    if (sequences > 0) {
      const seen = sequences * entriesSeen(reads, context);
      bytes += seen * reads.bytesPerEntry;
      decodeFlops += seen * reads.decodeFlopsPerEntry;
    }
    if (prompts > 0) {
      prefillFlops += prompts * pairsSeen(reads, promptBefore, promptTokens) * reads.prefillFlopsPerEntry;
    }
  }
  const peak = (peakFlops(input, 'bfloat16') * efficiency.compute) / 1000;
  const cacheMs = (1000 * bytes) / (input.device.memoryBytesPerSecond * efficiency.kvBandwidth);
  return { cacheMs: overlapped(cacheMs, decodeFlops / peak), computeMs: prefillFlops / peak };
}

/** Weights that are kept in host memory pass the bus each step. */
function hostMs({ hostBytes, device }: SpeedInput): number {
  return hostBytes === 0 ? 0 : (1000 * hostBytes) / (device.pcie?.bytesPerSecond ?? 16e9);
}

/** One decode step of `sequences` at `context` tokens each, no prompt beside it. */
export function decodeStep(
  input: SpeedInput,
  sequences: number,
  context: number,
  efficiency: SpeedEfficiency = speedEfficiency(input),
): StepTime {
  return forwardTime(input, { sequences, context, prompts: 0, promptTokens: 0, promptBefore: 0 }, efficiency);
}

/** Prefill of a prompt of one request, cut to steps of `max_num_batched_tokens`, beside `sequences` that decode: milliseconds. */
export function prefillMs(
  input: SpeedInput,
  tokens: number,
  efficiency: SpeedEfficiency = speedEfficiency(input),
  sequences = 0,
  context = 0,
): number {
  const most = Math.max(1, input.maxNumBatchedTokens - sequences);
  let totalMs = 0;
  const whole = Math.floor(tokens / most);
  const rest = tokens - whole * most;
  if (whole > 0) {
    // Attention grows with what came before: the mean of the first and the last whole step stands for all.
    const step = (promptBefore: number) =>
      forwardTime(input, { sequences, context, prompts: 1, promptTokens: most, promptBefore }, efficiency)
        .totalMs;
    totalMs += (whole * (step(0) + step((whole - 1) * most))) / 2;
  }
  if (rest > 0) {
    totalMs += forwardTime(
      input,
      { sequences, context, prompts: 1, promptTokens: rest, promptBefore: whole * most },
      efficiency,
    ).totalMs;
  }
  return totalMs;
}

/** Prompt tokens a second where `waiting` prompts of so many tokens are there at once: a step takes as many as it has room for. */
export function prefillRate(
  input: SpeedInput,
  tokens: number,
  waiting: number,
  efficiency: SpeedEfficiency = speedEfficiency(input),
): number {
  const together = Math.min(waiting, Math.floor(input.maxNumBatchedTokens / tokens));
  if (together < 2) return (1000 * tokens) / prefillMs(input, tokens, efficiency);
  const step = forwardTime(
    input,
    { sequences: 0, context: 0, prompts: together, promptTokens: tokens, promptBefore: 0 },
    efficiency,
  );
  return (1000 * together * tokens) / step.totalMs;
}

function boundOf(
  weightsMs: number,
  computeMs: number,
  cacheMs: number,
  linksMs: number,
  launchMs: number,
): SpeedBound {
  const most = Math.max(weightsMs, computeMs, cacheMs, linksMs, launchMs);
  if (most === launchMs) return 'launch';
  if (most === linksMs) return 'interconnect';
  if (most === cacheMs) return 'kv-traffic';
  return most === computeMs ? 'compute' : 'bandwidth';
}
