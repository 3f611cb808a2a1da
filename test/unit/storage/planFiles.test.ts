import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expandSweep } from '../../../src/core/sweep/cells.ts';
import { planContext, prepareRun } from '../../../src/protocol/runRequest.ts';
import { writeCalibration } from '../../../src/storage/calibrationFile.ts';
import { knownStarts, readTraces } from '../../../src/storage/planFiles.ts';
import { chatPlan, mustBe, planOf, rehearsalContext } from '../sweep/plans.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-plan-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const traced = planOf(
  chatPlan.replace(/load:[\s\S]*slo/, 'load: [{ profile: trace, trace: day.jsonl }]\nslo'),
);

describe('trace files of a plan', () => {
  it('are read beside it', async () => {
    writeFileSync(join(folder, 'day.jsonl'), '{"timestamp":5,"input_length":4,"output_length":2}\n');
    const traces = mustBe(await readTraces(traced, folder));
    expect(traces.get('day.jsonl')).toEqual([{ atMs: 0, inputTokens: 4, outputTokens: 2 }]);
  });

  it('that are missing or wrong are a problem at the load that names them', async () => {
    const path = ['load', 0, 'trace'];
    expect(await readTraces(traced, folder)).toMatchObject({
      ok: false,
      problems: [{ code: 'trace.unreadable', path }],
    });
    writeFileSync(join(folder, 'day.jsonl'), '{}\n');
    expect(await readTraces(traced, folder)).toMatchObject({
      ok: false,
      problems: [{ code: 'trace.line', path, message: expect.stringContaining('day.jsonl: Line 1') }],
    });
  });
});

describe('starts that a workspace knows', () => {
  function runFolder(name: string, mode: 'measured' | 'rehearsal') {
    const plan = planOf(chatPlan);
    const probe = {
      ...{
        type: 'probe' as const,
        hostname: 'h',
        python: '3',
        os: 'Linux',
        cpuCount: 1,
        memoryTotalBytes: null,
      },
      ...{ freeDiskBytes: null, gpuSource: 'nvml', driver: null, cuda: null, engines: [] },
      gpus: [
        {
          index: 0,
          uuid: 'u',
          name: 'NVIDIA H200',
          memoryTotalBytes: 1,
          memoryUsedBytes: null,
          powerLimitWatts: null,
        },
      ],
    };
    const context = mustBe(planContext(plan, { mode, model: rehearsalContext.model, probe }));
    const { cells } = mustBe(expandSweep(plan, context));
    const { request } = mustBe(
      prepareRun({
        ...{ plan, planText: chatPlan, cells, context, host: 'h', startedAt: new Date(0) },
        ...{ loadlineVersion: '0', gitCommit: null },
      }),
    );
    const directory = join(folder, '.loadline', 'runs', name);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'environment.json'), JSON.stringify(request.environment));
    const ready = { seq: 1, monotonicMs: 1, wallMs: 1, type: 'engine-ready', engineKey: cells[0]?.engineKey };
    const line = JSON.stringify({ ...ready, startupSeconds: 61.5, version: '0.26.0' });
    writeFileSync(join(directory, 'journal.jsonl'), `${line}\n{"type":"engine-ready", torn`);
    return cells[0]?.engineKey ?? '';
  }

  it('are those of measured runs, and the initialisations of its logs; rehearsals do not count', async () => {
    const engineKey = runFolder('20260101T000000Z-a', 'measured');
    runFolder('20260102T000000Z-a-simulated', 'rehearsal');
    mkdirSync(join(folder, '.loadline', 'runs', 'broken'), { recursive: true });
    await writeCalibration(folder, {
      schema: 1,
      steps: [
        {
          at: '2026-01-01T00:00:00Z',
          entries: [
            {
              ...{
                gpu: 'NVIDIA H200',
                engine: 'vllm',
                version: '0.26',
                family: 'llama',
                model: 'm',
                ranks: 1,
              },
              ...{ kind: 'log', source: 'serve.log:1', residuals: [], availableKvBytes: null },
              startup: { seconds: 30, eager: true },
            },
          ],
        },
      ],
    });
    const model = 'meta-llama/Llama-3.2-1B-Instruct';
    expect(await knownStarts(folder)).toEqual([
      { engineKey, engine: 'vllm', model, eager: false, seconds: 61.5, source: '20260101T000000Z-a' },
      { engine: 'vllm', model: 'm', eager: true, seconds: 30, part: 'initialisation', source: 'serve.log:1' },
    ]);
  });

  it('are none where there is nothing', async () => {
    expect(await knownStarts(folder)).toEqual([]);
  });
});
