import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAgent } from '../../src/remote/agentClient.ts';
import { type AgentArchive, ensureAgent } from '../../src/remote/agentDeployment.ts';
import type { RemoteHost } from '../../src/remote/host.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';
import { buildAgent, connectTo, failureOf } from './support.ts';

const agent = buildAgent();
const mode = (path: string) => lstatSync(path).mode & 0o777;

/** The host, counting its commands. */
function counting(host: RemoteHost): RemoteHost & { readonly commands: number } {
  let commands = 0;
  return {
    name: host.name,
    kind: host.kind,
    get commands() {
      return commands;
    },
    exec: (argv, options) => {
      commands++;
      return host.exec(argv, options);
    },
    spawn: (argv, options) => host.spawn(argv, options),
    onDidClose: (listener) => host.onDidClose(listener),
    dispose: () => host.dispose(),
  };
}

describe('the agent on a host', () => {
  let sshd: LoopbackSshd;
  let host: RemoteHost;
  let home: string;
  let folder: string;
  let archive: string;
  beforeAll(async () => {
    sshd = await startLoopbackSshd();
    host = await connectTo(sshd);
    home = join(sshd.home, '.cache', 'loadline');
    folder = join(home, `agent-${agent.sha256.slice(0, 16)}`);
    archive = join(folder, 'loadline-agent.pyz');
  });
  beforeEach(() => rm(home, { recursive: true, force: true }));
  afterAll(async () => {
    await host.dispose();
    await sshd.stop();
  });

  it('is put into a folder of its own, for its user alone, and runs', async () => {
    const deployed = await ensureAgent(host, agent);
    expect(deployed).toMatchObject({ path: archive, uploaded: true });
    expect(createHash('sha256').update(readFileSync(archive)).digest('hex')).toBe(agent.sha256);
    expect([mode(home), mode(folder), mode(archive)]).toEqual([0o700, 0o700, 0o600]);
    expect(readdirSync(folder)).toEqual(['loadline-agent.pyz']);
    const hello = await host.exec([...deployed.command, 'hello']);
    expect(JSON.parse(hello.stdout)).toMatchObject({ type: 'hello', python: deployed.pythonVersion });
  });

  it('is found in one round trip where it is already', async () => {
    await ensureAgent(host, agent);
    const counted = counting(host);
    expect(await ensureAgent(counted, agent)).toMatchObject({ path: archive, uploaded: false });
    expect(counted.commands).toBe(1);
  });

  it('is put there anew where its bytes are others', async () => {
    await ensureAgent(host, agent);
    for (const spoiled of [
      Buffer.from(agent.bytes).fill(0, 100, 101),
      Buffer.from(agent.bytes).subarray(0, 1000),
    ]) {
      writeFileSync(archive, spoiled);
      expect(await ensureAgent(host, agent)).toMatchObject({ uploaded: true });
      expect(Buffer.compare(readFileSync(archive), agent.bytes)).toBe(0);
    }
  });

  it('replaces a link in its place and leaves what it leads to', async () => {
    await ensureAgent(host, agent);
    const elsewhere = join(sshd.folder, 'elsewhere');
    writeFileSync(elsewhere, agent.bytes);
    await rm(archive);
    symlinkSync(elsewhere, archive);
    expect(await ensureAgent(host, agent)).toMatchObject({ uploaded: true });
    expect(lstatSync(archive).isSymbolicLink()).toBe(false);
  });

  it.each(['the home', 'the version'])('refuses a link in the place of %s folder', async (which) => {
    const link = which === 'the home' ? home : folder;
    const trap = join(sshd.folder, 'trap');
    mkdirSync(trap, { recursive: true });
    mkdirSync(dirname(link), { recursive: true, mode: 0o700 });
    symlinkSync(trap, link);
    expect(await failureOf(ensureAgent(host, agent))).toMatchObject({
      reason: 'agent-upload',
      message: expect.stringContaining(`${link} is a symbolic link`),
    });
    expect(readdirSync(trap)).toEqual([]);
    await rm(link);
  });

  it('closes folders that others could read', async () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(home, 0o777);
    chmodSync(folder, 0o777);
    await ensureAgent(host, agent);
    expect([mode(home), mode(folder)]).toEqual([0o700, 0o700]);
  });

  it('that arrives damaged is not kept', async () => {
    const wrong: AgentArchive = { bytes: agent.bytes, sha256: 'f'.repeat(64) };
    expect(await failureOf(ensureAgent(host, wrong))).toMatchObject({
      reason: 'agent-upload',
      message: expect.stringContaining('damaged'),
    });
    expect(readdirSync(join(home, 'agent-ffffffffffffffff'))).toEqual([]);
  });

  it('that finds no space says where, and leaves nothing behind', async () => {
    /** The host with a limit of 4 KiB on the size of files: what a full quota is to a program. */
    const full: RemoteHost = {
      ...counting(host),
      exec: (argv, options) => host.exec(['/bin/sh', '-c', 'ulimit -f 8; exec "$@"', 'sh', ...argv], options),
    };
    expect(await failureOf(ensureAgent(full, agent))).toMatchObject({
      reason: 'disk-full',
      host: sshd.alias,
      message: expect.stringContaining(archive),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is removed with its older versions; runs stay', async () => {
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const client = await openAgent(host, agent, log);
    const older = join(home, 'agent-0123456789abcdef');
    const run = join(home, 'runs', 'a-run');
    for (const path of [older, run]) mkdirSync(path, { recursive: true });
    const { removed, kept } = await client.uninstall({ runs: false });
    expect(removed).toEqual(expect.arrayContaining([older, folder]));
    expect(kept.map(({ path }) => path)).toEqual([join(home, 'runs')]);
    expect(readdirSync(home)).toEqual(['runs']);
    expect(readdirSync(join(home, 'runs'))).toEqual(['a-run']);
  });
});

describe('Python on a host', () => {
  let sshd: LoopbackSshd;
  afterEach(() => sshd.stop());

  /** A host whose PATH has one folder only, for logins too. */
  async function hostWithPath(programs: Readonly<Record<string, string>>): Promise<RemoteHost> {
    const path = join(temporaryFolder('path'), 'bin');
    sshd = await startLoopbackSshd({ environment: { PATH: path }, profile: `PATH=${path}\nexport PATH\n` });
    mkdirSync(path, { recursive: true });
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(path, name), text);
      chmodSync(join(path, name), 0o755);
    }
    return connectTo(sshd);
  }

  it('that is not there is said, with what to do', async () => {
    const host = await hostWithPath({});
    const error = await failureOf(ensureAgent(host, agent));
    expect(error).toMatchObject({ reason: 'no-python', host: sshd.alias });
    expect(String(error)).toContain(`There is no python3 on ${sshd.alias}`);
    expect(String(error)).toContain('Python 3.8 or newer');
    await host.dispose();
  });

  it('that is too old is said with its place and version', async () => {
    const host = await hostWithPath({ python3: '#!/bin/sh\necho 3.6.8\nexit 1\n' });
    const error = await failureOf(ensureAgent(host, agent));
    expect(error).toMatchObject({ reason: 'no-python' });
    expect(String(error)).toMatch(/Python on .* is too old: .*\/python3 is 3\.6\.8/);
    await host.dispose();
  });

  it('is taken by another name where python3 is too old', async () => {
    const host = await hostWithPath({
      python3: '#!/bin/sh\necho 3.6.8\nexit 1\n',
      'python3.11': '#!/bin/sh\nexec /usr/bin/python3 "$@"\n',
    });
    expect((await ensureAgent(host, agent)).python).toMatch(/python3\.11$/);
    await host.dispose();
  });

  it('is found where only a login shell knows of it, whatever the profile prints', async () => {
    sshd = await startLoopbackSshd();
    const path = join(sshd.home, 'conda', 'bin');
    const profile = `echo Welcome; printf 'no newline'; PATH=${path}:/usr/bin:/bin; export PATH; echo bye >&2\n`;
    mkdirSync(path, { recursive: true });
    symlinkSync('/usr/bin/python3', join(path, 'python3'));
    for (const name of ['.profile', '.bash_profile']) writeFileSync(join(sshd.home, name), profile);
    const host = await connectTo(sshd);
    const deployed = await ensureAgent(host, agent);
    expect(deployed.python).toBe(join(sshd.home, 'conda', 'bin', 'python3'));
    const hello = await host.exec([...deployed.command, 'hello']);
    expect(hello.exitCode).toBe(0);
    await host.dispose();
  });
});
