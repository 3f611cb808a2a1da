import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/remote/connect.ts';
import { fingerprint } from '../../src/remote/knownHosts.ts';
import { freePort, type LoopbackSshd, startLoopbackSshd, waitFor } from '../tools/loopbackSshd.ts';
import { connectTo, failureOf, isAlive, logOf, prompterOf } from './support.ts';

/** Real OpenSSH servers, each with a key, a client's key and a known_hosts of its own: what one takes the others refuse. */
const started: LoopbackSshd[] = [];
afterEach(async () => {
  for (const sshd of started.splice(0)) await sshd.stop();
});

async function start(
  alias: string,
  options: { readonly clientLines?: readonly string[]; readonly sshdLines?: readonly string[] } = {},
): Promise<LoopbackSshd> {
  const sshd = await startLoopbackSshd({ alias, ...options });
  started.push(sshd);
  return sshd;
}

/** One config with the Host blocks of all. */
async function joinConfigs(): Promise<string> {
  const [first, ...others] = started;
  if (!first) throw new Error('no server');
  const texts = await Promise.all(others.map((sshd) => readFile(sshd.configFile, 'utf8')));
  const file = join(first.folder, 'joined_config');
  await writeFile(file, [await readFile(first.configFile, 'utf8'), ...texts].join('\n'));
  return file;
}

const served = async (sshd: LoopbackSshd) => (await sshd.log()).includes('Accepted publickey');

describe('through jump hosts', () => {
  it('each with its own key, user, port and host key; nothing is left open', async () => {
    const login = await start('login');
    const inner = await start('inner', { clientLines: ['ProxyJump nowhere-at-all'] });
    const gpu = await start('gpu', { clientLines: ['ProxyJump login,inner'] });
    const log = logOf();
    const host = await connectTo(gpu, { configFile: await joinConfigs(), log });
    expect((await host.exec(['printenv', 'HOME'])).stdout).toBe(`${gpu.home}\n`);
    expect(await Promise.all([login, inner, gpu].map(served))).toEqual([true, true, true]);
    expect(log.lines.filter((line) => /host key .* is known/.test(line))).toHaveLength(3);
    await host.dispose();
    for (const sshd of [login, inner, gpu])
      await waitFor(() => sshd.connections().length === 0, `${sshd.alias} to serve nobody`);
  });

  it('that themselves are reached through another by their own config', async () => {
    await start('login');
    await start('inner', { clientLines: ['ProxyJump login'] });
    const gpu = await start('gpu', { clientLines: ['ProxyJump inner'] });
    const host = await connectTo(gpu, { configFile: await joinConfigs() });
    expect(await Promise.all(started.map(served))).toEqual([true, true, true]);
    await host.dispose();
  });

  it('whose host key has changed: refused, and the host behind is not even tried', async () => {
    const login = await start('login');
    const gpu = await start('gpu', { clientLines: ['ProxyJump login'] });
    await login.changeHostKey();
    const error = await failureOf(connectTo(gpu, { configFile: await joinConfigs() }));
    expect(error).toMatchObject({
      reason: 'host-key-changed',
      message: expect.stringContaining('On the way to gpu: The host key of login'),
    });
    expect(await login.log()).not.toContain('Accepted');
    // The one connection is how the test saw that the server listens.
    expect((await gpu.log()).match(/Connection from/g)).toHaveLength(1);
  });

  it('whose host key is not known: asked about by name, and the host behind as well', async () => {
    const login = await start('login');
    const gpu = await start('gpu', { clientLines: ['ProxyJump login'] });
    await writeFile(login.knownHosts, '');
    await writeFile(gpu.knownHosts, '');
    const asked: string[] = [];
    const prompter = prompterOf({
      acceptUnknownHostKey: async ({ host, fingerprint: shown }) => {
        asked.push(`${host} ${shown}`);
        return true;
      },
    });
    await (await connectTo(gpu, { configFile: await joinConfigs(), prompter })).dispose();
    const keyOf = async (sshd: LoopbackSshd) =>
      fingerprint(Buffer.from((await sshd.hostKey()).split(' ')[1] ?? '', 'base64'));
    expect(asked).toEqual([`login ${await keyOf(login)}`, `gpu ${await keyOf(gpu)}`]);
  });

  it('that do not pass on', async () => {
    await start('login', { sshdLines: ['AllowTcpForwarding no'] });
    const gpu = await start('gpu', { clientLines: ['ProxyJump login'] });
    const [login] = started;
    expect(await failureOf(connectTo(gpu, { configFile: await joinConfigs() }))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('AllowTcpForwarding'),
    });
    await waitFor(() => login?.connections().length === 0, 'the connection to be closed');
  });

  it('that find nobody there', async () => {
    await start('login');
    const gpu = await start('gpu', { clientLines: [`Port ${await freePort()}`, 'ProxyJump login'] });
    expect(await failureOf(connectTo(gpu, { configFile: await joinConfigs() }))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('The jump host cannot connect to gpu'),
    });
  });

  it('that do not let us in', async () => {
    const login = await start('login', { sshdLines: ['DenyUsers *'] });
    const gpu = await start('gpu', { clientLines: ['ProxyJump login'] });
    expect(await failureOf(connectTo(gpu, { configFile: await joinConfigs() }))).toMatchObject({
      reason: 'authentication',
      message: expect.stringContaining('On the way to gpu: login did not let'),
    });
    await waitFor(() => login.connections().length === 0, 'the connection to be closed');
  });

  it('of which one is cut: the command is lost, and said to be', async () => {
    const login = await start('login');
    const gpu = await start('gpu', { clientLines: ['ProxyJump login'] });
    const host = await connectTo(gpu, { configFile: await joinConfigs() });
    const closed = new Promise((resolve) => host.onDidClose(resolve));
    const running = failureOf(host.exec(['cat', '/dev/zero']));
    login.dropConnections();
    expect(await closed).toMatchObject({ reason: 'lost' });
    expect(await running).toMatchObject({ reason: 'lost' });
    await waitFor(() => gpu.connections().length === 0, 'the host behind to serve nobody');
  });

  it('in a circle', async () => {
    const gpu = await start('gpu', { clientLines: ['ProxyJump login'] });
    await start('login', { clientLines: ['ProxyJump gpu'] });
    expect(await failureOf(connectTo(gpu, { configFile: await joinConfigs() }))).toMatchObject({
      reason: 'config',
      message: expect.stringContaining('in a circle'),
    });
  });

  it('whose name is an option of ssh', async () => {
    const config = join((await start('gpu')).folder, 'config');
    await writeFile(config, 'Host gpu\n  ProxyJump -oProxyCommand=id\n');
    const options = { prompter: prompterOf(), log: logOf(), configFile: config };
    expect(await failureOf(connect('gpu', options))).toMatchObject({ reason: 'config' });
  });
});

describe('through a ProxyCommand', () => {
  /** A pipe to the port in node, which says its own process id first. */
  const piper = (folder: string) =>
    `echo $$ > ${folder}/pid; echo 'by the proxy' >&2; exec ${process.execPath} -e "const s=require('net').connect(process.argv[2],process.argv[1]);process.stdin.pipe(s);s.pipe(process.stdout)" %h %p`;

  async function startWithProxy(command: (folder: string) => string): Promise<LoopbackSshd> {
    const gpu = await start('gpu');
    const script = join(gpu.folder, 'proxy.sh');
    await writeFile(script, command(gpu.folder).replace('%h', '$1').replace('%p', '$2'));
    await writeFile(
      gpu.configFile,
      (await readFile(gpu.configFile, 'utf8')).replace(
        'HostName',
        `ProxyCommand /bin/sh ${script} %h %p %r\n  HostName`,
      ),
    );
    return gpu;
  }

  const pidOf = async (gpu: LoopbackSshd) => Number(await readFile(join(gpu.folder, 'pid'), 'utf8'));

  it('which ends with the connection; what it says is in the log', async () => {
    const gpu = await startWithProxy(piper);
    const log = logOf();
    const host = await connectTo(gpu, { log });
    expect((await host.exec(['printenv', 'HOME'])).stdout).toBe(`${gpu.home}\n`);
    expect(log.lines).toContain('warning: gpu: ProxyCommand: by the proxy');
    const pid = await pidOf(gpu);
    expect(isAlive(pid)).toBe(true);
    await host.dispose();
    await waitFor(() => !isAlive(pid), 'the ProxyCommand to be gone');
  });

  it('which is OpenSSH itself', async () => {
    const login = await start('login');
    const gpu = await start('gpu');
    const config = await joinConfigs();
    const text = await readFile(config, 'utf8');
    await writeFile(
      config,
      text.replace('Host gpu\n', `Host gpu\n  ProxyCommand ssh -F ${config} -W %h:%p login\n`),
    );
    const host = await connectTo(gpu, { configFile: config });
    expect((await host.exec(['printenv', 'HOME'])).stdout).toBe(`${gpu.home}\n`);
    await host.dispose();
    await waitFor(() => login.connections().length === 0, 'the jump host to serve nobody');
  });

  it('which is killed in mid-stream: lost', async () => {
    const gpu = await startWithProxy(piper);
    const host = await connectTo(gpu);
    const closed = new Promise((resolve) => host.onDidClose(resolve));
    process.kill(await pidOf(gpu), 'SIGKILL');
    expect(await closed).toMatchObject({ reason: 'lost' });
    expect(await failureOf(host.exec(['true']))).toMatchObject({ reason: 'lost' });
  });

  it('which fails: its own words are in the error', async () => {
    const gpu = await startWithProxy(() => 'echo "no ticket for you" >&2; exit 3');
    const error = await failureOf(connectTo(gpu));
    expect(error).toMatchObject({ reason: 'unreachable' });
    expect(String(error)).toContain('The ProxyCommand ended with status 3: no ticket for you');
  });

  it('which never speaks is ended with the attempt', async () => {
    const gpu = await startWithProxy((folder) => `echo $$ > ${folder}/pid; exec sleep 1000`);
    const error = await failureOf(connectTo(gpu, { timeoutMs: 3000 }));
    expect(error).toMatchObject({ reason: 'timeout' });
    const pid = await pidOf(gpu);
    await waitFor(() => !isAlive(pid), 'the ProxyCommand to be gone');
  });
});
