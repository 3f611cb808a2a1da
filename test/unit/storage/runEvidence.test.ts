import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { noCalibration, withStep } from '../../../src/core/calibration/calibration.ts';
import { findDevice } from '../../../src/core/device/catalogue.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { knownModel } from '../../../src/core/model/known.ts';
import { cellEstimateRequest } from '../../../src/core/sweep/cellEstimate.ts';
import { expandPlan } from '../../../src/core/sweep/cells.ts';
import { withEvidence } from '../../../src/core/sweep/evidence.ts';
import { type RunContext, resultsFromJournal } from '../../../src/core/sweep/results.ts';
import { calibrationOfRun } from '../../../src/core/sweep/runCalibration.ts';
import type { JournalRecord } from '../../../src/protocol/agentJournal.ts';
import { readEngineLogs, readRunEvidence } from '../../../src/storage/runEvidence.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';
import { measurementOf, mustBe, sameRequests } from '../sweep/plans.ts';

// The deployment that the recorded log is of: defaults of vLLM's Python class, written out.
const planText = `name: recorded
hosts: [gpu-01]
engine: { name: vllm, version: "0.26.0" }
model: meta-llama/Llama-3.1-8B-Instruct
deployment:
  flags: { max-model-len: 8192, max-num-batched-tokens: 16384, max-num-seqs: 1024 }
load: [{ concurrency: 1, requests: 150, input: 200, output: 100 }]
`;
const plan = mustBe(parseSweepPlan(planText).result);
const context = {
  mode: 'measured' as const,
  model: knownModel('meta-llama/Llama-3.1-8B-Instruct') ?? null,
  device: findDevice('h200') ?? null,
};
const cells = mustBe(expandPlan(plan, context));
const [cell] = cells;
if (cell === undefined) throw new Error('the plan has no cell');
const { engineKey } = cell;
const log = `engine-${engineKey}.log`;
const startedWallMs = 1_700_000_000_000;

const runContext: RunContext = {
  run: '20260101T000000Z-recorded',
  name: 'recorded',
  mode: 'measured',
  host: 'gpu-01',
  engine: { name: 'vllm', version: null },
  model: plan.model,
  device: 'h200-sxm-141gb',
  question: null,
  serviceLevel: null,
  repeats: 1,
  cells,
};

function journal(logName = log): JournalRecord[] {
  const measurement = measurementOf(sameRequests(150, { ttftMs: 20, tpotMs: 5, outputTokens: 100 }), {
    startedWallMs,
  });
  const records: object[] = [
    { type: 'engine-starting', engineKey, cell: cell?.id, command: [], log: logName, simulated: false },
    { type: 'engine-ready', engineKey, startupSeconds: 64, version: '0.26.0' },
    { type: 'cell-started', cell: cell?.id, trial: 0 },
    { type: 'trial-measured', cell: cell?.id, trial: 0, simulated: false, measurement },
    { type: 'cell-done', cell: cell?.id },
    { type: 'run-finished', outcome: 'completed', message: null },
  ];
  return records.map(
    (record, seq) => ({ ...record, seq, monotonicMs: seq, wallMs: startedWallMs + seq }) as JournalRecord,
  );
}

/** A run folder with a real start's log, and telemetry and metrics that were made for it. */
function runFolder(): string {
  const folder = temporaryFolder('evidence');
  const recorded = new URL('../../fixtures/logs/vllm-0.26-h200-llama31-8b.log', import.meta.url);
  copyFileSync(fileURLToPath(recorded), join(folder, log));
  const header = {
    type: 'telemetry-header',
    schema: 1,
    source: 'nvml',
    recorded: false,
    hostname: 'gpu-01',
    intervalMs: 1000,
    startedWallMs,
    startedMonotonicMs: 0,
    gpus: [
      {
        index: 0,
        uuid: 'GPU-0',
        name: 'NVIDIA H200',
        memoryTotalBytes: 1,
        memoryUsedBytes: 0,
        powerLimitWatts: 700,
      },
    ],
    gpuColumns: ['powerWatts', 'smActivePercent', 'dramActivePercent', 'tensorActivePercent'],
    hostColumns: ['cpuPercent'],
  };
  const ticks = Array.from({ length: 80 }, (_, at) => ({
    type: 'telemetry',
    seq: at,
    monotonicMs: 1000 * at,
    wallMs: startedWallMs + 1000 * at,
    gpus: [[400, 90, 68, 5]],
    host: [3],
  }));
  const lines = [header, ...ticks].map((line) => JSON.stringify(line));
  // The last line is torn, as a crash leaves it.
  writeFileSync(join(folder, 'telemetry.jsonl'), `${lines.join('\n')}\n{"type":"telemetry","seq":8`);
  const sample = (at: number) => ({
    type: 'engine-metrics',
    monotonicMs: at,
    wallMs: startedWallMs + at,
    engineKey,
    instance: 0,
    running: 1,
    waiting: 0,
    kvUsage: 0.01,
    preemptions: 0,
    promptTokens: at,
    generationTokens: at,
    prefixCacheHits: 0,
    prefixCacheQueries: at,
  });
  const metrics = [{ type: 'metrics-header', schema: 1, names: [] }, sample(5000), sample(10_000)];
  writeFileSync(join(folder, 'metrics.jsonl'), `${metrics.map((line) => JSON.stringify(line)).join('\n')}\n`);
  return folder;
}

describe('what lies beside the journal', () => {
  it('says of a cell why it is so fast, what it used, and what had been predicted', async () => {
    const folder = runFolder();
    const records = journal();
    const evidence = await readRunEvidence(folder, records);
    const results = withEvidence(resultsFromJournal(runContext, records), runContext, records, evidence);
    const [found] = results.cells;
    expect(found?.why).toMatchObject({
      bound: 'hbm',
      evidence: expect.arrayContaining([expect.stringContaining('68.0 %')]),
    });
    expect(found?.telemetry).toMatchObject({ meanWatts: expect.closeTo(400, 6), gpus: 1 });
    // 400 W and 100 tokens in 0.515 s.
    expect(found?.telemetry?.joulesPerOutputToken).toBeCloseTo((400 * 0.515) / 100, 6);
    expect(found?.engineMetrics).toMatchObject({ samples: 2, preemptions: 0 });
    const weights = found?.memory?.find(({ term }) => term === 'weights');
    expect(Math.abs((weights?.predictedBytes ?? 0) / (weights?.measuredBytes ?? 1) - 1)).toBeLessThan(0.01);
    expect(found?.memory?.map(({ term }) => term)).toContain('available-kv');
    expect(found?.speed?.startupSeconds).toMatchObject({ measured: 64 });
    expect(found?.speed?.kvTokens?.measured).toBeGreaterThan(900_000);
    expect(found?.speed?.tpotMs).toMatchObject({ measured: expect.closeTo(5, 6) });
    expect(results.warnings).toEqual([]);
  });

  it('of array tasks is that of the task which ran the cell', async () => {
    const folder = runFolder();
    const lines = readFileSync(join(folder, 'telemetry.jsonl'), 'utf8');
    // Another task's GPU, at the same time, drew 100 W.
    writeFileSync(join(folder, 'telemetry-1.jsonl'), lines);
    writeFileSync(join(folder, 'telemetry-2.jsonl'), lines.replaceAll('[[400,', '[[100,'));
    rmSync(join(folder, 'telemetry.jsonl'));
    const own = journal().map((record) => ({ ...record, part: 1 }));
    const other = { ...own[0], type: 'warning', message: 'of task 2', part: 2 } as JournalRecord;
    const records = [...own, other];
    const evidence = await readRunEvidence(folder, records);
    expect(evidence.telemetry.map(({ part }) => part)).toEqual([1, 2]);
    const [found] = withEvidence(
      resultsFromJournal(runContext, records),
      runContext,
      records,
      evidence,
    ).cells;
    expect(found?.telemetry?.meanWatts).toBeCloseTo(400, 6);
  });

  it('of days of metrics is read whole', async () => {
    const folder = temporaryFolder('metrics');
    const line = (at: number) =>
      `{"type":"engine-metrics","monotonicMs":${at},"wallMs":${at},"engineKey":"k","instance":0,"running":1,"waiting":0,"kvUsage":0.5,"preemptions":0,"promptTokens":1,"generationTokens":1,"prefixCacheHits":null,"prefixCacheQueries":null}\n`;
    writeFileSync(
      join(folder, 'metrics.jsonl'),
      Array.from({ length: 140_000 }, (_, at) => line(at)).join(''),
    );
    const { metrics, notes } = await readRunEvidence(folder, []);
    expect([metrics.length, notes]).toEqual([140_000, []]);
  });

  it('may be missing, and is read nowhere else than in the folder', async () => {
    const folder = temporaryFolder('empty');
    expect(await readRunEvidence(folder, journal())).toMatchObject({ telemetry: [], metrics: [], notes: [] });
    const outside = await readEngineLogs(folder, journal('../../../etc/passwd'), []);
    expect(outside.size).toBe(0);
  });
});

describe('a run as calibration', () => {
  it('is its own provenance, and brings the next estimate to what was measured', async () => {
    const starts = [...(await readEngineLogs(runFolder(), journal(), []))].map(([key, record]) => ({
      engineKey: key,
      log,
      record,
    }));
    const { entries, leftOut } = calibrationOfRun(runContext.run, plan, context, cells, starts, []);
    expect(leftOut).toEqual([]);
    expect(entries).toEqual([
      expect.objectContaining({
        kind: 'run',
        source: `${runContext.run}/${log}`,
        gpu: 'NVIDIA H200',
        version: '0.26',
      }),
    ]);
    const point = { ...cell, gpuCount: 1, arrangement: { copies: 1 } };
    const calibration = withStep(noCalibration, { at: '2026-01-01T00:00:00Z', entries });
    const error = (given: object) => {
      const request = cellEstimateRequest(plan, point, { ...context, ...given });
      const predicted = request === null ? undefined : estimate(request).perRank[0]?.availableKvBytes;
      return Math.abs((predicted ?? 0) / (starts[0]?.record.availableKvBytes ?? 1) - 1);
    };
    expect(error({ calibration })).toBeLessThanOrEqual(error({}));
    expect(error({ calibration })).toBeLessThan(0.001);
  });

  it('learns nothing from another deployment, nor from engines that share a GPU', async () => {
    const starts = [...(await readEngineLogs(runFolder(), journal(), []))].map(([key, record]) => ({
      engineKey: key,
      log,
      record,
    }));
    const smaller = mustBe(parseSweepPlan(planText.replace('16384', '4096')).result);
    const others = mustBe(expandPlan(smaller, context)).map((one) => ({ ...one, engineKey }));
    expect(calibrationOfRun('r', smaller, context, others, starts, [])).toEqual({
      entries: [],
      errors: [],
      leftOut: [expect.stringContaining('another max-num-batched-tokens')],
    });
    const shared = cells.map((one) => ({ ...one, arrangement: { copies: 2, sharing: 'mps' as const } }));
    expect(calibrationOfRun('r', plan, context, shared, starts, []).leftOut).toEqual([
      expect.stringContaining('2 engines on the same GPU'),
    ]);
  });
});
