import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { agentProtocol, type FollowRequest } from '../../src/protocol/agent.ts';
import type { HostClock } from '../../src/protocol/agentClock.ts';
import { AgentClient, openAgent } from '../../src/remote/agentClient.ts';
import type { RemoteHost } from '../../src/remote/host.ts';
import { ThisMachineHost } from '../../src/remote/thisMachineHost.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';
import { all, buildAgent, connectTo, failureOf, logOf, rehearsal } from './support.ts';

const archive = buildAgent();

describe('the agent over ssh', () => {
  let sshd: LoopbackSshd;
  let host: RemoteHost;
  let agent: AgentClient;
  const log = logOf();
  beforeAll(async () => {
    sshd = await startLoopbackSshd();
    host = await connectTo(sshd);
    agent = await openAgent(host, archive, log);
  });
  afterAll(async () => {
    await host.dispose();
    await sshd.stop();
  });

  it('says who it is and what the host has', async () => {
    expect(await agent.hello()).toMatchObject({ type: 'hello', protocol: agentProtocol });
    expect(await agent.probe()).toMatchObject({ type: 'probe', python: (await agent.hello()).python });
  });

  it('samples a recorded device until nobody listens', async () => {
    const request = {
      intervalMs: 20,
      device: { kind: 'recorded', name: 'h200-2026-11-static-batch' },
    } as const;
    const seen: string[] = [];
    for await (const line of agent.sample(request)) {
      seen.push(line.type);
      if (line.type === 'telemetry-header') expect(line.recorded).toBe(true);
      if (line.type === 'telemetry' && line.seq === 5) break;
    }
    expect(seen[0]).toBe('telemetry-header');
    const again = new AbortController();
    for await (const line of agent.sample(request, { signal: again.signal }))
      if (line.type === 'telemetry') again.abort();
    // Both commands are gone from the host: only this connection is left, without a channel.
    const { stdout } = await host.exec([
      '/bin/sh',
      '-c',
      'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "',
    ]);
    expect(stdout).not.toContain(`${agent.agent.path} sample`);
  });

  it('tells how far the clocks of its host are from ours, and how sure that is', async () => {
    const clocks: HostClock[] = [];
    let said = '';
    const options = {
      onClock: (clock: HostClock) => clocks.push(clock),
      onControl: (control: (line: { mark: string }) => void) => control({ mark: 'cell a: start' }),
    };
    for await (const line of agent.sample({ intervalMs: 20, device: { kind: 'auto' } }, options)) {
      if (line.type === 'telemetry-mark') said = line.text;
      if (clocks.length >= 8 && said !== '') break;
    }
    const best = clocks.at(-1);
    // The host is this machine: its clocks are ours.
    expect(Math.abs(best?.wallOffsetMs ?? Number.NaN)).toBeLessThan((best?.errorMs ?? 0) + 5);
    expect(Math.min(...clocks.map(({ errorMs }) => errorMs))).toBe(best?.errorMs);
    expect(said).toBe('cell a: start');
  });

  it('runs, tells, cancels, and refuses with its own words', async () => {
    const { run } = await agent.run(rehearsal({ run: 'endless', cells: 1, requests: 1_000_000 }));
    expect(await agent.runs()).toMatchObject([{ run, state: 'running', simulated: true, cellsTotal: 1 }]);
    expect(await failureOf(agent.resume(run))).toMatchObject({
      reason: 'agent',
      cause: { code: 'run-active' },
      message: expect.stringContaining(sshd.alias),
    });
    expect(await agent.cancel(run)).toEqual({ type: 'cancelled', run });
    expect(await agent.runs()).toMatchObject([{ run, state: 'finished' }]);
    expect(await failureOf(agent.cancel('no-such-run'))).toMatchObject({ cause: { code: 'no-such-run' } });
    expect(await failureOf(all(agent.follow({ run: 'no-such-run', offsets: {} })))).toMatchObject({
      cause: { code: 'no-such-run' },
    });
    expect(
      await failureOf(agent.run({ ...rehearsal({ run: 'x', cells: 1 }), protocol: agentProtocol + 1 })),
    ).toMatchObject({ cause: { code: 'protocol' } });
  });

  it('that loses its connection in a verb says so', async () => {
    const own = await connectTo(sshd);
    const cut = await openAgent(own, archive, log);
    const lines = cut.sample({ intervalMs: 20, device: { kind: 'auto' } });
    await lines.next();
    sshd.dropConnections();
    expect(await failureOf(all(lines))).toMatchObject({ reason: 'lost', host: sshd.alias });
    expect(await failureOf(cut.probe())).toMatchObject({ reason: 'lost' });
    host = await connectTo(sshd);
    agent = await openAgent(host, archive, log);
  });
});

/** Where this machine has a GPU and its driver, the host of these tests has them too. */
if (!existsSync('/proc/driver/nvidia') && !existsSync('/sys/module/amdgpu')) {
  describe('a probe over ssh of a host without a GPU to read says why', () => {
    it.each([
      ['there is none', null, /nvml: .*; nvidia-smi: .*; amd-sysfs: ./],
      [
        'the driver was updated under its library (simulated by a script for nvidia-smi)',
        'echo "Failed to initialize NVML: Driver/library version mismatch"\nexit 18\n',
        /nvidia-smi: nvidia-smi failed with exit status 18: .*Driver\/library version mismatch/,
      ],
    ])('%s', async (_why, script, detail) => {
      const bin = temporaryFolder('bin');
      if (script !== null) writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\n${script}`, { mode: 0o755 });
      const sshd = await startLoopbackSshd({ environment: { PATH: `${bin}:${process.env['PATH']}` } });
      try {
        const host = await connectTo(sshd);
        const probe = await (await openAgent(host, archive, logOf())).probe();
        expect(probe).toMatchObject({
          gpuSource: 'none',
          gpus: [],
          gpuDetail: expect.stringMatching(detail),
        });
        await host.dispose();
      } finally {
        await sshd.stop();
      }
    });
  });
}

/** A fake agent: a shell script that prints what a real one would not. */
describe('what a fake agent prints', () => {
  const host = new ThisMachineHost();
  afterAll(() => host.dispose());
  const log = logOf();
  afterEach(() => log.lines.splice(0));

  function fake(script: string): AgentClient {
    const command = ['/bin/sh', '-c', script, 'fake-agent'];
    return new AgentClient(host, { path: '', python: '', pythonVersion: '', command, uploaded: false }, log);
  }
  const print = (...lines: string[]) => fake(`cat <<'END'\n${lines.join('\n')}\nEND\n`);
  const request: FollowRequest = { run: 'r', offsets: {} };

  it('is nothing any more: the client says so, and ends it', async () => {
    const stopped = fake('exec sleep 1000').sample(
      { intervalMs: 100, device: { kind: 'auto' } },
      { silentAfterMs: 200 },
    );
    expect(await failureOf(all(stopped))).toMatchObject({
      reason: 'timeout',
      message: expect.stringContaining('has said nothing for 0.2 s'),
    });
  });
  const heartbeat = '{"type":"heartbeat","state":"running","wallMs":1}';

  it('of a later kind, torn or wrong is skipped, counted and said', async () => {
    const agent = print(
      'Welcome to the cluster',
      heartbeat,
      '{"type":"weather","sunny":true}',
      '{"type":"weather","sunny":false}',
      '{"type":"heartbeat","state":"asleep","wallMs":1}',
      '{"type":"hello","protocol":1,"agentVersion":"1","python":"3","hostname":"h","pid":1}',
      '{"type":"follow-end","state":"finished","more":1}',
      '{"type":"heartbeat","st',
    );
    const records = await all(agent.follow(request));
    expect(records.map((record) => record.type)).toEqual(['heartbeat', 'follow-end']);
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toContain('2 lines that are no records');
    expect(log.lines[0]).toContain('2 records of the unknown type weather');
    expect(log.lines[0]).toMatch(/1 records of type heartbeat with a wrong field \(state: /);
    expect(log.lines[0]).toContain('1 records of type hello, which do not belong to `follow`');
  });

  it('of another protocol is refused', async () => {
    const agent = print(
      '{"type":"hello","protocol":99,"agentVersion":"9","python":"3","hostname":"h","pid":1}',
    );
    expect(await failureOf(agent.hello())).toMatchObject({
      reason: 'agent',
      message: expect.stringContaining('protocol 99'),
    });
  });

  it('about a run whose folder is damaged is given beside the others', async () => {
    const status = (run: string, more: object = {}) =>
      JSON.stringify({
        ...{ type: 'run-status', run, name: run, state: 'interrupted', simulated: false },
        ...{ cellsDone: 0, cellsTotal: 0, directory: `/runs/${run}`, ...more },
      });
    const agent = print(status('whole'), status('damaged', { problem: 'no JSON' }));
    const runs = await agent.runs();
    expect(runs.map(({ run, problem }) => [run, problem])).toEqual([
      ['whole', undefined],
      ['damaged', 'no JSON'],
    ]);
  });

  it('about a full disk is its own failure', async () => {
    const line =
      '{"type":"error","code":"disk-full","message":"Cannot write /data/journal.jsonl: No space left"}';
    expect(await failureOf(print(line).runs())).toMatchObject({ reason: 'disk-full' });
    const agent = print(heartbeat, line);
    expect(await failureOf(all(agent.follow(request)))).toMatchObject({
      reason: 'disk-full',
      message: expect.stringContaining('/data/journal.jsonl'),
    });
  });

  it('before it fails is in the error, without secrets', async () => {
    const agent = fake('echo "Traceback: HF_TOKEN=hf_abcdefghijklm" >&2; exit 1');
    for (const error of [await failureOf(agent.probe()), await failureOf(all(agent.follow(request)))]) {
      expect(error).toMatchObject({
        reason: 'agent',
        message: expect.stringMatching(/exit status 1.*Traceback/s),
      });
      expect(String(error)).not.toContain('hf_abc');
    }
  });

  it.each([
    ['that the shell has become', 'kill -9 $$'],
    ['that the shell waits for', "sh -c 'kill -9 $$'; exit $?"],
  ])(
    'ends with its death by SIGKILL, of a process %s: lost, and to be tried again',
    async (_which, script) => {
      const killed = fake(script);
      const sampled = all(killed.sample({ intervalMs: 100, device: { kind: 'auto' } }));
      for (const error of [await failureOf(sampled), await failureOf(killed.probe())])
        expect(error).toMatchObject({
          reason: 'lost',
          message: expect.stringContaining('was killed during'),
        });
    },
  );

  it('is missing: said, too', async () => {
    expect(await failureOf(fake('exit 0').probe())).toMatchObject({
      message: expect.stringContaining('without an answer'),
    });
  });

  it('at the start of a run is waited for longer than the agent waits for a driver that hangs', async () => {
    const [, probeSeconds] =
      /^PROBE_SECONDS = (\d+)$/m.exec(readFileSync('src/agent/loadline_agent/runs/start.py', 'utf8')) ?? [];
    const exec = vi.spyOn(host, 'exec');
    const agent = print('{"type":"run-accepted","run":"r","directory":"/r","pid":1}');
    await agent.run(rehearsal({ run: 'r', cells: 1 }));
    await agent.resume('r');
    const waits = exec.mock.calls.map(([, options]) => options?.timeoutMs ?? 0);
    expect(waits).toHaveLength(2);
    for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(2 * Number(probeSeconds) * 1000);
    exec.mockRestore();
  });

  it('with an API key: it comes in the environment and stands in no argv', async () => {
    const agent = fake(
      'read request; grep -q "$LOADLINE_API_KEY" /proc/$$/cmdline /proc/$PPID/cmdline && exit 9; ' +
        `printf '{"type":"error","code":"seen","message":"%s"}\n' "$(printf %s "$LOADLINE_API_KEY" | rev)"`,
    );
    const load = agent.load(
      {
        url: 'http://127.0.0.1:1',
        modelName: null,
        load: rehearsal({ run: 'x', cells: 1 }).cells[0]?.load ?? fail(),
      },
      { apiKey: 'secret-key' },
    );
    expect(await failureOf(all(load))).toMatchObject({ cause: { code: 'seen', message: 'yek-terces' } });
  });
});

function fail(): never {
  throw new Error('the rehearsal has no cell');
}
