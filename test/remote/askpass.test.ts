import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Askpass, type AskpassAnswer } from '../../src/remote/askpass.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';

/** The helper as ssh starts it; ssh itself is a fake here. */
describe('the askpass program (started by a fake ssh)', () => {
  let folder: string;
  let answer: AskpassAnswer;
  let askpass: Askpass;
  beforeEach(async () => {
    folder = temporaryFolder('askpass');
    askpass = await Askpass.start(folder, (...question) => answer(...question));
  });
  afterEach(() => askpass.dispose());

  async function ask(prompt: string): Promise<{ readonly code: unknown; readonly stdout: string }> {
    const child = spawn(askpass.program, [prompt], { stdio: ['ignore', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout.on('data', (data) => {
      stdout += String(data);
    });
    const [code] = await once(child, 'close');
    return { code, stdout };
  }

  it('gives the answer as it is, to ssh alone: no file holds it', async () => {
    const secret = 'pass $word\'s "quotes" \\ ü';
    const seen: string[] = [];
    answer = async (prompt) => {
      seen.push(prompt);
      return secret;
    };
    expect(await ask("Enter passphrase for key '/a b': ")).toEqual({ code: 0, stdout: `${secret}\n` });
    expect(seen).toEqual(["Enter passphrase for key '/a b': "]);
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).isFile()) expect(readFileSync(path, 'utf8')).not.toContain(secret);
    }
  });

  it.each([
    ['nobody answers', async () => undefined],
    ['answering fails', () => Promise.reject(new Error('no'))],
  ])('fails where %s', async (_why, how) => {
    answer = how;
    expect(await ask('Password: ')).toEqual({ code: 1, stdout: '' });
  });

  it('tells when ssh waits no longer: a security key was touched', async () => {
    let helper: ChildProcess | undefined;
    const told = new Promise<string>((resolve) => {
      answer = async (prompt, hint, gone) => {
        helper?.kill();
        await gone;
        resolve(`${hint}: ${prompt}`);
        return undefined;
      };
    });
    // exec: the shell of the helper is the helper.
    helper = spawn(askpass.program, ['Confirm user presence for key ED25519-SK'], {
      env: { ...process.env, SSH_ASKPASS_PROMPT: 'none' },
      stdio: 'ignore',
    });
    expect(await told).toBe('none: Confirm user presence for key ED25519-SK');
  });
});
