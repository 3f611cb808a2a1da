import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectOptions } from '../../src/remote/connect.ts';
import { fingerprint } from '../../src/remote/knownHosts.ts';
import { type LoopbackSshd, type LoopbackSshdOptions, startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { connectTo, failureOf, prompterOf } from './support.ts';

let sshd: LoopbackSshd;
const start = async (options: LoopbackSshdOptions = {}) => {
  await sshd?.stop();
  sshd = await startLoopbackSshd({
    ...options,
    sshdLines: ['LogLevel DEBUG1', ...(options.sshdLines ?? [])],
  });
};
beforeEach(() => start());
afterEach(() => sshd.stop());

const fingerprintOf = (publicKey: string) =>
  fingerprint(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'));

/** sshd writes this when a client asks to be let in, by whatever method: no credential comes without it. */
const authenticationAttempt = 'userauth-request';

async function expectNothingSent(): Promise<void> {
  await sshd.logged('Connection closed by');
  expect(await sshd.log()).not.toContain(authenticationAttempt);
}

describe.each(['ssh2', 'openssh'] as const)('a host key, over %s,', (backend) => {
  const open = (options: Partial<ConnectOptions> = {}) => connectTo(sshd, { backend, ...options });

  it('that is known lets the handshake go on', async () => {
    const prompter = prompterOf();
    await (await open({ prompter })).dispose();
    expect(prompter.asked).toEqual([]);
    // The control of those tests that look for its absence.
    expect(await sshd.log()).toContain(authenticationAttempt);
  });

  it('that is known by a hashed name, too', async () => {
    execFileSync('ssh-keygen', ['-H', '-f', sshd.knownHosts], { stdio: 'ignore' });
    expect(await readFile(sshd.knownHosts, 'utf8')).toMatch(/^\|1\|/);
    await (await open()).dispose();
  });

  it('that is unknown and not accepted is refused before anything is sent', async () => {
    await writeFile(sshd.knownHosts, '');
    const prompter = prompterOf();
    const offered = fingerprintOf(await sshd.hostKey());
    expect(await failureOf(open({ prompter }))).toMatchObject({
      reason: 'host-key-unknown',
      host: sshd.alias,
      message: expect.stringContaining(offered),
    });
    expect(prompter.asked).toEqual([`host key ssh-ed25519 ${offered}`]);
    await expectNothingSent();
  });

  it('that is unknown is refused without a question where the config is strict', async () => {
    await start({ clientLines: ['StrictHostKeyChecking yes'] });
    await writeFile(sshd.knownHosts, '');
    const prompter = prompterOf({ acceptUnknownHostKey: async () => true });
    expect(await failureOf(open({ prompter }))).toMatchObject({ reason: 'host-key-unknown' });
    expect(prompter.asked).toEqual([]);
    await expectNothingSent();
  });

  it.each(['accept-new', 'no'])(
    'that is unknown is accepted without a question where the config says %s, kept, and refused once it has changed',
    async (strict) => {
      await start({ clientLines: [`StrictHostKeyChecking ${strict}`] });
      await writeFile(sshd.knownHosts, '');
      const trustStoreFile = join(sshd.folder, 'state', 'host-keys.json');
      const prompter = prompterOf();
      await (await open({ prompter, trustStoreFile })).dispose();
      expect(await readFile(trustStoreFile, 'utf8')).toContain(fingerprintOf(await sshd.hostKey()));
      expect(await readFile(sshd.knownHosts, 'utf8')).toBe('');
      await sshd.changeHostKey();
      expect(await failureOf(open({ prompter, trustStoreFile }))).toMatchObject({
        reason: 'host-key-changed',
        message: expect.stringContaining('Forget Host Key'),
      });
      expect(prompter.asked).toEqual([]);
    },
  );

  it('that a person accepted is kept in our own file and not asked about again', async () => {
    await writeFile(sshd.knownHosts, '');
    const trustStoreFile = join(sshd.folder, 'state', 'host-keys.json');
    const accepting = prompterOf({ acceptUnknownHostKey: async () => true });
    await (await open({ prompter: accepting, trustStoreFile })).dispose();
    const again = prompterOf();
    await (await open({ prompter: again, trustStoreFile })).dispose();
    expect(again.asked).toEqual([]);
    expect(await readFile(sshd.knownHosts, 'utf8')).toBe('');
    expect((await stat(trustStoreFile)).mode & 0o777).toBe(0o600);
    const accepted = fingerprintOf(await sshd.hostKey());

    await sshd.changeHostKey();
    const error = await failureOf(open({ prompter: accepting, trustStoreFile }));
    expect(error).toMatchObject({ reason: 'host-key-changed', message: expect.stringContaining(accepted) });
    expect(accepting.asked).toHaveLength(1);
  });

  it('that has changed is refused with both fingerprints and no question', async () => {
    const known = fingerprintOf(await sshd.hostKey());
    await sshd.changeHostKey();
    const offered = fingerprintOf(await sshd.hostKey());
    const prompter = prompterOf({ acceptUnknownHostKey: async () => true });
    const error = await failureOf(open({ prompter }));
    expect(error).toMatchObject({ reason: 'host-key-changed', host: sshd.alias });
    expect(String(error)).toContain(`offered: ssh-ed25519 ${offered}`);
    expect(String(error)).toContain(`known:   ssh-ed25519 ${known} (${sshd.knownHosts}:1)`);
    expect(String(error)).toContain(`ssh-keygen -R "[127.0.0.1]:${sshd.port}"`);
    expect(prompter.asked).toEqual([]);
    await expectNothingSent();
  });

  it('that is revoked is refused', async () => {
    const key = await sshd.hostKey();
    const name = `[127.0.0.1]:${sshd.port}`;
    await writeFile(sshd.knownHosts, `${name} ${key}\n@revoked ${name} ${key}\n`);
    expect(await failureOf(open())).toMatchObject({
      reason: 'host-key-revoked',
      message: expect.stringContaining(`${sshd.knownHosts}:2`),
    });
    await expectNothingSent();
  });

  it.each(['ed25519', 'ecdsa', 'rsa'] as const)(
    'of the known type %s is asked for among several',
    async (type) => {
      await start({ hostKeyTypes: ['ed25519', 'ecdsa', 'rsa'] });
      await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${await sshd.hostKey(type)}\n`);
      await (await open()).dispose();
    },
  );

  it('cannot be checked where known_hosts cannot be read, and nothing is sent', async () => {
    await rm(sshd.knownHosts);
    mkdirSync(sshd.knownHosts);
    expect(await failureOf(open())).toMatchObject({
      reason: 'known-hosts-unreadable',
      message: expect.stringContaining(sshd.knownHosts),
    });
    expect(await sshd.log()).not.toContain(authenticationAttempt);
  });

  it('cannot be checked where the keys accepted before cannot be read', async () => {
    const trustStoreFile = join(sshd.folder, 'host-keys.json');
    await writeFile(trustStoreFile, '{"schema":1,"keys":[{"host":"127.');
    expect(await failureOf(open({ trustStoreFile }))).toMatchObject({
      reason: 'known-hosts-unreadable',
      message: expect.stringContaining(trustStoreFile),
    });
    expect(await sshd.log()).not.toContain(authenticationAttempt);
  });

  it('is looked up by HostKeyAlias, without the port', async () => {
    await start({ clientLines: ['HostKeyAlias farm'] });
    await writeFile(sshd.knownHosts, `farm ${await sshd.hostKey()}\n`);
    await (await open()).dispose();
  });
});
