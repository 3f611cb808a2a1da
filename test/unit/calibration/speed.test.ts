/** What runs measured of speed corrects later estimates of it. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  type Calibration,
  type CalibrationEntry,
  noCalibration,
  parseCalibration,
  withStep,
} from '../../../src/core/calibration/calibration.ts';
import { calibrationEntry } from '../../../src/core/calibration/entry.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../../src/core/estimate/types.ts';
import { errorWords } from '../../../src/core/sweep/runCalibration.ts';
import { readRunEnvironment } from '../../../src/protocol/runEnvironment.ts';
import { calibrateByRun } from '../../../src/storage/calibrateRun.ts';
import { readCalibration } from '../../../src/storage/calibrationFile.ts';
import { resolveModel } from '../../../src/storage/modelFolder.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { recordedRun, recordedRunsFolder } from '../../tools/recordedRuns.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';
import { request } from '../core/fixtures.ts';

const load = { inputTokens: 512, outputTokens: 128 };
const asked = (batch: number, model = 'meta-llama/Llama-3.1-8B-Instruct', device = 'h200') => ({
  ...request(model, device, { 'max-model-len': 8192 }),
  load: { ...load, batch },
});
const speedOf = (one: EstimateRequest, calibration?: Calibration) =>
  estimate(calibration === undefined ? one : { ...one, calibration }).speed;

/** A run whose loads took so many times as long as predicted. */
function measuredTimes(ratios: Readonly<Record<number, number>>, of = asked): CalibrationEntry {
  const speed = Object.entries(ratios).map(([batch, ratio]) => {
    const { tpotMs, ttftMs } = speedOf(of(Number(batch)));
    const time = (predicted: number) => ({ predicted, measured: predicted * ratio, halfWidth: 0 });
    return { batch: Number(batch), ...load, tpotMs: time(tpotMs), ttftMs: time(ttftMs) };
  });
  const nothing = {
    ...{ weightsBytes: null, activationPeakBytes: null, nonTorchBytes: null, graphBytes: null },
    ...{ graphEstimateBytes: null, requestedBytes: null, availableKvBytes: null, numGpuBlocks: null },
    ...{ kvTokens: null, maxConcurrency: null },
  };
  const entry = calibrationEntry(nothing, estimate(of(1)), { kind: 'run', source: 'chat/engine.log' }, speed);
  if (entry === undefined) throw new Error('nothing to learn');
  return entry;
}

const calibrationOf = (...entries: CalibrationEntry[]): Calibration =>
  withStep(noCalibration, { at: '2026-11-25T00:00:00Z', entries });

describe('a speed that was measured', () => {
  const calibration = calibrationOf(measuredTimes({ 1: 1.5, 16: 2 }));

  it('is the estimate for that load, with a band of the measurement and its provenance', () => {
    for (const [batch, ratio] of [
      [1, 1.5],
      [16, 2],
    ] as const) {
      const [plain, now] = [speedOf(asked(batch)), speedOf(asked(batch), calibration)];
      expect(now.tpotMs).toBeCloseTo(ratio * plain.tpotMs, 9);
      expect(now.ttftMs).toBeCloseTo(ratio * plain.ttftMs, 9);
      expect(now.systemTokensPerSecond).toBeCloseTo(plain.systemTokensPerSecond / ratio, 6);
      expect(now.decodeTokensPerSecond).toBeCloseTo(plain.decodeTokensPerSecond / ratio, 6);
      expect(now.evidence).toBe('measured');
      expect(now.source).toMatch(/^chat\/engine\.log; /);
      expect(now.bands.tpotMs[1] - now.bands.tpotMs[0]).toBeLessThan(0.1 * now.tpotMs);
    }
  });

  it('lies between those of fewer and of more requests at once', () => {
    const ratio = (batch: number) => speedOf(asked(batch), calibration).tpotMs / speedOf(asked(batch)).tpotMs;
    const ratios = [1, 2, 4, 8, 16].map(ratio);
    expect(ratios).toEqual([...ratios].sort((one, other) => one - other));
    expect(ratios[2]).toBeCloseTo(Math.sqrt(1.5 * 2), 9);
    const { bands, tpotMs } = speedOf(asked(4), calibration);
    expect(bands.tpotMs[0]).toBeLessThan(tpotMs / 1.1);
  });

  it('goes on as at the nearest beyond them, with a band that is no narrower than before', () => {
    const [plain, now] = [speedOf(asked(24)), speedOf(asked(24), calibration)];
    expect(now.tpotMs).toBeCloseTo(2 * plain.tpotMs, 9);
    const width = ([low, high]: readonly [number, number]) => (high - low) / (high + low);
    expect(width(now.bands.tpotMs)).toBeCloseTo(width(plain.bands.tpotMs), 9);
  });

  it('carries over to other flags of the same model with the band of the estimate', () => {
    const quantized = {
      ...asked(16),
      deployment: { ...asked(16).deployment, flags: { 'max-model-len': 8192, quantization: 'fp8' } },
    };
    const [plain, now] = [speedOf(quantized), speedOf(quantized, calibration)];
    expect(now.tpotMs).toBeCloseTo(2 * plain.tpotMs, 9);
    expect(now.bands.tpotMs[0]).toBeCloseTo(2 * plain.bands.tpotMs[0], 9);
  });

  it('says nothing of another GPU, another family, another number of ranks or a far longer time', () => {
    const others = [
      asked(16, 'meta-llama/Llama-3.1-8B-Instruct', 'h100'),
      asked(16, 'Qwen/Qwen3-8B'),
      asked(16, 'meta-llama/Llama-3.3-70B-Instruct'),
      {
        ...asked(16),
        gpuCount: 2,
        deployment: { ...asked(16).deployment, flags: { 'tensor-parallel-size': 2 } },
      },
    ];
    for (const other of others) expect(speedOf(other, calibration)).toEqual(speedOf(other));
  });

  it('is the middle of several runs', () => {
    const three = [1.4, 1.5, 2.5].map((ratio, at) => ({
      ...measuredTimes({ 8: ratio }),
      source: `run-${at}`,
    }));
    const now = speedOf(asked(8), calibrationOf(...three));
    expect(now.tpotMs).toBeCloseTo(1.5 * speedOf(asked(8)).tpotMs, 9);
    expect(now.source).toMatch(/^median of 3, run-1/);
    expect(now.bands.tpotMs[1]).toBeGreaterThan(1.3 * now.tpotMs);
  });

  it('is read back as it was written, and a damaged one is refused by its place', () => {
    expect(parseCalibration(JSON.parse(JSON.stringify(calibration)))).toMatchObject({
      ok: true,
      value: calibration,
    });
    const damaged = JSON.parse(JSON.stringify(calibration));
    damaged.steps[0].entries[0].speed[1].tpotMs.measured = 'fast';
    expect(parseCalibration(damaged)).toMatchObject({
      problems: [{ code: 'calibration.bad-file', path: ['steps', 0, 'entries', 0] }],
    });
  });
});

describe('a chat sweep of vLLM on an H100, whose host set the pace', async () => {
  const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
  const workspace = temporaryFolder('speed-calibration');
  const directory = join(workspace, 'chat');
  cpSync(join(fixtures, recordedRunsFolder, 'chat'), directory, { recursive: true });
  mkdirSync(join(workspace, 'llama'));
  cpSync(join(fixtures, 'vllm-0.26-h200/models/llama-3.2-1b.json'), join(workspace, 'llama/config.json'));
  const planText = readFileSync(join(directory, 'plan.yaml'), 'utf8').replace(
    '/tmp/m',
    join(workspace, 'llama'),
  );
  const plan = parseSweepPlan(planText).result;
  const environment = readRunEnvironment(readFileSync(join(directory, 'environment.json'), 'utf8'));
  const results = await recordedRun(fixtures, 'chat');

  it('brings estimates of its loads to what was measured, and says the error before and after', async () => {
    if (!plan.ok || !environment.ok) throw new Error('the fixture cannot be read');
    const { cells } = environment.value.context;
    const calibrated = await calibrateByRun({ workspace, directory }, plan.value, { results, cells });
    if (!calibrated.ok) throw new Error(calibrated.problems[0]?.message);
    const sentences = calibrated.value.errors.map(errorWords);
    expect(sentences).toEqual([
      expect.stringMatching(/^available KV cache of 1 start was predicted 0\.0\d+ % off, now 0\.0\d+ %\.$/),
      'TPOT of 7 loads was predicted 53 % off, now 0 %.',
      'TTFT of 7 loads was predicted 88 % off, now 0 %.',
    ]);
    const kept = await readCalibration(workspace);
    expect(kept.ok && kept.value.steps[0]?.entries[0]?.speed?.map(({ batch }) => batch)).toEqual([
      1, 2, 4, 8, 16, 32, 64,
    ]);
    expect(await calibrateByRun({ workspace, directory }, plan.value, { results, cells })).toMatchObject({
      value: { again: 1 },
    });
  });

  it('predicts each of its loads from the others better than the plain estimate does', async () => {
    const kept = await readCalibration(workspace);
    const entry = kept.ok ? kept.value.steps[0]?.entries[0] : undefined;
    const model = await resolveModel(join(workspace, 'llama'), [workspace]);
    if (!model.ok || entry === undefined) throw new Error('not calibrated');
    const off = (entry.speed ?? []).map(({ batch, inputTokens, outputTokens, tpotMs }) => {
      const others = { ...entry, speed: (entry.speed ?? []).filter((one) => one.batch !== batch) };
      const one = {
        ...request('meta-llama/Llama-3.1-8B-Instruct', 'h100-sxm-80gb', {
          'max-model-len': 4096,
          'max-num-seqs': 64,
        }),
        model: { ...model.value, id: entry.model },
        load: { batch, inputTokens, outputTokens },
      };
      const now = speedOf(one, calibrationOf(others)).tpotMs;
      return {
        before: Math.abs(speedOf(one).tpotMs / (tpotMs?.measured ?? 1) - 1),
        after: Math.abs(now / (tpotMs?.measured ?? 1) - 1),
      };
    });
    for (const { before, after } of off) expect(after).toBeLessThan(before);
    const mean = (of: (one: (typeof off)[number]) => number) =>
      off.reduce((sum, one) => sum + of(one), 0) / 7;
    expect(mean(({ before }) => before)).toBeGreaterThan(0.5);
    expect(mean(({ after }) => after)).toBeLessThan(0.13);
  });
});
