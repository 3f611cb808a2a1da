/** What a search on the host decides by is what the report says of the same trial. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TrialMeasurement } from '../../src/core/sweep/measurement.ts';
import type { LoadProfile } from '../../src/core/sweep/run.ts';
import { summariseTrial } from '../../src/core/sweep/statistics.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const loads = [
  { concurrency: 1 },
  { concurrency: 8 },
  { concurrency: 64 },
  { requestsPerSecond: 20 },
  { requestsPerSecond: 80 },
];
const script = `
import json, sys
from loadline_agent.runs.figures import trial_figures
from searches import parameters, simulated_trial
for load in json.loads(sys.argv[1]):
    trial = simulated_trial(parameters(0.03, 5), load)
    profile = "closed-loop" if "concurrency" in load else "open-loop"
    print(json.dumps({"profile": profile, "trial": trial, "figures": trial_figures(trial, profile)._asdict()}))
`;

interface Line {
  readonly profile: LoadProfile['profile'];
  readonly trial: Pick<TrialMeasurement, 'durationMs' | 'concurrency' | 'requests'>;
  readonly figures: Readonly<Record<string, number>>;
}

const lines = execFileSync('python3', ['-c', script, JSON.stringify(loads)], {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
  env: {
    ...process.env,
    PYTHONPATH: `${root}src/agent:${root}test/bench`,
    PYTHONDONTWRITEBYTECODE: '1',
  },
})
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Line);

describe.each(lines.map((line, index) => [JSON.stringify(loads[index]), line] as const))('%s', (_, line) => {
  const measurement: TrialMeasurement = {
    ...line.trial,
    startedWallMs: 0,
    gaps: { minMs: 0.1, ratio: 1.05, counts: [] },
    failureExamples: [],
    client: { loopLagP99Ms: 0, cpuSeconds: 1, wallSeconds: 1, events: 1, bound: false },
    warmupRequests: 0,
  };
  const result = summariseTrial(measurement, null, { profile: line.profile } as LoadProfile);

  it('has the same latencies', () => {
    expect(line.figures['ttft_p95_ms']).toBeCloseTo(result.ttftMs.p95 ?? Number.NaN, 6);
    expect(line.figures['tpot_p95_ms']).toBeCloseTo(result.tpotMs.p95 ?? Number.NaN, 6);
  });

  it('has the same throughput, to what their windows differ by', () => {
    const share = (line.figures['system_tokens_per_second'] ?? 0) / (result.systemTokensPerSecond ?? 1);
    expect(share).toBeGreaterThan(0.97);
    expect(share).toBeLessThan(1.03);
    const perQuery =
      (line.figures['per_query_tokens_per_second'] ?? 0) / (result.perQueryTokensPerSecond ?? 1);
    expect(perQuery).toBeGreaterThan(0.97);
    expect(perQuery).toBeLessThan(1.03);
  });
});
