/** Plans, contexts and measurements for the tests of sweeps. */
import { parse } from 'yaml';
import { findDevice } from '../../../src/core/device/catalogue.ts';
import { findServerLaunch } from '../../../src/core/engine/serverLaunches.ts';
import { knownModel } from '../../../src/core/model/known.ts';
import type { Result } from '../../../src/core/result.ts';
import type { TrialMeasurement } from '../../../src/core/sweep/measurement.ts';
import type { PlanContext } from '../../../src/core/sweep/planContext.ts';
import { canonicalFlags } from '../../../src/core/sweep/planFlags.ts';
import { planSchema, type SweepPlan } from '../../../src/core/sweep/planSchema.ts';

export const chatPlan = `name: chat-test
question: chat
hosts: [this-machine]
gpu: h100-sxm-80gb
engine: { name: vllm, version: "0.26.0" }
model: meta-llama/Llama-3.2-1B-Instruct
deployment:
  flags:
    max-model-len: 4096
load:
  - concurrency: [1, 2, 4]
    requests: 140
    input: { mean: 200, deviation: 40 }
    output: { mean: 100, deviation: 10 }
slo: { ttftP95Ms: 500, perQueryTokensPerSecond: 10 }
`;

export const rehearsalContext: PlanContext = {
  model: knownModel('meta-llama/Llama-3.2-1B-Instruct') ?? null,
  device: findDevice('h100-sxm-80gb') ?? null,
  mode: 'rehearsal',
};

/** A plan that uses what this version may not cover yet. */
export function planOf(text: string): SweepPlan {
  const plan = planSchema.parse(parse(text));
  const launch = findServerLaunch(plan.engine.name);
  if (launch === undefined) throw new Error(plan.engine.name);
  const { plan: canonical, problems } = canonicalFlags(plan, launch);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return canonical;
}

export function mustBe<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.value;
}

export interface MadeRequest {
  readonly ttftMs: number;
  readonly tpotMs: number;
  readonly outputTokens: number | null;
  readonly failed?: boolean;
}

/** A measurement whose requests ran one after the other. */
export function measurementOf(
  made: readonly MadeRequest[],
  more: Partial<TrialMeasurement> = {},
): TrialMeasurement {
  let clock = 0;
  const sentMs: number[] = [];
  const e2eMs: (number | null)[] = [];
  for (const request of made) {
    sentMs.push(clock);
    const e2e = request.ttftMs + request.tpotMs * ((request.outputTokens ?? 1) - 1);
    e2eMs.push(request.failed ? null : e2e);
    clock += e2e;
  }
  const unless = <T>(of: (request: MadeRequest) => T) =>
    made.map((request) => (request.failed ? null : of(request)));
  return {
    startedWallMs: 1_700_000_000_000,
    durationMs: clock,
    concurrency: 1,
    requests: {
      sentMs,
      ttftMs: unless(({ ttftMs }) => ttftMs),
      e2eMs,
      inputTokens: unless(() => 200),
      outputTokens: unless(({ outputTokens }) => outputTokens),
      chunks: made.map(({ outputTokens }) => outputTokens ?? 0),
      failure: made.map(({ failed }) => (failed ? 'http-status' : null)),
    },
    gaps: { minMs: 0.01, ratio: 1.01, counts: [[500, 100]] },
    failureExamples: [],
    client: { loopLagP99Ms: 0.2, cpuSeconds: 0.1, wallSeconds: 1, events: 1000, bound: false },
    warmupRequests: 0,
    ...more,
  };
}

export function sameRequests(count: number, request: MadeRequest): MadeRequest[] {
  return Array.from({ length: count }, () => request);
}
