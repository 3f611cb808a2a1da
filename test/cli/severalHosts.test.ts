import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort, type LoopbackSshd, startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { BuiltCli } from './builtCli.ts';

let cli: BuiltCli;
let sshds: LoopbackSshd[] = [];
beforeAll(async () => {
  cli = await BuiltCli.build();
  sshds = [
    await startLoopbackSshd({ alias: 'gpu-a' }),
    await startLoopbackSshd({ alias: 'gpu-b' }),
    // Its agent cannot keep runs: where their folder should be there is a device.
    await startLoopbackSshd({ alias: 'gpu-broken', environment: { LOADLINE_HOME: '/dev/null' } }),
  ];
});
afterAll(async () => {
  for (const sshd of sshds) {
    for (const { pid } of await processesOf(sshd.home)) process.kill(pid, 'SIGKILL');
    await sshd.stop();
  }
});

const plan = `name: fleet
hosts: [gpu-a, gpu-gone, gpu-broken, gpu-b]
gpu: h100-sxm-80gb
engine: { name: vllm, version: "0.26.0" }
model: meta-llama/Llama-3.2-1B-Instruct
load:
  - { concurrency: [4, 8], requests: 140, warmupRequests: 4, input: 20, output: 8 }
`;

it('runs a plan on each of its hosts, and one that fails is said and stops no other', async () => {
  writeFileSync(join(cli.folder, 'fleet.sweep.yaml'), plan);
  const config = join(cli.folder, 'ssh_config');
  const gone = `Host gpu-gone\n  HostName 127.0.0.1\n  Port ${await freePort()}\n`;
  writeFileSync(config, sshds.map((sshd) => readFileSync(sshd.configFile, 'utf8')).join('') + gone);
  const { exitCode, stderr, stdout } = await cli.run(['sweep', '--rehearse', 'fleet.sweep.yaml'], {
    LOADLINE_SSH_CONFIG: config,
  });
  expect(exitCode, stderr).toBe(3);
  expect(stderr).toMatch(/^gpu-gone: .*\[unreachable\]$/m);
  expect(stderr).toMatch(/^gpu-broken: .*LOADLINE_HOME/m);
  for (const host of ['gpu-a', 'gpu-b']) {
    expect(stderr).toMatch(new RegExp(`^${host}: \\[2/2\\] \\(simulated\\)`, 'm'));
    expect(stdout).toContain(`on ${host}`);
  }
  const runs = join(cli.folder, '.loadline', 'runs');
  const results = readdirSync(runs).map((run) =>
    JSON.parse(readFileSync(join(runs, run, 'results.json'), 'utf8')),
  );
  expect(results.map(({ host, outcome }) => `${host} ${outcome}`).sort()).toEqual([
    'gpu-a completed',
    'gpu-b completed',
  ]);
  for (const { home } of sshds.slice(0, 2)) expect(await processesOf(home)).toEqual([]);
});
