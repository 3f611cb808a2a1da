import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateKey, type LoopbackSshd, startLoopbackSshd, waitFor } from '../tools/loopbackSshd.ts';
import { type FakeSshServer, startFakeSshServer } from './fakeSshServer.ts';
import { connectTo, failureOf, logOf, prompterOf } from './support.ts';

describe('keys', () => {
  let sshd: LoopbackSshd;
  afterEach(() => sshd.stop());

  /** A server that lets the key at `name` in; the client's config has only what is given. */
  async function startWith(name: string, type: string, passphrase: string, more: readonly string[] = []) {
    sshd = await startLoopbackSshd();
    const file = join(sshd.folder, name);
    generateKey(file, type, passphrase, more);
    await sshd.authorize(await readFile(`${file}.pub`, 'utf8'));
    await useOnly([`IdentityFile ${file}`]);
    return file;
  }

  async function useOnly(lines: readonly string[]) {
    const config = await readFile(sshd.configFile, 'utf8');
    const kept = config.split('\n').filter((line) => !/Identit/.test(line));
    await writeFile(sshd.configFile, [...kept, ...lines.map((line) => `  ${line}`), ''].join('\n'));
  }

  it.each([
    ['ed25519', []],
    ['ecdsa', []],
    ['rsa', []],
    ['rsa', ['-m', 'PEM']],
  ])('of type %s %j open the door', async (type, more) => {
    await startWith('key', type, '', more);
    await useOnly([`IdentityFile ${join(sshd.folder, 'key')}`, 'IdentityAgent none']);
    await (await connectTo(sshd)).dispose();
  });

  it.each([
    ['ed25519', []],
    ['rsa', ['-m', 'PEM']],
  ])('with a passphrase (%s %j): asked for, wrong once, then right', async (type, more) => {
    const file = await startWith('locked', type, 'open sesame', more);
    await useOnly([`IdentityFile ${file}`, 'IdentityAgent none']);
    const answers = ['wrong', 'open sesame'];
    const log = logOf();
    const prompter = prompterOf({ passphrase: async () => answers.shift() });
    await (await connectTo(sshd, { prompter, log })).dispose();
    expect(prompter.asked).toEqual([`passphrase ${file}`, `passphrase ${file}`]);
    expect(log.lines.join('\n')).not.toMatch(/wrong|sesame/);
  });

  it('with a passphrase that nobody gives end the connecting', async () => {
    const file = await startWith('locked', 'ed25519', 'open sesame');
    await useOnly([`IdentityFile ${file}`, 'IdentityAgent none']);
    expect(await failureOf(connectTo(sshd))).toMatchObject({ reason: 'cancelled' });
    await waitFor(() => sshd.connections().length === 0, 'the connection to be closed');
  });

  it('with a passphrase are not asked about where the host does not take them', async () => {
    sshd = await startLoopbackSshd();
    const file = join(sshd.folder, 'stranger');
    generateKey(file, 'ed25519', 'open sesame');
    await useOnly([`IdentityFile ${file}`, 'IdentityAgent none']);
    const prompter = prompterOf();
    const error = await failureOf(connectTo(sshd, { prompter }));
    expect(error).toMatchObject({ reason: 'authentication', message: expect.stringContaining(file) });
    expect(prompter.asked).toEqual([]);
  });

  it('are tried one after the other', async () => {
    const file = await startWith('third', 'ed25519', '');
    for (const name of ['first', 'second']) generateKey(join(sshd.folder, name), 'ed25519');
    const files = [
      join(sshd.folder, 'missing'),
      join(sshd.folder, 'first'),
      join(sshd.folder, 'second'),
      file,
    ];
    await useOnly([...files.map((one) => `IdentityFile ${one}`), 'IdentityAgent none']);
    await (await connectTo(sshd)).dispose();
  });

  it('that only OpenSSH itself can use are named with the reason', async () => {
    sshd = await startLoopbackSshd();
    const wire = (...parts: string[]) =>
      Buffer.concat(parts.flatMap((part) => [Buffer.from([0, 0, 0, part.length]), Buffer.from(part)]));
    const types = ['sk-ssh-ed25519@openssh.com', 'ssh-ed25519-cert-v01@openssh.com'];
    const files = types.map((_, index) => join(sshd.folder, `key${index}`));
    for (const [index, type] of types.entries())
      await writeFile(
        `${files[index]}.pub`,
        `${type} ${wire(type, 'x'.repeat(32)).toString('base64')} someone\n`,
      );
    await useOnly([...files.map((file) => `IdentityFile ${file}`), 'IdentityAgent none']);
    const error = String(await failureOf(connectTo(sshd)));
    expect(error).toContain(`${files[0]}: a security key (sk-ssh-ed25519@openssh.com)`);
    expect(error).toContain(`${files[1]}: a certificate (ssh-ed25519-cert-v01@openssh.com)`);
    expect(await failureOf(connectTo(sshd))).toMatchObject({ remedy: 'openssh-back-end' });
  });

  describe('of the SSH agent', () => {
    let stopAgent: () => Promise<void>;
    let socket: string;
    beforeEach(async () => {
      sshd = await startLoopbackSshd();
      socket = join(sshd.folder, 'agent.sock');
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
      await once(agent.stdout, 'data');
      stopAgent = async () => {
        const exited = once(agent, 'exit');
        agent.kill();
        await exited;
      };
    });
    afterEach(() => stopAgent());

    const add = (file: string) =>
      execFileSync('ssh-add', ['-q', file], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
        stdio: 'ignore',
      });

    it('open the door without a file', async () => {
      add(sshd.identityFile);
      await useOnly([`IdentityAgent ${socket}`, 'IdentityFile /nonexistent/key']);
      await (await connectTo(sshd)).dispose();
    });

    it('are used in place of a file with a passphrase', async () => {
      const file = join(sshd.folder, 'rsa');
      generateKey(file, 'rsa');
      add(file);
      execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'open sesame', '-f', file], {
        stdio: 'ignore',
      });
      await sshd.authorize(await readFile(`${file}.pub`, 'utf8'));
      await useOnly([`IdentityAgent ${socket}`, `IdentityFile ${file}`, 'IdentitiesOnly yes']);
      const prompter = prompterOf();
      await (await connectTo(sshd, { prompter })).dispose();
      expect(prompter.asked).toEqual([]);
    });

    it('are left alone where IdentitiesOnly names others', async () => {
      add(sshd.identityFile);
      await useOnly([`IdentityAgent ${socket}`, 'IdentityFile /nonexistent/key', 'IdentitiesOnly yes']);
      const error = await failureOf(connectTo(sshd));
      expect(error).toMatchObject({
        reason: 'authentication',
        message: expect.stringContaining('no key to offer'),
      });
    });

    it('are done without where there is no agent', async () => {
      await useOnly(['IdentityAgent /nonexistent/agent.sock', `IdentityFile ${sshd.identityFile}`]);
      const log = logOf();
      await (await connectTo(sshd, { log })).dispose();
      expect(log.lines.join('\n')).toContain('/nonexistent/agent.sock');
    });
  });
});

/** What OpenSSH's server cannot do here without PAM: a fake server made of ssh2's own, which says what it was sent. */
describe('questions of the host', () => {
  let server: FakeSshServer;
  afterEach(() => server.stop());

  it('keyboard-interactive: shown with name and instructions, several prompts, then let in', async () => {
    server = await startFakeSshServer({
      methods: ['keyboard-interactive'],
      questions: [
        {
          name: 'Two factors',
          instructions: 'Token first',
          prompts: ['Token: ', 'Word: '],
          answers: ['123456', 'xyz'],
        },
      ],
    });
    const seen: unknown[] = [];
    const prompter = prompterOf({
      keyboardInteractive: async (question) => {
        seen.push(question);
        return ['123456', 'xyz'];
      },
    });
    const log = logOf();
    await (await server.connect({ prompter, log })).dispose();
    expect(seen).toEqual([
      {
        host: server.name,
        name: 'Two factors',
        instructions: 'Token first',
        prompts: [
          { prompt: 'Token: ', echo: false },
          { prompt: 'Word: ', echo: false },
        ],
      },
    ]);
    expect(log.lines.join('\n')).not.toMatch(/123456|xyz/);
  });

  it('keyboard-interactive: several rounds, what may be seen and what not', async () => {
    server = await startFakeSshServer({
      methods: ['keyboard-interactive'],
      questions: [
        { name: '', instructions: '', prompts: ['Account: '], answers: ['ann'], echo: true },
        { name: '', instructions: 'From your phone', prompts: ['Code: '], answers: ['42'] },
      ],
    });
    const seen: string[] = [];
    const prompter = prompterOf({
      keyboardInteractive: async ({ instructions, prompts }) => {
        seen.push(`${instructions}${prompts.map(({ prompt, echo }) => `${prompt}${echo}`).join()}`);
        return prompts.map(({ prompt }) => (prompt === 'Code: ' ? '42' : 'ann'));
      },
    });
    await (await server.connect({ prompter })).dispose();
    expect(seen).toEqual(['Account: true', 'From your phoneCode: false']);
  });

  it('keyboard-interactive: three tries, then told why', async () => {
    server = await startFakeSshServer({
      methods: ['keyboard-interactive'],
      questions: [{ name: '', instructions: '', prompts: ['Token: '], answers: ['right'] }],
    });
    const prompter = prompterOf({ keyboardInteractive: async () => ['wrong'] });
    const error = await failureOf(server.connect({ prompter }));
    expect(error).toMatchObject({ reason: 'authentication' });
    expect(String(error)).toContain('takes: keyboard-interactive');
    expect(prompter.asked).toHaveLength(3);
  });

  it('a password: wrong, then right', async () => {
    server = await startFakeSshServer({ methods: ['password'], password: 'secret' });
    const answers = ['guess', 'secret'];
    const prompter = prompterOf({ password: async () => answers.shift() });
    await (await server.connect({ prompter })).dispose();
    expect(prompter.asked).toHaveLength(2);
  });

  it('a password that nobody gives ends the connecting', async () => {
    server = await startFakeSshServer({ methods: ['password'], password: 'secret' });
    expect(await failureOf(server.connect({}))).toMatchObject({ reason: 'cancelled' });
  });

  it('a key first and then a code', async () => {
    server = await startFakeSshServer({
      methods: ['publickey'],
      thenMethods: ['keyboard-interactive'],
      questions: [{ name: '', instructions: '', prompts: ['Code: '], answers: ['42'] }],
    });
    const prompter = prompterOf({ keyboardInteractive: async () => ['42'] });
    await (await server.connect({ prompter })).dispose();
    expect(prompter.asked).toEqual(['keyboard-interactive Code: ']);
  });

  it('a host that stops answering while it is asked to let us in', async () => {
    server = await startFakeSshServer({ methods: ['password'], silent: true });
    const error = await failureOf(server.connect({ timeoutMs: 3000 }));
    expect(error).toMatchObject({ reason: 'timeout', message: expect.stringContaining('authentication') });
  });

  it('a connection that is closed while it lets us in', async () => {
    server = await startFakeSshServer({ methods: ['password'], hangsUp: true });
    expect(await failureOf(server.connect({}))).toMatchObject({ reason: 'authentication' });
  });
});
