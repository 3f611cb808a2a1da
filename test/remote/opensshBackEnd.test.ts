import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAgent } from '../../src/remote/agentClient.ts';
import { connect } from '../../src/remote/connect.ts';
import {
  generateKey,
  type LoopbackSshd,
  type LoopbackSshdOptions,
  startLoopbackSshd,
  waitFor,
} from '../tools/loopbackSshd.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';
import { startFakeSshServer } from './fakeSshServer.ts';
import { buildAgent, connectTo, failureOf, logOf, prompterOf } from './support.ts';

const started: LoopbackSshd[] = [];
async function start(options: LoopbackSshdOptions = {}): Promise<LoopbackSshd> {
  const sshd = await startLoopbackSshd(options);
  started.push(sshd);
  return sshd;
}

/** What the back end leaves on this machine shows here. */
let temporary: string;
const usual = process.env['TMPDIR'];
beforeEach(() => {
  temporary = temporaryFolder('back-end');
  process.env['TMPDIR'] = temporary;
});
afterEach(async () => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  for (const sshd of started.splice(0)) await sshd.stop();
});

const isOurs = (command: string) => command.includes(join(temporary, 'loadline-ssh-'));
const ours = () =>
  readdirSync('/proc').filter((entry) => {
    try {
      return /^\d+$/.test(entry) && isOurs(readFileSync(`/proc/${entry}/cmdline`, 'utf8'));
    } catch {
      return false;
    }
  });

/** No process of a connection and no file of its is left. */
async function nothingIsLeft(): Promise<void> {
  await waitFor(() => ours().length === 0, 'the ssh processes to be gone');
  await waitFor(
    () => readdirSync(temporary).every((name) => !name.startsWith('loadline-ssh-')),
    'the folder to be gone',
  );
}

/** The client's config with these lines first, and without its key where they name another. */
async function configure(sshd: LoopbackSshd, lines: readonly string[]): Promise<void> {
  const config = await readFile(sshd.configFile, 'utf8');
  const kept = lines.some((line) => line.startsWith('IdentityFile'))
    ? config.replace(/.*IdentityFile.*\n/, '')
    : config;
  await writeFile(
    sshd.configFile,
    kept.replace('  HostName', `${lines.map((line) => `  ${line}\n`).join('')}  HostName`),
  );
}

const withOpenssh = { backend: 'openssh' } as const;

describe('the ssh program as back end', () => {
  it('runs the agent, and leaves nothing on this machine', async () => {
    const sshd = await start();
    const host = await connectTo(sshd, withOpenssh);
    const agent = await openAgent(host, buildAgent(), logOf());
    expect((await agent.probe()).type).toBe('probe');
    expect(ours().length).toBeGreaterThan(0);
    await host.dispose();
    await nothingIsLeft();
    await waitFor(() => sshd.connections().length === 0, 'sshd to serve nobody');
  });

  it('goes through jump hosts under the same rules; known_hosts is as it was', async () => {
    const login = await start({ alias: 'login' });
    const gpu = await start({ alias: 'gpu', clientLines: ['ProxyJump login'] });
    await writeFile(login.knownHosts, '');
    await writeFile(gpu.knownHosts, '');
    const configFile = join(gpu.folder, 'joined');
    await writeFile(
      configFile,
      `${await readFile(login.configFile, 'utf8')}\n${await readFile(gpu.configFile, 'utf8')}`,
    );
    const options = { ...withOpenssh, configFile, trustStoreFile: join(gpu.folder, 'trusted.json') };
    const refusing = prompterOf();
    expect(await failureOf(connectTo(gpu, { ...options, prompter: refusing }))).toMatchObject({
      reason: 'host-key-unknown',
    });
    expect(refusing.asked).toHaveLength(1);
    await nothingIsLeft();
    const asked: string[] = [];
    const accepting = prompterOf({
      acceptUnknownHostKey: async ({ host }) => {
        asked.push(host);
        return true;
      },
    });
    await (await connectTo(gpu, { ...options, prompter: accepting })).dispose();
    expect(asked).toEqual(['login', 'gpu']);
    const again = prompterOf();
    await (await connectTo(gpu, { ...options, prompter: again })).dispose();
    expect(again.asked).toEqual([]);
    expect(await readFile(login.knownHosts, 'utf8')).toBe('');
    expect(await readFile(gpu.knownHosts, 'utf8')).toBe('');
    // What the ssh program made known, the other back end knows.
    await (await connectTo(gpu, { ...options, backend: 'ssh2' })).dispose();
    await nothingIsLeft();
  });

  it('asks for a passphrase, wrong once, then right', async () => {
    const sshd = await start();
    const file = join(sshd.folder, 'locked');
    generateKey(file, 'ed25519', 'open sesame');
    await sshd.authorize(await readFile(`${file}.pub`, 'utf8'));
    await configure(sshd, [`IdentityFile ${file}`]);
    const answers = ['wrong', 'open sesame'];
    const log = logOf();
    const prompter = prompterOf({ passphrase: async () => answers.shift() });
    await (await connectTo(sshd, { ...withOpenssh, prompter, log })).dispose();
    expect(prompter.asked).toEqual([`passphrase ${file}`, `passphrase ${file}`]);
    expect(log.lines.join('\n')).not.toMatch(/wrong|sesame/);
    const cancelling = prompterOf();
    expect(await failureOf(connectTo(sshd, { ...withOpenssh, prompter: cancelling }))).toMatchObject({
      reason: 'cancelled',
    });
    expect(cancelling.asked).toHaveLength(1);
    await nothingIsLeft();
  });

  it('asks for a password (a fake server made of ssh2 takes it)', async () => {
    const server = await startFakeSshServer({ methods: ['password'], password: 'secret' });
    const answers = ['guess', 'secret'];
    const prompter = prompterOf({ password: async () => answers.shift() });
    await (await server.connect({ ...withOpenssh, prompter })).dispose();
    expect(prompter.asked).toEqual(['password ann', 'password ann']);
    await server.stop();
    await nothingIsLeft();
  });

  it('passes on what the host asks (a fake server made of ssh2 asks)', async () => {
    const server = await startFakeSshServer({
      methods: ['keyboard-interactive'],
      questions: [{ name: '', instructions: '', prompts: ['Code: '], answers: ['42'] }],
    });
    const prompter = prompterOf({ keyboardInteractive: async () => ['42'] });
    await (await server.connect({ ...withOpenssh, prompter })).dispose();
    expect(prompter.asked).toEqual(['keyboard-interactive Code: ']);
    await server.stop();
  });

  it('says why it is not let in', async () => {
    const sshd = await start();
    const file = join(sshd.folder, 'stranger');
    generateKey(file, 'ed25519');
    await configure(sshd, [`IdentityFile ${file}`]);
    expect(await failureOf(connectTo(sshd, withOpenssh))).toMatchObject({
      reason: 'authentication',
      message: expect.stringContaining('Permission denied (publickey)'),
    });
    await nothingIsLeft();
  });

  it('gives up a host that never speaks, and one that the user thought better of', async () => {
    const server = createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const name = `127.0.0.1:${address.port}`;
    const configFile = join(temporary, 'config');
    await writeFile(configFile, '');
    const options = { ...withOpenssh, prompter: prompterOf(), log: logOf(), configFile };
    expect(await failureOf(connect(name, { ...options, timeoutMs: 300 }))).toMatchObject({
      reason: 'timeout',
    });
    await nothingIsLeft();
    const stop = new AbortController();
    const connecting = failureOf(connect(name, { ...options, signal: stop.signal }));
    server.once('connection', () => stop.abort());
    expect(await connecting).toMatchObject({ reason: 'cancelled' });
    await nothingIsLeft();
    server.close();
  });

  it('whose master is killed: lost, and nothing else is asked or connected in its place', async () => {
    const sshd = await start();
    const prompter = prompterOf();
    const host = await connectTo(sshd, { ...withOpenssh, prompter });
    const closed = new Promise((resolve) => host.onDidClose(resolve));
    const running = failureOf(host.exec(['cat', '/dev/zero']));
    await waitFor(() => ours().length > 1, 'the command to run');
    for (const pid of ours())
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('ControlMaster=yes'))
        process.kill(Number(pid), 'SIGKILL');
    expect(await closed).toMatchObject({ reason: 'lost' });
    expect(await running).toMatchObject({ reason: 'lost' });
    expect(await failureOf(host.exec(['true']))).toMatchObject({ reason: 'lost' });
    expect(prompter.asked).toEqual([]);
    await nothingIsLeft();
    await waitFor(() => sshd.connections().length === 0, 'sshd to serve nobody');
  });
});

describe('what only the ssh program can use', () => {
  it('a certificate: ssh2 says so and names the remedy, which works', async () => {
    const folder = temporaryFolder('certificate');
    const [authority, key] = [join(folder, 'ca'), join(folder, 'key')];
    for (const file of [authority, key]) generateKey(file, 'ed25519');
    const sshd = await start({
      sshdLines: [`TrustedUserCAKeys ${authority}.pub`, 'AuthorizedPrincipalsFile none'],
    });
    const me = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
    execFileSync('ssh-keygen', ['-q', '-s', authority, '-I', 'ann', '-n', me, `${key}.pub`], {
      stdio: 'ignore',
    });
    await configure(sshd, [`IdentityFile ${key}`]);
    const error = await failureOf(connectTo(sshd));
    expect(error).toMatchObject({ reason: 'authentication', remedy: 'openssh-back-end' });
    expect(String(error)).toContain(`${key}-cert.pub: a certificate (ssh-ed25519-cert-v01@openssh.com)`);
    const host = await connectTo(sshd, withOpenssh);
    expect((await host.exec(['echo', 'in'])).stdout).toBe('in\n');
    await host.dispose();
  });

  it('a host certificate: reported by ssh2, checked by the ssh program', async () => {
    const folder = temporaryFolder('certificate');
    const authority = join(folder, 'ca');
    generateKey(authority, 'ed25519');
    const certificate = join(folder, 'host-cert.pub');
    const sshd = await start({ sshdLines: [`HostCertificate ${certificate}`] });
    const publicKey = join(folder, 'host.pub');
    await writeFile(publicKey, await sshd.hostKey());
    execFileSync('ssh-keygen', ['-q', '-s', authority, '-I', 'gpu', '-h', '-n', '127.0.0.1', publicKey], {
      stdio: 'ignore',
    });
    await sshd.restart();
    const [type, key] = (await readFile(`${authority}.pub`, 'utf8')).split(' ');
    await writeFile(sshd.knownHosts, `@cert-authority [127.0.0.1]:${sshd.port} ${type} ${key}\n`);
    const error = await failureOf(connectTo(sshd));
    expect(error).toMatchObject({ reason: 'host-key-unknown', remedy: 'openssh-back-end' });
    expect(String(error)).toContain(`${sshd.knownHosts}:1 names a certificate authority`);
    const prompter = prompterOf();
    await (await connectTo(sshd, { ...withOpenssh, prompter })).dispose();
    expect(prompter.asked).toEqual([]);
  });

  it('a ProxyCommand that passes its socket', async () => {
    const sshd = await start({ clientLines: ['ProxyCommand fd-passer', 'ProxyUseFdpass yes'] });
    expect(await failureOf(connectTo(sshd))).toMatchObject({
      reason: 'config',
      remedy: 'openssh-back-end',
    });
  });

  it('revoked host keys in binary form', async () => {
    const sshd = await start();
    const list = join(sshd.folder, 'revoked');
    const publicKey = join(sshd.folder, 'host.pub');
    await writeFile(publicKey, await sshd.hostKey());
    execFileSync('ssh-keygen', ['-q', '-k', '-f', list, publicKey], { stdio: 'ignore' });
    await configure(sshd, [`RevokedHostKeys ${list}`]);
    expect(await failureOf(connectTo(sshd))).toMatchObject({
      reason: 'known-hosts-unreadable',
      remedy: 'openssh-back-end',
    });
    expect(await failureOf(connectTo(sshd, withOpenssh))).toMatchObject({ reason: 'host-key-revoked' });
    await writeFile(list, `${await sshd.hostKey()}\n`);
    for (const backend of ['ssh2', 'openssh'] as const)
      expect(await failureOf(connectTo(sshd, { backend }))).toMatchObject({
        reason: 'host-key-revoked',
        message: expect.stringContaining(list),
      });
    await rm(list);
    expect(await failureOf(connectTo(sshd))).toMatchObject({ reason: 'known-hosts-unreadable' });
  });
});
