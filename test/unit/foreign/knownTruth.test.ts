/** Five clients measured one server that answers with a TTFT of 50 ms and a gap of 20 ms: what differs is the client's own error. */
import { describe, expect, it } from 'vitest';
import { recorded, theRun, theTrial } from './files.ts';

const truth = { ttftMs: 50, itlMs: 20 } as const;

interface Seen {
  readonly version: string | null;
  readonly requests: number;
  /** How far above the truth its median TTFT is, milliseconds. */
  readonly ttftErrorMs: number;
  readonly tokensPerSecond: number;
}

const clients: Readonly<Record<string, Seen>> = {
  'vllm-bench-serve': { version: null, requests: 64, ttftErrorMs: 5.9, tokensPerSecond: 1569 },
  aiperf: { version: '0.13.0', requests: 64, ttftErrorMs: 10.7, tokensPerSecond: 1503 },
  guidellm: { version: '0.8.1', requests: 56, ttftErrorMs: 7.3, tokensPerSecond: 1303 },
  'inference-perf': { version: null, requests: 64, ttftErrorMs: 0.8, tokensPerSecond: 1390 },
  'genai-bench': { version: '0.0.5', requests: 64, ttftErrorMs: 33.9, tokensPerSecond: 1255 },
};

describe.each(Object.entries(clients))('%s', (tool, seen) => {
  const run = theRun(recorded(tool));
  const trial = theTrial(run);

  it('is one cell at concurrency 32 with every request', () => {
    expect(run.cells.map(({ label }) => label)).toEqual(['concurrency 32']);
    expect(trial.requests).toMatchObject({ ok: seen.requests, failed: 0 });
    expect(trial.tokens.output).toBe(100 * seen.requests);
    expect(run.origin?.version).toBe(seen.version);
    expect(run.mode).toBe('measured');
  });

  it('shows its error in TTFT, and TPOT to half a percent whatever it calls it', () => {
    expect((trial.ttftMs.p50 ?? 0) - truth.ttftMs).toBeCloseTo(seen.ttftErrorMs, 0);
    for (const value of [trial.tpotMs.mean, trial.tpotMs.p50])
      expect(Math.abs((value ?? 0) / truth.itlMs - 1)).toBeLessThan(0.011);
    expect(trial.systemTokensPerSecond).toBeCloseTo(seen.tokensPerSecond, -1);
  });

  it('has gaps between events only where the client wrote them', () => {
    const has = ['vllm-bench-serve', 'aiperf', 'inference-perf'].includes(tool);
    if (has) expect(Math.abs((trial.itlMs.p50 ?? 0) / truth.itlMs - 1)).toBeLessThan(0.001);
    else expect(trial.itlMs.p50).toBeNull();
  });

  it('has no percentile that so few requests cannot certify, and says so', () => {
    expect(trial.ttftMs.p95).toBeNull();
    expect(trial.ttftMs.p99).toBeNull();
    expect(run.origin?.notes.join(' ')).toMatch(/cannot certify are left out: .*p99 takes 662/);
  });

  it('says what its words mean, and that its client and GPU are not known', () => {
    expect(trial.client).toBeNull();
    expect(run.device).toBe('not known');
    expect(trial.aggregatedBy).toBe(tool === 'inference-perf' ? 'inference-perf' : undefined);
  });
});

it('single requests and the tool’s own aggregates of them agree', () => {
  const whole = theTrial(theRun(recorded('aiperf')));
  for (const end of ['.json', '.csv']) {
    const alone = theTrial(theRun(recorded('aiperf').filter(({ name }) => name.endsWith(end))));
    expect(alone.aggregatedBy).toBe('aiperf');
    expect(alone.ttftMs.mean).toBeCloseTo(whole.ttftMs.mean ?? 0, 1);
    expect(alone.tpotMs.mean).toBeCloseTo(whole.tpotMs.mean ?? 0, 1);
    expect(alone.itlMs.mean).toBeCloseTo(whole.itlMs.mean ?? 0, 1);
    expect(alone.e2eMs.p50).toBeCloseTo(whole.e2eMs.p50 ?? 0, -1);
    expect(alone.systemTokensPerSecond).toBeCloseTo(whole.systemTokensPerSecond ?? 0, -1);
    expect(alone.tokens).toEqual(whole.tokens);
  }
});
