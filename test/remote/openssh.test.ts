import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDestination } from '../../src/remote/destination.ts';
import { fingerprint, HostKnowledge, knownHostsName, parseKnownHosts } from '../../src/remote/knownHosts.ts';
import { parseEffectiveConfig, resolveTarget } from '../../src/remote/sshConfig.ts';
import { evaluateConfigFiles } from '../../src/remote/sshConfigFiles.ts';
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

  it('says how the host is reached, with tokens expanded for the shell', async () => {
    const proxyOf = async (lines: string) =>
      (await resolve('bob@gpu', `Host gpu\n  HostName gpu-01\n  Port 2222\n  ${lines}\n`)).proxy;
    expect(await proxyOf('ProxyJump ann@login:2200,inner')).toEqual({
      kind: 'jump',
      hops: ['ann@login:2200', 'inner'],
    });
    expect(await proxyOf('ProxyCommand nc -x proxy:1080 %h %p # %n %r %%')).toEqual({
      kind: 'command',
      command: 'nc -x proxy:1080 gpu-01 2222 # gpu bob %',
      passesSocket: false,
    });
    expect(await proxyOf('ProxyJump none')).toBeNull();
    expect(await proxyOf('ProxyCommand none')).toBeNull();
  });

  it('has keepalive, certificates and revoked keys', async () => {
    const text = `Host gpu
      ServerAliveInterval 20
      ServerAliveCountMax 2
      CertificateFile ~/.ssh/%n-cert.pub
      RevokedHostKeys /etc/ssh/revoked`;
    expect(await resolve('gpu', text)).toMatchObject({
      keepaliveIntervalMs: 20_000,
      keepaliveCountMax: 2,
      certificateFiles: ['/home/ann/.ssh/gpu-cert.pub'],
      revokedKeysFile: '/etc/ssh/revoked',
    });
  });

  it('gives the complaint of ssh about a broken config', async () => {
    await expect(resolve('gpu', 'Host gpu\n  NoSuchOption yes\n')).rejects.toMatchObject({
      reason: 'config',
      message: expect.stringMatching(/line 2.*nosuchoption/i),
    });
  });
});

/** OpenSSH is the judge of our own reading, which stands in where there is no ssh. */
describe('our own reading of the config is that of ssh -G', () => {
  const rest = '\nHost *\n  IdentityFile ~/.ssh/everywhere\n  GlobalKnownHostsFile none\n';
  it.each([
    ['the first value counts', 'Host gpu\n  Port 1\n  Port 2\nHost g*\n  Port 3\n  User ann'],
    ['keys add up', 'Host gpu\n  IdentityFile /a\n  IdentityFile "/b c"\nHost *\n  IdentityFile /d'],
    ['negation', 'Host !gpu *\n  User no\nHost * !other\n  User yes'],
    ['question mark, several patterns', 'Host a b g?u\n  HostName %h.example.com'],
    ['= and tabs and quotes', 'Host="gpu"\n\tUser = ann\n\tHostName="gpu-01"'],
    ['case of keywords and of names', 'HOST GPU\n  user no\nhOST gpu\n  USER yes'],
    ['Match all', 'Match all\n  User ann'],
    ['Match by host name', 'Host gpu\n  HostName gpu-01\nMatch host gpu-0?\n  User ann'],
    ['Match by what was typed', 'Host gpu\n  HostName x\nMatch originalhost gpu,other !user bob\n  Port 9'],
    ['Match by user', 'Match user ann\n  Port 9\nMatch user bob\n  Port 8'],
    ['the jump shuts out the command', 'Host gpu\n  ProxyJump a,b\n  ProxyCommand nc %h %p'],
    ['the command shuts out the jump', 'Host gpu\n  ProxyCommand nc "%h" %p\n  ProxyJump a,b'],
    ['comments', '# Host x\nHost gpu # gpu2\n  User ann # not bob'],
    [
      'known hosts',
      'Host gpu\n  UserKnownHostsFile ~/a /b\n  HostKeyAlias farm\n  StrictHostKeyChecking yes',
    ],
    ['agent', 'Host gpu\n  IdentityAgent /run/agent.sock\n  IdentitiesOnly yes\n  ConnectTimeout 3'],
  ])('%s', async (_name, text) => {
    const folder = temporaryFolder('ssh-config');
    const configFile = join(folder, 'config');
    writeFileSync(configFile, `${text}${rest}`);
    for (const name of ['gpu', 'bob@gpu:2022', 'ann@gpu']) {
      const destination = parseDestination(name);
      const own = await evaluateConfigFiles(destination, environment, configFile);
      const theirs = await resolveTarget(name, { configFile, environment });
      // Compiled into ssh, which says so even where nothing is set: gssapi by distribution.
      expect({ ...parseEffectiveConfig(name, destination, own, environment), gssapi: theirs.gssapi }).toEqual(
        {
          ...theirs,
          knownHostsFiles: expect.anything(),
        },
      );
    }
  });

  it('with Include, which belongs to the block that it stands in', async () => {
    const folder = temporaryFolder('ssh-config');
    const configFile = join(folder, 'config');
    writeFileSync(join(folder, 'one.conf'), 'User ann\nHost gpu\n  Port 7\nHost other\n  Port 8\n');
    writeFileSync(
      configFile,
      `Host nobody\n  Include ${folder}/one.conf\nHost gpu\n  Include ${folder}/*.conf\n  HostName x${rest}`,
    );
    const destination = parseDestination('gpu');
    const own = await evaluateConfigFiles(destination, environment, configFile);
    const parsed = parseEffectiveConfig('gpu', destination, own, environment);
    const theirs = await resolveTarget('gpu', { configFile, environment });
    expect(parsed).toMatchObject({ user: 'ann', port: 7, hostname: 'x' });
    expect(theirs).toMatchObject({ user: 'ann', port: 7, hostname: 'x' });
  });

  it('but runs nothing', async () => {
    const folder = temporaryFolder('ssh-config');
    const configFile = join(folder, 'config');
    writeFileSync(configFile, `Match exec "touch ${folder}/ran"\n  User no\nMatch all\n  User ann\n`);
    expect(await evaluateConfigFiles(parseDestination('gpu'), environment, configFile)).toContain('user ann');
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it('is used where there is no ssh', async () => {
    const configFile = join(temporaryFolder('ssh-config'), 'config');
    writeFileSync(configFile, 'Host gpu\n  HostName gpu-01\n  User ann\n');
    const target = await resolveTarget('gpu', { configFile, environment: { ...environment, PATH: '' } });
    expect(target).toMatchObject({ hostname: 'gpu-01', user: 'ann', port: 22, strictHostKeyChecking: 'ask' });
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
