import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TrialMeasurement } from '../../../src/core/sweep/measurement.ts';
import type { OpenLoopProfile } from '../../../src/core/sweep/run.ts';
import { summariseTrial } from '../../../src/core/sweep/statistics.ts';
import { requestFlow, tokenFlow } from '../../../src/core/sweep/tokenFlow.ts';
import { closedLoop, randomFrom } from './simulatedLoad.ts';

const steady = { concurrency: 16, requests: 320, seed: 1, stepMs: 10, correlation: 0, noise: 0.05 };

describe('the window of a trial', () => {
  it('leaves out the first wave and the drain: the rate is that of the full batch, which the whole duration underrates', () => {
    const result = summariseTrial(closedLoop({ ...steady, firstWaveTtftMs: 800 }), null);
    expect(result.systemTokensPerSecond).toBeCloseTo(1600, -2);
    expect(Math.abs((result.systemTokensPerSecond ?? 0) / 1600 - 1)).toBeLessThan(0.01);
    expect(result.overallTokensPerSecond).toBeLessThan(1600 * 0.96);
    expect(result.window?.warmupCutMs).toBeGreaterThan(800);
    expect(result.window?.drainCutMs).toBeGreaterThan(500);
    // 16 of 320 waited for the first prompts together: of the p95 nothing is theirs.
    expect(result.ttftMs.p95).toBeLessThan(20);
    expect(result.checks).toMatchObject({ stationary: true, clientBound: false });
    expect(result.checks?.littleResidual).toBeLessThan(0.05);
  });

  it('begins later where the first part alone was slow, and then is steady', () => {
    const slowStart = closedLoop({ ...steady, drift: (share) => (share < 0.3 ? 1.6 : 1) });
    const result = summariseTrial(slowStart, null);
    expect(result.checks?.stationary).toBe(true);
    expect(Math.abs((result.systemTokensPerSecond ?? 0) / 1600 - 1)).toBeLessThan(0.02);
    expect(result.window?.warmupCutMs).toBeGreaterThan(0.3 * slowStart.durationMs);
  });

  it('is not steady where the server slows down all the time, with the reason', () => {
    const result = summariseTrial(closedLoop({ ...steady, drift: (share) => 1 + share }), null);
    expect(result.checks?.stationary).toBe(false);
    expect(result.checks?.notes.join(' ')).toMatch(/halves differ by \d/);
  });

  it('is called steady of a steady server nearly always', () => {
    let unsteady = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const { checks } = summariseTrial(closedLoop({ ...steady, seed, correlation: 0.9, noise: 0.2 }), null);
      if (checks?.stationary === false) unsteady++;
    }
    expect(unsteady).toBeLessThanOrEqual(4);
  });

  it('is none where there are hardly two rounds: counts and times are of the whole then', () => {
    const result = summariseTrial(closedLoop({ ...steady, requests: 24 }), null);
    expect(result.window).toBeUndefined();
    expect(result.checks?.stationary).toBeNull();
    expect(result.systemTokensPerSecond).toBe(result.overallTokensPerSecond);
  });
});

describe('tokens by time', () => {
  it('are all there at the end, none before the start, and never fewer later, by buckets and by requests', () => {
    const measurement = closedLoop({ ...steady, requests: 64 });
    const total = measurement.requests.outputTokens.reduce<number>((sum, count) => sum + (count ?? 0), 0);
    for (const flow of [tokenFlow(measurement), requestFlow(measurement.requests)]) {
      expect(flow.before(0)).toBe(0);
      expect(flow.before(measurement.durationMs * 1.1)).toBeCloseTo(total, 6);
      fc.assert(
        fc.property(fc.double({ min: -10, max: 20_000, noNaN: true }), fc.nat(5000), (ms, later) => {
          expect(flow.before(ms + later)).toBeGreaterThanOrEqual(flow.before(ms) - 1e-6);
        }),
      );
    }
  });
});

describe('requests that failed', () => {
  it('give no tokens to the throughput, though the client counted those that came', () => {
    const measurement = closedLoop(steady);
    const whole = summariseTrial(measurement, null);
    const failure = measurement.requests.failure.map((_, at) =>
      at % 4 === 0 ? ('error-in-stream' as const) : null,
    );
    const some = summariseTrial(
      { ...measurement, requests: { ...measurement.requests, failure } },
      { ttftP95Ms: 1e9 },
    );
    for (const figure of ['systemTokensPerSecond', 'requestsPerSecond', 'overallTokensPerSecond'] as const)
      expect((some[figure] ?? 0) / (whole[figure] ?? 1)).toBeCloseTo(0.75, 1);
    expect(some.goodput).toBeCloseTo(some.requestsPerSecond ?? 0, 9);
  });
});

/** Requests due each second that each take 0.9 s of one server: `factor` above 1.1 is more than it can do. */
function openLoop(factor: number, requests = 200): TrialMeasurement {
  const random = randomFrom(11);
  const [sentMs, scheduledMs, ttftMs, e2eMs] = [[], [], [], []] as number[][] as [
    number[],
    number[],
    number[],
    number[],
  ];
  let due = 0;
  let free = 0;
  for (let at = 0; at < requests; at++) {
    due += (1000 / factor) * (0.9 + 0.2 * random());
    // At most one in flight: the client sends late, as a cap on concurrency makes it.
    const sent = Math.max(due, free);
    free = sent + 900;
    scheduledMs.push(due);
    sentMs.push(sent);
    ttftMs.push(100);
    e2eMs.push(900);
  }
  return {
    ...closedLoop({ concurrency: 1, requests: 1, seed: 1, stepMs: 1 }),
    durationMs: free,
    concurrency: null,
    requests: {
      sentMs,
      scheduledMs,
      ttftMs,
      e2eMs,
      inputTokens: sentMs.map(() => 200),
      outputTokens: sentMs.map(() => 100),
      chunks: sentMs.map(() => 100),
      failure: sentMs.map(() => null),
    },
    tokensInWindow: { bucketMs: 1000, tokens: [] },
  };
}

const profile: OpenLoopProfile = {
  profile: 'open-loop',
  requestsPerSecond: 1,
  arrivals: 'constant',
  requests: 200,
  warmupRequests: 0,
  input: { kind: 'fixed', tokens: 200 },
  output: { kind: 'fixed', tokens: 100 },
  api: 'completions',
  prompt: 'token-ids',
  seed: 1,
};

describe('coordinated omission', () => {
  it('is shown: times from sending stay as they are, times from schedule grow with the backlog', () => {
    const result = summariseTrial(openLoop(2), { ttftP95Ms: 500 }, profile);
    expect(result.ttftMs.p95).toBe(100);
    expect(result.queueDelayMs?.p95).toBeGreaterThan(10_000);
    expect(result.e2eFromScheduleMs?.p50).toBeGreaterThan(5000);
    expect(result.goodput).toBeLessThan(0.1);
    expect(result.checks?.stationary).toBe(false);
    expect(result.checks?.notes.join(' ')).toContain('in flight rises');
  });

  it('is none below the capacity', () => {
    const result = summariseTrial(openLoop(0.8), { ttftP95Ms: 500 }, profile);
    expect(result.queueDelayMs?.p95).toBe(0);
    expect(result.ttftFromScheduleMs).toEqual(result.ttftMs);
    expect(result.goodput).toBeCloseTo(0.8, 1);
    expect(result.checks?.stationary).toBe(true);
  });
});

describe('checks of a trial', () => {
  it("find what breaks Little's law: a client that did not keep the concurrency", () => {
    const measurement = closedLoop({ ...steady, requests: 320 });
    const result = summariseTrial({ ...measurement, concurrency: 20 }, null);
    expect(result.checks?.littleResidual).toBeGreaterThan(0.15);
    expect(result.checks?.notes.join(' ')).toContain("Little's law is missed by");
    expect(result.checks?.consistent).toBe(false);
  });

  it('forgive a client that samples the requests in flight, and one that takes a moment between two requests', () => {
    const open = openLoop(0.8);
    const random = randomFrom(2);
    // True in-flight is 0.72 on the whole; a sample says 0 or 1.
    const values = Array.from({ length: 2400 }, () => (random() < 0.75 ? 1 : 0));
    const sampled = summariseTrial({ ...open, inFlight: { bucketMs: 100, values } }, null, profile);
    expect(sampled.checks?.littleResidual).toBeGreaterThan(0);
    expect(sampled.checks?.consistent).toBe(true);
    const wrong = summariseTrial(
      { ...open, inFlight: { bucketMs: 100, values: values.map((value) => 2 * value) } },
      null,
      profile,
    );
    expect(wrong.checks?.consistent).toBe(false);
    const quick = closedLoop({ ...steady, stepMs: 0.5 });
    const slow = summariseTrial({ ...quick, concurrency: 17 }, null);
    expect(slow.checks).toMatchObject({ consistent: true, littleResidual: expect.closeTo(1 / 17, 2) });
  });

  it('find lengths that are not those asked for, and forgive chance', () => {
    const load = { ...profile, profile: 'closed-loop', concurrency: 16 } as const;
    const exact = summariseTrial(closedLoop(steady), null, {
      ...load,
      output: { kind: 'normal', mean: 100, deviation: 10 },
    });
    expect(exact.checks?.notes).toEqual([]);
    expect(exact.checks?.inputLengthMiss).toBe(0);
    const short = summariseTrial(closedLoop(steady), null, {
      ...load,
      output: { kind: 'fixed', tokens: 150 },
    });
    expect(short.checks?.outputLengthMiss).toBeCloseTo(1 / 3, 1);
    expect(short.checks?.notes.join(' ')).toContain('150 were asked for');
  });

  it('count tokens per event, and each copy by itself', () => {
    const measurement = closedLoop(steady);
    const { requests } = measurement;
    const result = summariseTrial(
      {
        ...measurement,
        requests: {
          ...requests,
          chunks: requests.chunks.map((chunks) => chunks / 4),
          engine: requests.sentMs.map((_, at) => at % 2),
        },
      },
      null,
    );
    expect(result.tokensPerChunk).toBe(4);
    expect(result.perEngine?.map(({ engine, requests: count }) => [engine, count])).toEqual([
      [0, 160],
      [1, 160],
    ]);
    const shares = result.perEngine?.map(({ systemTokensPerSecond }) => systemTokensPerSecond ?? 0) ?? [];
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(result.systemTokensPerSecond ?? 0, -1);
  });
});
