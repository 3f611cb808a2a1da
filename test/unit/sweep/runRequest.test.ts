import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { commandText } from '../../../src/core/engine/commandLine.ts';
import { serverArguments } from '../../../src/core/engine/serverLaunches.ts';
import { vllmLaunch } from '../../../src/core/engine/vllm/launch.ts';
import { expandSweep } from '../../../src/core/sweep/cells.ts';
import { planFrom } from '../../../src/core/sweep/plan.ts';
import type { ProbeRecord } from '../../../src/protocol/agent.ts';
import { launchText } from '../../../src/protocol/engineLaunch.ts';
import { readRunEnvironment } from '../../../src/protocol/runEnvironment.ts';
import { type PlanSituation, planContext, prepareRun, runName } from '../../../src/protocol/runRequest.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { planOf as anyPlan, chatPlan, mustBe, rehearsalContext } from './plans.ts';

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
  const { cells, searches } = mustBe(expandSweep(plan, context));
  return mustBe(
    prepareRun({
      plan,
      planText: text,
      cells,
      searches,
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

  it('names the GPUs that the host lacks, and one that is spelt nearly as the plan has it', () => {
    const plan = mustBe(parseSweepPlan(chatPlan).result);
    expect(planContext(plan, measured())).toMatchObject({
      problems: [{ message: expect.stringContaining('no GPU that its driver shows; the plan wants GPU 0.') }],
    });
    const misspelt = mustBe(parseSweepPlan(chatPlan.replace('gpu: h100', 'gpu: h1000')).result);
    expect(planContext(misspelt, rehearsal)).toMatchObject({
      problems: [{ code: 'plan.gpu-unknown', message: expect.stringMatching(/Did you mean h100/) }],
    });
  });

  it('counts with the GPU of the plan where no host was asked', () => {
    const plan = mustBe(parseSweepPlan(chatPlan).result);
    expect(planContext(plan, { ...measured(), probe: null })).toMatchObject({
      ok: true,
      value: { mode: 'measured', deviceName: 'h100-sxm-80gb' },
    });
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

describe('a request beyond a command on one GPU', () => {
  const situation: PlanSituation = {
    mode: 'measured',
    model: rehearsalContext.model,
    probe: probeOf('NVIDIA H200', 'NVIDIA H200'),
  };
  const requestOf = (engine: string, more = '', how = situation) =>
    prepared(chatPlan.replace(/engine:.*/, `engine: ${engine}`).concat(more), how).request;

  it('starts a container by its own words behind the image', () => {
    const { cells, environment } = requestOf(
      '{ name: vllm, launch: { container: { runtime: docker, image: "vllm/vllm-openai:v0.26.0", arguments: [--shm-size, 16g] } } }',
    );
    expect(cells[0]?.engine).toMatchObject({
      kind: 'command',
      argv: ['meta-llama/Llama-3.2-1B-Instruct', '--max-model-len', '4096'],
      container: { runtime: 'docker', image: 'vllm/vllm-openai:v0.26.0', arguments: ['--shm-size', '16g'] },
    });
    expect(environment['commands']).toEqual([
      [
        'docker',
        'run',
        '--rm',
        '--shm-size',
        '16g',
        'vllm/vllm-openai:v0.26.0',
        'meta-llama/Llama-3.2-1B-Instruct',
        '--max-model-len',
        '4096',
      ],
    ]);
  });

  it('shows the variables that a plan sets, as they are handed on', () => {
    const variables = 'environment: { LD_PRELOAD: "./x.so", A: "b c" }';
    const textOf = (engine: string) =>
      requestOf(engine).cells.map(({ engine: launch }) => launchText(launch))[0];
    expect(textOf(`{ name: vllm, ${variables} }`)).toBe(
      "env LD_PRELOAD=./x.so 'A=b c' vllm serve meta-llama/Llama-3.2-1B-Instruct --max-model-len 4096",
    );
    expect(textOf(`{ name: vllm, ${variables}, launch: { container: { runtime: podman, image: i } } }`)).toBe(
      "env LD_PRELOAD=./x.so 'A=b c' podman run --rm -e LD_PRELOAD -e A i meta-llama/Llama-3.2-1B-Instruct --max-model-len 4096",
    );
  });

  it('measures an endpoint without a GPU of the host, and starts nothing', () => {
    const request = requestOf(
      '{ name: vllm, launch: { endpoint: "http://127.0.0.1:8000", apiKeyFile: ~/key } }',
      '',
      {
        ...situation,
        probe: probeOf(),
      },
    );
    expect(request).toMatchObject({ gpus: [], environment: { commands: [] } });
    expect(request.cells.map(({ engine }) => launchText(engine))[0]).toBe(
      '(runs already) http://127.0.0.1:8000, with the key in ~/key',
    );
    expect(request.cells[0]?.engine).toEqual({
      kind: 'endpoint',
      name: 'vllm',
      url: 'http://127.0.0.1:8000',
      apiKeyFile: '~/key',
      modelName: 'meta-llama/Llama-3.2-1B-Instruct',
      readyTimeoutSeconds: expect.any(Number),
    });
  });

  it.each([
    [
      'sglang',
      'mem-fraction-static: 0.8',
      ['python3', '-m', 'sglang.launch_server', '--model-path', 'M', '--mem-fraction-static', '0.8'],
    ],
    [
      'tgi',
      'max_total_tokens: 4096',
      ['text-generation-launcher', '--model-id', 'M', '--max-total-tokens', '4096'],
    ],
    ['trtllm', 'tp-size: 2', ['trtllm-serve', 'M', '--tp_size', '2']],
    ['llama-cpp', '-ngl: 99', ['llama-server', '--model', 'M', '--n-gpu-layers', '99']],
    ['transformers', 'continuous-batching: true', ['transformers', 'serve', '--continuous-batching']],
  ])('starts %s by its own command line, without a prediction', (name, flag, argv) => {
    const text = chatPlan
      .replace(/engine:.*/, `engine: { name: ${name} }`)
      .replace('max-model-len: 4096', flag)
      .replace('meta-llama/Llama-3.2-1B-Instruct', 'M');
    const { request, context } = prepared(text, situation);
    expect(request.cells[0]?.engine).toMatchObject({ argv });
    expect(context.cells[0]?.prediction).toBeNull();
    expect(parseSweepPlan(text).warnings.map(({ code }) => code)).toEqual([
      // Seen with the real one (docs/verified.md).
      ...(name === 'transformers' ? [] : ['plan.engine-unverified']),
      'plan.engine-not-estimated',
    ]);
    const plan = mustBe(parseSweepPlan(text).result);
    expect(planContext(plan, rehearsal)).toMatchObject({
      ok: false,
      problems: [{ code: 'plan.cannot-rehearse' }],
    });
  });

  it('starts a plain command as it is written', () => {
    const request = requestOf('{ name: command, launch: { command: [./serve, "{port}"], healthPath: /up } }');
    expect(request.cells[0]?.engine).toMatchObject({
      argv: ['./serve', '{port}', '--max-model-len', '4096'],
      healthPath: '/up',
    });
  });

  it('hands over copies, MPS limits and the GPUs of each cell', () => {
    const arranged =
      '{ name: vllm, version: "0.26.0", arrangements: [{}, { copies: 2, sharing: mps, memoryGiB: 20, threadPercentage: 50, flags: { gpu-memory-utilization: 0.1 } }] }';
    const { gpus, cells } = requestOf(
      arranged,
      'gpuIndices: [1, 0]\nmatrix: { tensor-parallel-size: [1, 2] }\n',
    );
    expect(gpus).toEqual([1, 0]);
    expect(cells.map((cell) => [cell.gpus, cell.copies, cell.sharing, cell.mps])).toContainEqual([
      [1],
      2,
      'mps',
      { memoryLimitBytes: 20 * 2 ** 30, threadPercentage: 50 },
    ]);
    const simulated = requestOf(arranged, '', rehearsal).cells.at(-1);
    expect(simulated).toMatchObject({ copies: 2, engine: { kind: 'simulated' } });
    expect(simulated).not.toHaveProperty('mps');
  });

  it('hands over its searches, and says which host of several it is for', () => {
    const { request, context } = prepared(
      chatPlan
        .replace('[1, 2, 4]', '1')
        .concat(
          'search: { flag: gpu-memory-utilization, goal: smallest-that-starts, from: 0.1, to: 0.9, step: 0.1 }\n',
        ),
      situation,
    );
    expect(request.searches).toHaveLength(1);
    expect(request.searches?.[0]?.cells).toEqual(request.cells.map(({ id }) => id));
    const read = mustBe(readRunEnvironment(JSON.stringify(request.environment)));
    expect(read.context).toEqual(context);
    expect(runName('a', 'measured', new Date(0), 'me@gpu-1:22')).toBe('19700101T000000Z-a-me-gpu-1-22');
  });

  it('needs no GPU on a login node, and says so where the host has no Slurm', () => {
    const plan = anyPlan(`${chatPlan}scheduler: { type: slurm, partition: gpu }\n`);
    const login: PlanSituation = { ...situation, probe: { ...probeOf(), slurm: null } };
    expect(planContext(plan, login)).toMatchObject({ ok: false, problems: [{ code: 'host.no-slurm' }] });
    const { slurm: _none, ...unknown } = { ...probeOf(), slurm: null };
    expect(planContext(plan, { ...login, probe: unknown })).toMatchObject({
      ok: true,
      value: { scheduled: true, device: { id: 'h100-sxm-80gb' } },
    });
    expect(planContext(plan, { ...login, mode: 'rehearsal' })).toMatchObject({
      ok: true,
      value: { scheduled: false },
      warnings: [{ code: 'host.no-slurm' }],
    });
  });

  it('keeps metacharacters, newlines and option-like values inert, in every field that reaches a command line', () => {
    const hostile = fc.oneof(
      fc.constantFrom(
        '; rm -rf ~',
        '$(id)',
        '`id`',
        '&& x',
        '| x',
        '--trust-remote-code',
        '-x',
        'a\nb',
        "'",
        '"',
        '*',
        '\\',
        '',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(hostile, hostile, hostile, (value, variable, word) => {
        const document = {
          ...(parse(chatPlan) as object),
          engine: {
            name: 'vllm',
            environment: { A: variable },
            launch: { command: ['vllm', `serve${word}`] },
          },
          deployment: { flags: { 'chat-template': value } },
        };
        const plan = mustBe(planFrom(document));
        const context = mustBe(planContext(plan, situation));
        const { cells } = mustBe(expandSweep(plan, context));
        const { request } = mustBe(
          prepareRun({
            ...{ plan, planText: '', cells, context, host: 'h', startedAt: new Date(0) },
            ...{ loadlineVersion: '0', gitCommit: null },
          }),
        );
        const engine = request.cells[0]?.engine;
        const joined = value.startsWith('-') ? [`--chat-template=${value}`] : ['--chat-template', value];
        expect(engine).toMatchObject({
          argv: ['vllm', `serve${word}`, 'meta-llama/Llama-3.2-1B-Instruct', ...joined],
          environment: { A: variable },
        });
      }),
    );
  });

  it.each([
    ['name', { name: 'a b; x' }],
    ['name', { name: '../x' }],
    ['hosts', { hosts: ['-oProxyCommand=x'] }],
    ['hosts', { hosts: ['a b'] }],
    ['model', { model: '--trust-remote-code' }],
    ['scheduler', { scheduler: { type: 'slurm', partition: '--wrap=x' } }],
    ['scheduler', { scheduler: { type: 'slurm', time: '1:00\n#SBATCH' } }],
    [
      'engine',
      { engine: { name: 'vllm', launch: { container: { runtime: 'docker', image: '--privileged' } } } },
    ],
    ['engine', { engine: { name: 'command', launch: { command: ['x'], healthPath: 'http://elsewhere' } } }],
  ])('takes no %s that something else would read as an option', (key, change) => {
    const result = planFrom({ ...(parse(chatPlan) as object), ...change });
    expect(result).toMatchObject({ ok: false });
    if (!result.ok) expect(result.problems[0]?.path?.[0]).toBe(key);
  });
});
