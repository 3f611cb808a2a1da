import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDestination } from '../../../src/remote/destination.ts';
import { RemoteError } from '../../../src/remote/host.ts';
import { listHostAliases } from '../../../src/remote/hostAliases.ts';
import { parseEffectiveConfig } from '../../../src/remote/sshConfig.ts';
import { evaluateConfigFiles } from '../../../src/remote/sshConfigFiles.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';

const environment = { ...process.env, HOME: '/home/ann', SSH_AUTH_SOCK: '/run/agent', MY_SOCK: '/run/mine' };

function configFile(text: string): string {
  const file = join(temporaryFolder('ssh-config'), 'config');
  writeFileSync(file, text);
  return file;
}

describe('what was typed', () => {
  it.each([
    ['gpu-01', { host: 'gpu-01', user: null, port: null }],
    ['ann@gpu-01', { host: 'gpu-01', user: 'ann', port: null }],
    ['ann@gpu-01:2222', { host: 'gpu-01', user: 'ann', port: 2222 }],
    ['a@b@gpu-01', { host: 'gpu-01', user: 'a@b', port: null }],
    ['[2001:db8::1]:2222', { host: '2001:db8::1', user: null, port: 2222 }],
    ['2001:db8::1', { host: '2001:db8::1', user: null, port: null }],
  ])('%s', (name, expected) => {
    expect(parseDestination(name)).toEqual(expected);
  });

  it.each([
    '-oProxyCommand=touch /tmp/x',
    'ann@-oProxyCommand=x',
    '-l@gpu-01',
    '',
    '@gpu-01',
    'gpu-01:0',
    'gpu-01:70000',
    'gpu-01:ssh',
    'gpu 01',
    'gpu;id',
    'gpu$(id)',
    'gpu\n01',
  ])('refuses %j', (name) => {
    expect(() => parseDestination(name)).toThrow(RemoteError);
  });
});

describe('what ssh -G printed', () => {
  it('takes file names with blanks apart, quoted or as ssh prints them', () => {
    const parse = (value: string) =>
      parseEffectiveConfig(
        'gpu',
        { host: 'gpu', user: null, port: null },
        `userknownhostsfile ${value}\nglobalknownhostsfile none`,
        environment,
      ).knownHostsFiles;
    expect(parse('/a/b c /d/e')).toEqual(['/a/b c', '/d/e']);
    expect(parse('"/a/b c" ~/d')).toEqual(['/a/b c', '/home/ann/d']);
    expect(parse('none')).toEqual([]);
  });

  it('takes the name for a host, with the defaults of OpenSSH, where there is no ssh', () => {
    const target = parseEffectiveConfig('gpu', { host: 'gpu', user: null, port: null }, '', environment);
    expect(target).toMatchObject({
      hostname: 'gpu',
      port: 22,
      strictHostKeyChecking: 'ask',
      identitiesOnly: false,
    });
    expect(target.knownHostsFiles[0]).toBe('/home/ann/.ssh/known_hosts');
  });
});

describe('host aliases', () => {
  it('come from the config and what it includes, without patterns', async () => {
    const home = temporaryFolder('ssh-config');
    const file = join(home, '.ssh', 'config');
    const folder = join(home, '.ssh', 'conf.d');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'b.conf'), 'Host from-b\n');
    writeFileSync(join(folder, 'a.conf'), 'Host from-a "quoted name"\nInclude config\n');
    writeFileSync(join(folder, '.hidden'), 'Host hidden\n');
    writeFileSync(
      file,
      'Include conf.d/*\nHost gpu-01 gpu-* !gpu-09 gpu-02 # a comment\nhost=gpu-03\n  HostName x\nMatch host y\nHost *\n',
    );
    expect(await listHostAliases(undefined, home)).toEqual([
      'from-a',
      'quoted name',
      'gpu-01',
      'gpu-02',
      'gpu-03',
      'from-b',
    ]);
  });

  it('of a relative Include are those of ~/.ssh, however deep it stands and wherever its file is', async () => {
    const home = temporaryFolder('ssh-config');
    mkdirSync(join(home, '.ssh', 'conf.d'), { recursive: true });
    const elsewhere = configFile('Include conf.d/first\nInclude second\n');
    writeFileSync(join(elsewhere, '..', 'second'), 'Host beside-the-file\n');
    writeFileSync(join(home, '.ssh', 'conf.d', 'first'), 'Host first\nInclude second\n');
    writeFileSync(join(home, '.ssh', 'conf.d', 'second'), 'Host beside-the-included\n');
    writeFileSync(join(home, '.ssh', 'second'), 'Host second\n');
    expect(await listHostAliases(elsewhere, home)).toEqual(['first', 'second']);
    // The other reader of these files is of the same mind.
    const settings = (host: string) =>
      evaluateConfigFiles({ host, user: null, port: null }, { HOME: home }, elsewhere);
    writeFileSync(join(home, '.ssh', 'second'), 'Host second\n  User ann\n');
    expect(await settings('second')).toContain('user ann');
  });

  it('are none where there is no config', async () => {
    expect(await listHostAliases('/nonexistent/config')).toEqual([]);
  });
});
