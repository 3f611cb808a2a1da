import { describe, expect, it } from 'vitest';
import { commandText } from '../../../src/core/engine/commandLine.ts';
import { serverArguments } from '../../../src/core/engine/serverLaunches.ts';
import { vllmLaunch } from '../../../src/core/engine/vllm/launch.ts';
import { expandPlan } from '../../../src/core/sweep/cells.ts';
import type { ProbeRecord } from '../../../src/protocol/agent.ts';
import { readRunEnvironment } from '../../../src/protocol/runEnvironment.ts';
import { type PlanSituation, planContext, prepareRun, runName } from '../../../src/protocol/runRequest.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { chatPlan, mustBe, rehearsalContext } from './plans.ts';

const rehearsal: PlanSituation = { mode: 'rehearsal', model: rehearsalContext.model, probe: null };

function probeOf(...names: string[]): ProbeRecord {
  return {
    type: 'probe',
    hostname: 'h',
    python: '3.11',
    os: 'Linux',
    cpuCount: 8,
    memoryTotalBytes: null,
    freeDiskBytes: null,
    gpuSource: 'nvml',
    driver: '580.1',
    cuda: '13.0',
    gpus: names.map((name, index) => ({
      index,
      uuid: `GPU-${index}`,
      name,
      memoryTotalBytes: 1,
      memoryUsedBytes: null,
      powerLimitWatts: null,
    })),
    engines: [],
  };
}

function prepared(text: string, situation: PlanSituation) {
  const plan = mustBe(parseSweepPlan(text).result);
  const context = mustBe(planContext(plan, situation));
  const cells = mustBe(expandPlan(plan, context));
  return mustBe(
    prepareRun({
      plan,
      planText: text,
      cells,
      context,
      host: 'gpu-01',
      startedAt: new Date('2026-11-23T21:22:33.456Z'),
      loadlineVersion: '0.1.0',
      gitCommit: null,
    }),
  );
}

describe('the request of a rehearsal', () => {
  it('says simulated everywhere, takes no GPU and hands the simulated engine all it needs', () => {
    const { request } = prepared(chatPlan, rehearsal);
    expect(request).toMatchObject({
      run: '20261123T212233Z-chat-test-simulated',
      simulated: true,
      gpus: [],
      plan: chatPlan,
      leaseSeconds: 86_400,
    });
    expect(request.cells).toHaveLength(3);
    for (const { engine, deadlineSeconds, expectedSeconds } of request.cells) {
      expect(engine).toMatchObject({
        kind: 'simulated',
        parameters: { start: { outcome: 'serves' }, maxModelLen: 4096 },
      });
      expect(deadlineSeconds).toBeGreaterThan(expectedSeconds);
    }
  });

  it('has one set of parameters for the cells of one engine', () => {
    const engines = prepared(chatPlan, rehearsal).request.cells.map(({ engine }) => JSON.stringify(engine));
    expect(new Set(engines).size).toBe(1);
  });

  it('hands over a start that runs out of memory where the plan probes what cannot fit', () => {
    const small = chatPlan
      .replace('max-model-len: 4096', 'gpu-memory-utilization: 0.02')
      .concat('predictedNotToFit: probe\n');
    const [cell] = prepared(small, rehearsal).request.cells;
    expect(cell?.engine).toMatchObject({
      kind: 'simulated',
      parameters: { start: { outcome: expect.not.stringMatching('serves') } },
    });
  });

  it('needs the GPU of the plan and the facts of the model', () => {
    const plan = mustBe(parseSweepPlan(chatPlan.replace(/^gpu:.*\n/m, '')).result);
    expect(planContext(plan, { ...rehearsal, model: null })).toMatchObject({
      ok: false,
      problems: [{ code: 'plan.gpu-missing' }, { code: 'plan.model-unknown', path: ['model'] }],
    });
  });
});

describe('the request of a measured run', () => {
  const measured = (...gpus: string[]): PlanSituation => ({
    mode: 'measured',
    model: rehearsalContext.model,
    probe: probeOf(...gpus),
  });

  it("starts the engine by its command, on the host's GPUs, predicted for what is there", () => {
    const { request, context } = prepared(chatPlan, measured('NVIDIA H200'));
    expect(request).toMatchObject({ run: '20261123T212233Z-chat-test', simulated: false, gpus: [0] });
    expect(context.device).toBe('h200-sxm-141gb');
    expect(request.cells[0]?.engine).toEqual({
      kind: 'command',
      name: 'vllm',
      argv: ['vllm', 'serve', 'meta-llama/Llama-3.2-1B-Instruct', '--max-model-len', '4096'],
      environment: {},
      modelName: 'meta-llama/Llama-3.2-1B-Instruct',
      readyTimeoutSeconds: expect.any(Number),
    });
  });

  it('says that predictions are of the GPU found, not of the one named', () => {
    const plan = mustBe(parseSweepPlan(chatPlan).result);
    expect(planContext(plan, measured('NVIDIA H200'))).toMatchObject({
      ok: true,
      warnings: [{ code: 'host.other-gpu' }],
    });
    expect(planContext(plan, measured('NVIDIA Z9'))).toMatchObject({
      ok: true,
      value: { device: null, deviceName: 'NVIDIA Z9' },
    });
  });

  it('is refused where the host lacks a GPU that the plan wants', () => {
    const plan = mustBe(
      parseSweepPlan(chatPlan.replace('gpu:', 'gpuIndices: [0, 3]\ngpuCount: 2\ngpu:')).result,
    );
    for (const situation of [measured(), measured('NVIDIA H200', 'NVIDIA H200')]) {
      expect(planContext(plan, situation)).toMatchObject({
        ok: false,
        problems: [{ code: 'host.no-gpu', path: ['gpuIndices'] }],
      });
    }
  });

  it('goes on without predictions where the model is not known', () => {
    const { request, context } = prepared(chatPlan, { ...measured('NVIDIA H200'), model: null });
    expect(request.cells).toHaveLength(3);
    expect(context.cells.every(({ prediction }) => prediction === null)).toBe(true);
  });
});

describe('environment.json', () => {
  it('gives back what was sent, with the facts of the host', () => {
    const { request, context } = prepared(chatPlan, rehearsal);
    const written = JSON.stringify({
      ...request.environment,
      host: probeOf('NVIDIA H200'),
      agent: { version: '0.1.0', protocol: 1 },
      simulated: true,
    });
    const read = mustBe(readRunEnvironment(written));
    expect(read.context).toEqual(context);
    expect(read.facts).toContainEqual(['GPUs of the host', '0: NVIDIA H200']);
    expect(read.facts).toContainEqual(['Driver', '580.1']);
  });

  it('says nothing of GPUs that a rehearsal did not look at', () => {
    const written = (host: object) =>
      JSON.stringify({ ...prepared(chatPlan, rehearsal).request.environment, host });
    const gpus = (host: object) =>
      mustBe(readRunEnvironment(written(host))).facts.filter(([name]) => name === 'GPUs of the host');
    expect(gpus({ hostname: 'h' })).toEqual([]);
    expect(gpus({ hostname: 'h', gpus: [] })).toEqual([['GPUs of the host', 'none']]);
  });

  it('brings no control characters of the host to a terminal', () => {
    const { request } = prepared(chatPlan, rehearsal);
    const host = { ...probeOf(), hostname: 'h\u001b[2J' };
    const read = mustBe(readRunEnvironment(JSON.stringify({ ...request.environment, host })));
    expect(read.facts).toContainEqual(['Host name', 'h[2J']);
  });

  it('that is torn or of something else is refused in words', () => {
    expect(readRunEnvironment('{"schema":1,')).toMatchObject({
      ok: false,
      problems: [{ code: 'run.environment-torn' }],
    });
    expect(readRunEnvironment('{"schema":1}')).toMatchObject({
      ok: false,
      problems: [{ code: 'run.environment', message: expect.stringContaining('loadline') }],
    });
  });
});

describe("an engine's command line", () => {
  it('writes switches, lists and values that look like flags so that they are read back', () => {
    const flags = {
      'enforce-eager': true,
      'enable-prefix-caching': false,
      'max-model-len': -1,
      'lora-modules': ['a=b', 'c=d'],
      'served-model-name': 'x y',
    };
    expect(
      serverArguments(vllmLaunch, { engine: 'vllm', entrypoint: 'serve', model: 'm', flags }, [
        'python3',
        '-m',
        'vllm',
        'serve',
      ]),
    ).toEqual([
      'python3',
      '-m',
      'vllm',
      'serve',
      'm',
      '--enforce-eager',
      '--no-enable-prefix-caching',
      '--max-model-len=-1',
      '--lora-modules',
      'a=b',
      'c=d',
      '--served-model-name',
      'x y',
    ]);
  });
});

it('a command is shown so that a shell reads it back', () => {
  expect(commandText(['vllm', 'serve', "a model's", '--x', '{"a": 1}'])).toBe(
    `vllm serve 'a model'\\''s' --x '{"a": 1}'`,
  );
});

it('runs are named by their time in UTC, so that they sort by it', () => {
  expect(runName('a.b', 'rehearsal', new Date('2026-01-02T03:04:05.678Z'))).toBe(
    '20260102T030405Z-a.b-simulated',
  );
});
