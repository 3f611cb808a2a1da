import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentProtocol, type CellRequest, type RunRequest } from '../../src/protocol/agent.ts';
import type { AgentArchive } from '../../src/remote/agentDeployment.ts';
import { type ConnectOptions, connect } from '../../src/remote/connect.ts';
import type { Prompter, RemoteHost, RemoteLog } from '../../src/remote/host.ts';
import type { LoopbackSshd } from '../tools/loopbackSshd.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';

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
  const target = join(temporaryFolder('agent'), 'loadline-agent.pyz');
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

/** A rehearsal of some cells on the simulated engine. `requests` a cell and `stepMs` set how long it takes. */
export function rehearsal(options: {
  readonly run: string;
  readonly cells: number;
  readonly requests?: number;
  readonly stepMs?: number;
}): RunRequest {
  const { run, cells, requests = 40, stepMs = 2 } = options;
  const cell = (index: number): CellRequest => ({
    id: `cell-${index}`,
    label: `concurrency ${index + 1}`,
    engineKey: 'one',
    engine: {
      kind: 'simulated',
      name: 'vllm',
      readyTimeoutSeconds: 60,
      parameters: {
        modelName: 'simulated-model',
        engineVersion: '0.26.0',
        startupSeconds: 0.05,
        start: { outcome: 'serves' },
        logLines: ['(simulated) GPU KV cache size: 16,000 tokens'],
        maxModelLen: 2048,
        maxNumSeqs: 64,
        maxNumBatchedTokens: 2048,
        kvBlocks: 1000,
        blockSize: 16,
        step: { baseMs: stepMs, perSequenceMs: 0.05, perKvTokenMs: 0, perPrefillTokenMs: 0.01 },
        noise: { relativeDeviation: 0.01, seed: 3 },
      },
    },
    load: {
      profile: 'closed-loop',
      concurrency: 2,
      requests,
      warmupRequests: 1,
      input: { kind: 'fixed', tokens: 8 },
      output: { kind: 'fixed', tokens: 8 },
      api: 'completions',
      prompt: 'token-ids',
      seed: 1,
    },
    trials: 1,
    expectedSeconds: 1,
    deadlineSeconds: 600,
  });
  return {
    protocol: agentProtocol,
    run,
    name: 'remote test',
    simulated: true,
    plan: 'name: remote test\n',
    environment: {},
    gpus: [],
    telemetry: { intervalMs: 50, device: { kind: 'recorded', name: 'h200-2026-11-static-batch' } },
    leaseSeconds: 120,
    cells: Array.from({ length: cells }, (_, index) => cell(index)),
  };
}
