/** A trial in which the load generator really was the limit (test/fixtures/client-bound). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TrialMeasurement } from '../../../src/core/sweep/measurement.ts';
import type { LoadProfile } from '../../../src/core/sweep/run.ts';
import { summariseTrial } from '../../../src/core/sweep/statistics.ts';
import { whyOf } from '../../../src/core/sweep/why.ts';
import { standing } from '../../../webview/sweep/cellFigures.ts';
import { answerOf, madeCell } from './madeCells.ts';

const { load, measurement } = JSON.parse(
  readFileSync(new URL('../../fixtures/client-bound/trial.json', import.meta.url), 'utf8'),
) as { readonly load: LoadProfile; readonly measurement: TrialMeasurement };
const trial = summariseTrial(measurement, { ttftP95Ms: 500 }, load);
const cell = madeCell('concurrency 256', [], {
  concurrency: 256,
  trials: [trial],
  meetsServiceLevel: true,
});

describe('a load generator at its limit', () => {
  it('gave figures that are not the server’s, and says so itself', () => {
    expect(trial.requests).toMatchObject({ ok: 1024, failed: 0 });
    // 20 and 119 ms are true.
    expect(trial.ttftMs.p50).toBeGreaterThan(25);
    expect(trial.e2eMs.p50).toBeGreaterThan(200);
    expect(trial.checks?.clientBound).toBe(true);
    expect(trial.checks?.notes.join(' ')).toMatch(
      /Client-bound: its loop was busy 92 % of the time; it came to/,
    );
  });

  it('is the verdict of its cell, with the evidence, and the cell is in no answer', () => {
    const limits = { pcieBytesPerSecond: null, nvlinkBytesPerSecond: null, smClockMHz: null };
    const why = whyOf({ cell, telemetry: undefined, metrics: undefined, limits, predicted: 'bandwidth' });
    expect(why.bound).toBe('client');
    expect(why.evidence[0]).toMatch(/^The load generator: its loop was busy 92 %/);
    expect(standing(cell)).toBe('client-bound');
    const slower = madeCell('concurrency 8', [900], { concurrency: 8, meetsServiceLevel: true });
    const answer = answerOf('chat', [slower, cell], { limits: { ttftP95Ms: 500 } });
    expect(answer).toMatch(/^8 is the largest concurrency/);
    expect(answer).toContain('Above it, concurrency 256 is client-bound, so the limit may lie higher.');
    expect(answer).toContain('Left out: 1 client-bound');
  });
});
