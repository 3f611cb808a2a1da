import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { exitCodes } from './exitCodes.ts';
import type { Terminal } from './terminal.ts';

/** This process as a terminal. The first Ctrl-C is `interrupted`, the second ends it. */
export function processTerminal(agentArchive: string, packageFile: string): Terminal {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const live = process.stderr.isTTY === true;
  let status = '';
  const clear = () => {
    if (status !== '') process.stderr.write('\r\u001b[K');
    status = '';
  };
  return {
    out: (line) => {
      clear();
      process.stdout.write(`${line}\n`);
    },
    err: (line) => {
      clear();
      process.stderr.write(`${line}\n`);
    },
    ...(live
      ? {
          status: (line: string) => {
            clear();
            status = line.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1));
            process.stderr.write(status);
          },
        }
      : {}),
    ...(live && process.stdin.isTTY === true
      ? {
          ask: (question: string, { secret }: { readonly secret: boolean }) => {
            clear();
            return askOnTerminal(question, secret);
          },
        }
      : {}),
    interrupted: controller.signal,
    cwd: currentFolder(),
    agentArchive,
    version: versionOf(packageFile),
  };
}

/** Ends the process where another one has removed the folder: nothing can be found from there. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    process.stderr.write('The current folder is not there any more: change to another one.\n');
    process.exit(exitCodes.badInput);
  }
}

function askOnTerminal(question: string, secret: boolean): Promise<string | undefined> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: secret ? silent : process.stderr,
    terminal: true,
  });
  return new Promise((resolve) => {
    const end = (answer: string | undefined) => {
      lines.close();
      if (secret) process.stderr.write('\n');
      resolve(answer);
    };
    lines.once('SIGINT', () => end(undefined));
    lines.once('close', () => resolve(undefined));
    if (secret) process.stderr.write(question);
    lines.question(secret ? '' : question, end);
  });
}

function versionOf(packageFile: string): string {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { readonly version: string };
  return version;
}
