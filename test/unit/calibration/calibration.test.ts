import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Calibration,
  type CalibrationEntry,
  noCalibration,
  parseCalibration,
  withoutLastStep,
  withStep,
} from '../../../src/core/calibration/calibration.ts';
import { calibrationEntry } from '../../../src/core/calibration/entry.ts';
import type { MeasuredStart } from '../../../src/core/estimate/compare.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { estimateSensitivity } from '../../../src/core/estimate/sensitivity.ts';
import type { DeploymentEstimate, EstimateRequest } from '../../../src/core/estimate/types.ts';
import { GiB } from '../../../src/core/units.ts';
import {
  calibratedWorkspace,
  calibrationPath,
  readCalibration,
  writeCalibration,
} from '../../../src/storage/calibrationFile.ts';
import { request } from '../core/fixtures.ts';

const llama = 'meta-llama/Llama-3.1-8B-Instruct';
const asked = request(llama, 'h200', { 'max-model-len': 8192 });
const predicted = estimate(asked);
const termOf = (one: DeploymentEstimate, id: string) => {
  const found = one.perRank[0]?.terms.find((term) => term.id === id);
  if (found === undefined) throw new Error(`no term ${id}`);
  return found;
};

/** A start whose peak and non-torch memory are so many bytes more than what is predicted. */
function measured(peakMore: number, nonTorchMore: number, of = predicted): MeasuredStart {
  const peak = termOf(of, 'activation-peak').bytes + peakMore;
  const nonTorch = termOf(of, 'non-torch').bytes + nonTorchMore;
  return {
    weightsBytes: termOf(of, 'weights').bytes,
    activationPeakBytes: peak,
    nonTorchBytes: nonTorch,
    graphBytes: null,
    graphEstimateBytes: null,
    requestedBytes: null,
    availableKvBytes: (of.perRank[0]?.availableKvBytes ?? 0) - peakMore - nonTorchMore,
    numGpuBlocks: null,
    kvTokens: null,
    maxConcurrency: null,
  };
}

function entry(start: MeasuredStart, source: string, of = predicted): CalibrationEntry {
  const made = calibrationEntry(start, of, { kind: 'log', source });
  if (made === undefined) throw new Error('nothing to learn');
  return made;
}

const calibrationOf = (...entries: CalibrationEntry[]): Calibration =>
  withStep(noCalibration, { at: '2026-11-25T00:00:00Z', entries });
const corrected = (calibration: Calibration, of: EstimateRequest = asked) => estimate({ ...of, calibration });

describe('a log that prints what is left for the KV cache and no peak', () => {
  const more = 0.4 * GiB;
  const quiet = { ...measured(more, 0), activationPeakBytes: null, nonTorchBytes: null };
  const available = (one: DeploymentEstimate) => one.perRank[0]?.availableKvBytes ?? 0;

  it('corrects the peak by what the other terms leave of the difference', () => {
    const now = corrected(calibrationOf(entry(quiet, 'serve.log:1')));
    expect(Math.abs(available(now) - (available(predicted) - more))).toBeLessThan(8);
    expect(termOf(now, 'activation-peak')).toMatchObject({ provenance: 'log-line' });
    expect(termOf(now, 'non-torch')).toEqual(termOf(predicted, 'non-torch'));
  });

  it('counts with the share of the memory that the engine ran with', () => {
    const share = Number(predicted.resolved['gpu-memory-utilization']);
    const less = ((share - 0.8) / share) * (predicted.perRank[0]?.requestedBytes ?? 0);
    const start = {
      ...quiet,
      gpuMemoryUtilization: 0.8,
      availableKvBytes: (quiet.availableKvBytes ?? 0) - less,
    };
    const now = corrected(calibrationOf(entry(start, 'serve.log:1')));
    expect(Math.abs(available(now) - (available(predicted) - more))).toBeLessThan(8);
  });

  it('learns nothing of the peak where the cache was given outright', () => {
    const given = request(llama, 'h200', { 'max-model-len': 8192, 'kv-cache-memory-bytes': 8 * GiB });
    const sized = estimate(given);
    expect(entry({ ...quiet, availableKvBytes: 8 * GiB }, 'serve.log:1', sized).residuals).toEqual([
      expect.objectContaining({ term: 'weights' }),
    ]);
  });
});

describe('a measured start corrects the estimate', () => {
  const [peakMore, nonTorchMore] = [0.4 * GiB, 0.1 * GiB];
  const learned = calibrationOf(entry(measured(peakMore, nonTorchMore), 'serve.log:1'));

  it('to what was measured: terms, KV memory, tokens and concurrency', () => {
    const now = corrected(learned);
    const lost = peakMore + nonTorchMore;
    const before = predicted.perRank[0]?.availableKvBytes ?? 0;
    expect(termOf(now, 'activation-peak').bytes).toBeCloseTo(
      termOf(predicted, 'activation-peak').bytes + peakMore,
      -1,
    );
    expect(Math.abs((now.perRank[0]?.availableKvBytes ?? 0) - (before - lost))).toBeLessThan(8);
    const block = predicted.kv.bytesPerTokenPerRank * predicted.kv.blockSize;
    expect(predicted.kv.numBlocks - now.kv.numBlocks).toBeGreaterThanOrEqual(Math.floor(lost / block));
    expect(predicted.kv.numBlocks - now.kv.numBlocks).toBeLessThanOrEqual(Math.ceil(lost / block) + 1);
    expect(now.kv.maxConcurrency).toBeLessThan(predicted.kv.maxConcurrency);
    expect(now.resolved).toEqual(predicted.resolved);
  });

  it('says so, with the log and a band no wider than its rounding', () => {
    const term = termOf(corrected(learned), 'activation-peak');
    expect(term.provenance).toBe('log-line');
    expect(term.source).toContain('serve.log:1');
    expect(term.highBytes - term.lowBytes).toBeLessThanOrEqual(0.0101 * GiB);
    expect(term.lowBytes).toBeLessThanOrEqual(term.bytes);
    expect(term.highBytes).toBeGreaterThanOrEqual(term.bytes);
  });

  it('corrects what each step of a flag would give, from the same start', () => {
    const { kv } = corrected(learned);
    const steps = estimateSensitivity({ ...asked, calibration: learned });
    expect(steps.length).toBeGreaterThan(3);
    for (const { kvTokens, kvTokensDelta } of steps) expect(kvTokens - kvTokensDelta).toBe(kv.tokens);
  });

  it('by the median of several, with their scatter as the band', () => {
    const several = calibrationOf(
      entry(measured(0.3 * GiB, 0), 'a.log:1'),
      entry(measured(0.4 * GiB, 0), 'b.log:1'),
      entry(measured(2 * GiB, 0), 'c.log:1'),
    );
    const term = termOf(corrected(several), 'activation-peak');
    expect((term.bytes - termOf(predicted, 'activation-peak').bytes) / GiB).toBeCloseTo(0.4, 5);
    expect((term.highBytes - term.bytes) / GiB).toBeGreaterThan(1.5);
  });

  it('counts a log once, however often it is read', () => {
    const again = withStep(learned, {
      at: '2026-11-25T01:00:00Z',
      entries: [entry(measured(0, 0), 'serve.log:1')],
    });
    expect(corrected(again).perRank[0]?.availableKvBytes).toBe(predicted.perRank[0]?.availableKvBytes);
    expect(corrected(withoutLastStep(again))).toEqual(corrected(learned));
  });

  it('turns the verdict where it must', () => {
    const tooMuch = (predicted.perRank[0]?.availableKvBytes ?? 0) + GiB;
    const full = corrected(calibrationOf(entry(measured(tooMuch, 0), 'full.log:1')));
    expect(full.verdict.outcome).toBe('does-not-fit');
    expect(full.kv.tokens).toBe(0);
  });

  it.each([
    ['another GPU', request(llama, 'h100', { 'max-model-len': 8192 })],
    ['another minor version', { ...asked, deployment: { ...asked.deployment, engineVersion: '0.19.1' } }],
    ['more ranks', { ...request(llama, 'h200', { 'tensor-parallel-size': 2 }), gpuCount: 2 }],
    ['another family', request('Qwen/Qwen3-8B', 'h200')],
  ])('not for %s', (_, other) => {
    expect(corrected(learned, other)).toEqual(estimate(other));
  });

  it('for another model of the family: non-torch as bytes, the peak in proportion, weights not at all', () => {
    const other = request('meta-llama/Llama-3.2-1B-Instruct', 'h200');
    const heavier = { ...measured(peakMore, nonTorchMore), weightsBytes: 20 * GiB };
    const [plain, now] = [estimate(other), corrected(calibrationOf(entry(heavier, 'serve.log:1')), other)];
    expect(termOf(now, 'weights')).toEqual(termOf(plain, 'weights'));
    expect((termOf(now, 'non-torch').bytes - termOf(plain, 'non-torch').bytes) / GiB).toBeCloseTo(0.1, 4);
    const [then, ratio] = [
      termOf(predicted, 'activation-peak').bytes,
      termOf(now, 'activation-peak').bytes / termOf(plain, 'activation-peak').bytes,
    ];
    expect(ratio).toBeCloseTo((then + peakMore) / then, 4);
  });

  it('leaves alone what is predicted within the rounding of the log', () => {
    const agreeing = calibrationOf(entry(measured(0.003 * GiB, 0), 'serve.log:1'));
    expect(corrected(agreeing).perRank[0]?.availableKvBytes).toBe(predicted.perRank[0]?.availableKvBytes);
  });
});

describe('the file', () => {
  const learned = calibrationOf(entry(measured(0.4 * GiB, 0), 'serve.log:1'));
  const workspace = () => mkdtempSync(join(tmpdir(), 'loadline-calibration-'));

  it('comes back as it was written, is found from below, and stays out of commits', async () => {
    const folder = workspace();
    await writeCalibration(folder, learned);
    const read = await readCalibration(folder);
    expect(read.ok && read.value).toEqual(learned);
    await mkdir(join(folder, 'a', 'b'), { recursive: true });
    expect(calibratedWorkspace(join(folder, 'a', 'b'))).toBe(folder);
    expect(readFileSync(join(folder, '.loadline', '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('is empty where there is none, and a problem where it is torn or not one', async () => {
    const folder = workspace();
    expect(await readCalibration(folder)).toMatchObject({ ok: true, value: noCalibration });
    await writeCalibration(folder, learned);
    const whole = readFileSync(calibrationPath(folder), 'utf8');
    writeFileSync(calibrationPath(folder), whole.slice(0, whole.length / 2));
    expect(await readCalibration(folder)).toMatchObject({
      ok: false,
      problems: [{ code: 'calibration.torn' }],
    });
    for (const wrong of [
      null,
      [],
      {},
      { schema: 2, steps: [] },
      { schema: 1, steps: [{ at: 'x', entries: [{}] }] },
    ]) {
      expect(parseCalibration(wrong)).toMatchObject({
        ok: false,
        problems: [{ code: 'calibration.bad-file' }],
      });
    }
  });
});
