import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentArchive } from '../../src/remote/agentDeployment.ts';
import { type ConnectOptions, connect } from '../../src/remote/connect.ts';
import type { Prompter, RemoteHost, RemoteLog } from '../../src/remote/host.ts';
import type { LoopbackSshd } from '../tools/loopbackSshd.ts';

/** Answers nothing and remembers what it was asked; give answers to those questions that a test expects. */
export function prompterOf(answers: Partial<Prompter> = {}): Prompter & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    acceptUnknownHostKey: async (question) => {
      asked.push(`host key ${question.keyType} ${question.fingerprint}`);
      return answers.acceptUnknownHostKey?.(question) ?? false;
    },
    passphrase: async (question) => {
      asked.push(`passphrase ${question.keyFile}`);
      return answers.passphrase?.(question);
    },
    password: async (question) => {
      asked.push(`password ${question.user}`);
      return answers.password?.(question);
    },
    keyboardInteractive: async (question) => {
      asked.push(`keyboard-interactive ${question.prompts.map(({ prompt }) => prompt).join('|')}`);
      return answers.keyboardInteractive?.(question);
    },
  };
}

export function logOf(): RemoteLog & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    info: (message) => lines.push(message),
    warn: (message) => lines.push(`warning: ${message}`),
    error: (message) => lines.push(`error: ${message}`),
  };
}

export function connectTo(sshd: LoopbackSshd, options: Partial<ConnectOptions> = {}): Promise<RemoteHost> {
  return connect(sshd.alias, {
    prompter: prompterOf(),
    log: logOf(),
    configFile: sshd.configFile,
    trustStoreFile: join(sshd.folder, 'trusted.json'),
    ...options,
  });
}

/** The agent as it ships, built from the sources of this tree. */
export function buildAgent(): AgentArchive {
  const target = join(mkdtempSync(join(tmpdir(), 'loadline-agent-')), 'loadline-agent.pyz');
  execFileSync('python3', ['src/agent/build.py', target]);
  const bytes = readFileSync(target);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The error of a promise that must fail. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie is nobody: its parent has not looked yet.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}
