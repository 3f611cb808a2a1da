import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprint, HostKnowledge, knownHostsName, parseKnownHosts } from '../../src/remote/knownHosts.ts';
import { resolveTarget } from '../../src/remote/sshConfig.ts';
import { generateKey } from '../tools/loopbackSshd.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';

const environment = { ...process.env, HOME: '/home/ann', SSH_AUTH_SOCK: '/run/agent', MY_SOCK: '/run/mine' };

function resolve(name: string, text: string) {
  const configFile = join(temporaryFolder('ssh-config'), 'config');
  writeFileSync(configFile, text);
  return resolveTarget(name, { configFile, environment });
}

describe('the effective config, read by ssh', () => {
  it('follows OpenSSH, and expands paths', async () => {
    const target = await resolve(
      'gpu',
      `Host gpu
        HostName gpu-01.example.com
        User ann
        Port 2222
        IdentityFile ~/.ssh/%h_key
        IdentityFile /keys/two
        IdentitiesOnly yes
        IdentityAgent $MY_SOCK
        UserKnownHostsFile ~/kh1 /etc/kh2
        GlobalKnownHostsFile none
        HostKeyAlias farm
        ConnectTimeout 7
        StrictHostKeyChecking accept-new`,
    );
    expect(target).toMatchObject({
      name: 'gpu',
      hostname: 'gpu-01.example.com',
      user: 'ann',
      port: 2222,
      identityFiles: ['/home/ann/.ssh/gpu-01.example.com_key', '/keys/two'],
      identitiesOnly: true,
      agentSocket: '/run/mine',
      hostKeyAlias: 'farm',
      connectTimeoutMs: 7000,
      strictHostKeyChecking: 'accept-new',
    });
    expect(target.knownHostsFiles.map((file) => file.split('/').at(-1))).toEqual(['kh1', 'kh2']);
  });

  it('lets what was typed win', async () => {
    const text = 'Host gpu\n  HostName gpu-01\n  User ann\n  Port 2222\n';
    expect(await resolve('bob@gpu:22', text)).toMatchObject({ hostname: 'gpu-01', user: 'bob', port: 22 });
  });

  it.each([
    ['yes', 'yes'],
    ['no', 'no'],
    ['off', 'no'],
    ['ask', 'ask'],
    ['accept-new', 'accept-new'],
  ])('StrictHostKeyChecking %s is %s, however ssh spells it', async (written, expected) => {
    const target = await resolve('gpu', `Host gpu\n  StrictHostKeyChecking ${written}\n`);
    expect(target.strictHostKeyChecking).toBe(expected);
  });

  it('has no agent where the config says none', async () => {
    expect((await resolve('gpu', 'Host gpu\n  IdentityAgent none\n')).agentSocket).toBeNull();
    expect((await resolve('gpu', '')).agentSocket).toBe('/run/agent');
  });

  it.each(['ProxyJump login', 'ProxyCommand nc %h %p'])('says that %s is not done yet', async (line) => {
    await expect(resolve('gpu', `Host gpu\n  ${line}\n`)).rejects.toMatchObject({
      reason: 'config',
      message: expect.stringContaining(line.split(' ')[0] ?? ''),
    });
    await expect(resolve('gpu', 'Host gpu\n  ProxyJump none\n')).resolves.toMatchObject({ hostname: 'gpu' });
  });

  it('gives the complaint of ssh about a broken config', async () => {
    await expect(resolve('gpu', 'Host gpu\n  NoSuchOption yes\n')).rejects.toMatchObject({
      reason: 'config',
      message: expect.stringMatching(/line 2.*nosuchoption/i),
    });
  });
});

describe('known_hosts', () => {
  it('agrees with ssh-keygen on names, hashes and fingerprints', () => {
    const folder = temporaryFolder('known-hosts');
    const file = join(folder, 'known_hosts');
    const keyFile = join(folder, 'key');
    generateKey(keyFile, 'ecdsa');
    const [type = '', encoded = ''] = readFileSync(`${keyFile}.pub`, 'utf8').split(' ');
    const blob = Buffer.from(encoded, 'base64');
    writeFileSync(
      file,
      ['gpu-01', '[gpu-02]:2222', '10.1.2.3'].map((name) => `${name} ${type} ${encoded}\n`).join(''),
    );
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const entries = parseKnownHosts(readFileSync(file, 'utf8'), file);
    expect(entries.map((entry) => entry.patterns.startsWith('|1|'))).toEqual([true, true, true]);
    for (const [host, port] of [
      ['gpu-01', 22],
      ['gpu-02', 2222],
      ['10.1.2.3', 22],
    ] as const)
      expect(new HostKnowledge(entries, knownHostsName(host, port), []).judge(blob, new Set()).kind).toBe(
        'known',
      );
    expect(execFileSync('ssh-keygen', ['-lf', `${keyFile}.pub`], { encoding: 'utf8' })).toContain(
      fingerprint(blob),
    );
  });
});
