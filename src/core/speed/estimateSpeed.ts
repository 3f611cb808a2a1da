import type { SpeedEstimate } from '../estimate/types.ts';
import { dollarsPerMillion } from './cost.ts';
import { speedEfficiency, speedEvidence } from './efficiencies.ts';
import type { SpeedEfficiency } from './efficiency.ts';
import { decodeStep, expertShare, prefillMs, prefillRate, type StepTime } from './roofline.ts';
import type { SpeedInput } from './speedInput.ts';

/**
 * Speeds under a steady load of `batch` requests at once, dealt evenly to the data-parallel replicas. TPOT: a decode step of all running
 * requests and, in it, the share of the others' prompts: each of them is read once while this one decodes. TTFT: one prompt beside the
 * running requests, behind the half of a step that is under way. Requests that the KV cache has no room for wait; the
 * bound is then `kv`. Draft tokens save steps; what they save is not estimated.
 */
export function estimateSpeed(
  input: SpeedInput,
  efficiency: SpeedEfficiency = speedEfficiency(input),
): SpeedEstimate {
  const { batch, inputTokens, outputTokens } = input.load;
  const perRequest = inputTokens + outputTokens;
  const replicas = input.dataParallelSize;
  const room = Math.min(Math.floor(input.kvTokens / perRequest), input.maxNumSeqs);
  const asked = Math.ceil(batch / replicas);
  // Where nothing fits, the speed of a single request still says what the GPU could do.
  const running = Math.max(1, Math.min(asked, room));
  // Each stage of a pipeline works on its own part of the requests.
  const together = Math.ceil(running / input.pipelineParallelSize);
  const context = inputTokens + outputTokens / 2;
  const step = decodeStep(input, together, context, efficiency);
  const alone = prefillMs(input, inputTokens, efficiency);
  const others = together - 1;
  const beside = others === 0 ? alone : prefillMs(input, inputTokens, efficiency, others, context);
  const promptShareMs =
    others === 0
      ? 0
      : (others / outputTokens) * Math.max(0, beside - step.totalMs * promptSteps(input, others));
  const tpotMs = step.totalMs + promptShareMs;
  const ttftMs = efficiency.requestMs + beside + (others === 0 ? 0 : step.totalMs / 2);
  // All requests that are under way, in all replicas.
  const inFlight = Math.min(batch, running * replicas);
  const rate = prefillRate(input, inputTokens, asked, efficiency);
  const prefillTokensPerSecond = replicas * rate;
  const ttftAllAtOnceMs = Math.max(
    ttftMs,
    efficiency.requestMs + (1000 * ((running + 1) / 2) * inputTokens) / rate,
  );
  const decodeTokensPerSecond = (1000 * inFlight) / tpotMs;
  const systemTokensPerSecond =
    (1000 * inFlight * outputTokens) / (ttftMs + Math.max(0, outputTokens - 1) * tpotMs);
  const { evidence, relativeBand } = speedEvidence(input, efficiency);
  const band = (value: number): readonly [number, number] => [
    value * (1 - relativeBand),
    value * (1 + relativeBand),
  ];
  return {
    batch,
    inputTokens,
    outputTokens,
    prefillTokensPerSecond,
    ttftMs,
    ttftAllAtOnceMs,
    tpotMs,
    decodeTokensPerSecond,
    systemTokensPerSecond,
    activeWeightBytes: activeWeightBytes(input, together),
    dollarsPerMillionTokens: dollarsPerMillion(input, (systemTokensPerSecond * perRequest) / outputTokens),
    dollarsPerMillionOutputTokens: dollarsPerMillion(input, systemTokensPerSecond),
    bound: running < asked ? 'kv' : step.bound,
    bands: {
      prefillTokensPerSecond: band(prefillTokensPerSecond),
      ttftMs: band(ttftMs),
      tpotMs: band(tpotMs),
      decodeTokensPerSecond: band(decodeTokensPerSecond),
      systemTokensPerSecond: band(systemTokensPerSecond),
    },
    evidence,
    get formula() {
      return stepFormula(step, together, promptShareMs);
    },
    get source() {
      return input.speculative
        ? `${efficiency.source}; what draft tokens save is not estimated`
        : efficiency.source;
    },
  };
}

/** Steps that a prompt takes beside others: each is a decode step of theirs as well. */
function promptSteps({ load, maxNumBatchedTokens }: SpeedInput, others: number): number {
  return Math.ceil(load.inputTokens / Math.max(1, maxNumBatchedTokens - others));
}

/** Weights that one decode step reads on a rank, bytes: of the experts, those that some token is expected to choose. */
function activeWeightBytes(
  { dense, head, experts, dataParallelSize }: SpeedInput,
  sequences: number,
): number {
  const routed =
    experts === undefined
      ? 0
      : experts.bytes * expertShare(experts.experts, experts.activeExperts, sequences * dataParallelSize);
  return dense.bytes + head.bytes + routed;
}

function stepFormula(step: StepTime, sequences: number, promptShareMs: number): string {
  const ms = (value: number) => value.toFixed(2);
  return `step of ${sequences}: weights ${ms(step.weightsMs)} beside compute ${ms(step.computeMs)} + KV ${ms(step.cacheMs)} + launch ${ms(step.launchMs)} + sequences ${ms(step.sequencesMs)} + links ${ms(step.communicationMs)} ms = ${ms(step.totalMs)}; others' prompts ${ms(promptShareMs)} ms`;
}
