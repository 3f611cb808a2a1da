import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { redact } from './redact.ts';
import type { Transport } from './transport.ts';

const keptOfStderr = 2000;

/**
 * A ProxyCommand of the SSH config, started by the user's shell as OpenSSH starts it; SSH is spoken over its pipes. It ends
 * with the connection, and all that it started in its process group. `command`: its tokens are expanded already.
 */
export function proxyCommandTransport(
  command: string,
  environment: NodeJS.ProcessEnv,
  warn: (line: string) => void,
): Transport {
  const child = start(command, environment);
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    const text = data.toString('utf8');
    said = (said + text).slice(-keptOfStderr);
    for (const line of text.split('\n')) if (line.trim() !== '') warn(line.trim());
  });
  const stream = pipes(child);
  let ending = '';
  child.once('error', (error) => {
    said += error.message;
    stream.push(null);
  });
  child.once('close', (code, signal) => {
    ending = signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
    stream.push(null);
  });
  return {
    stream,
    dispose: () => {
      stream.destroy();
      end(child);
    },
    complaint: () => {
      const text = redact(said.trim());
      if (ending === '' && text === '') return '';
      return `The ProxyCommand ${ending || 'is still running'}${text === '' ? '.' : `: ${text}`}`;
    },
  };
}

/**
 * Both pipes as one stream. Its end is for the caller to tell, after the last words on stderr; that the command reads no
 * more is no end: what it has to say is still to come.
 */
function pipes({ stdin, stdout }: ChildProcessWithoutNullStreams): Duplex {
  const stream = new Duplex({
    allowHalfOpen: false,
    read: () => {
      stdout.resume();
    },
    write: (chunk, _encoding, done) => {
      stdin.write(chunk, () => done());
    },
    final: (done) => {
      stdin.end();
      done();
    },
  });
  stdout.on('data', (data: Buffer) => {
    if (!stream.push(data)) stdout.pause();
  });
  for (const pipe of [stdin, stdout, stream]) pipe.on('error', () => {});
  return stream;
}

function start(command: string, environment: NodeJS.ProcessEnv): ChildProcessWithoutNullStreams {
  if (process.platform === 'win32')
    return spawn(command, { shell: true, env: environment, stdio: 'pipe', windowsHide: true });
  return spawn(environment['SHELL'] || '/bin/sh', ['-c', `exec ${command}`], {
    env: environment,
    stdio: 'pipe',
    detached: true,
  });
}

function end({ pid, exitCode, signalCode }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined) return;
  try {
    if (process.platform !== 'win32') process.kill(-pid, 'SIGKILL');
    else if (exitCode === null && signalCode === null) process.kill(pid);
  } catch {
    // Nothing of the group is left.
  }
}
