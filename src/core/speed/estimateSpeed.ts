import type { SpeedEstimate } from '../estimate/types.ts';
import { type SpeedConstants, vllmSpeed } from './efficiency.ts';
import { decodeStep, prefillMs } from './roofline.ts';
import type { SpeedInput } from './speedInput.ts';

/**
 * Speeds under a steady load of `batch` requests at once. TTFT: one request's prefill, behind the decode step under way. TPOT: a
 * decode step of all running requests and, in it, the share of the others' prefills. Requests that the KV cache has no
 * room for wait; the bound is then `kv`.
 */
export function estimateSpeed(input: SpeedInput, constants: SpeedConstants = vllmSpeed): SpeedEstimate {
  const { batch, inputTokens, outputTokens } = input.load;
  const perRequest = inputTokens + outputTokens;
  const room = Math.min(Math.floor(input.kvTokens / perRequest), input.maxNumSeqs);
  // Where nothing fits, the speed of a single request still says what the GPU could do.
  const running = Math.max(1, Math.min(batch, room));
  const context = inputTokens + outputTokens / 2;
  const step = decodeStep(input, running, context, constants);
  const prefill = prefillMs(input, inputTokens, constants);
  const interference = ((running - 1) / outputTokens) * prefill;
  const tpotMs = step.totalMs + interference;
  const ttftMs = constants.requestMs + prefill + (running > 1 ? step.totalMs : 0);
  // From eight requests on prefills run back to back; the time of one long chunk states the rate.
  const prefillTokensPerSecond = (1000 * inputTokens) / prefill;
  const decodeTokensPerSecond = (1000 * running) / tpotMs;
  const band = (value: number): readonly [number, number] => [
    value * (1 - constants.relativeBand),
    value * (1 + constants.relativeBand),
  ];
  return {
    batch,
    inputTokens,
    outputTokens,
    prefillTokensPerSecond,
    ttftMs,
    tpotMs,
    decodeTokensPerSecond,
    bound: running < batch ? 'kv' : step.bound,
    bands: {
      prefillTokensPerSecond: band(prefillTokensPerSecond),
      ttftMs: band(ttftMs),
      tpotMs: band(tpotMs),
      decodeTokensPerSecond: band(decodeTokensPerSecond),
    },
    formula: `step of ${running}: max(weights ${step.weightsMs.toFixed(2)}, compute ${step.computeMs.toFixed(2)}) + KV ${step.kvMs.toFixed(2)} + launch ${step.launchMs.toFixed(2)} + sequences ${step.sequencesMs.toFixed(2)} + links ${step.communicationMs.toFixed(2)} ms; prefills beside it ${interference.toFixed(2)} ms`,
    source: constants.source,
  };
}
