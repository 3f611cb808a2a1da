import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/remote/connect.ts';
import { RemoteError, type RemoteHost } from '../../src/remote/host.ts';
import { ThisMachineHost } from '../../src/remote/thisMachineHost.ts';
import { freePort, type LoopbackSshd, startLoopbackSshd, waitFor } from '../tools/loopbackSshd.ts';
import { all, connectTo, failureOf, isAlive, logOf, prompterOf } from './support.ts';

let sshd: LoopbackSshd;
beforeAll(async () => {
  sshd = await startLoopbackSshd();
});
afterAll(() => sshd.stop());

/** Ends by itself only when nobody takes its output any more. */
const endless = ['/bin/sh', '-c', 'while echo; do sleep 0.05; done'];

/** The same promises, whatever carries the bytes. */
describe.each([
  ['over ssh2', () => connectTo(sshd)],
  ['over the ssh program', () => connectTo(sshd, { backend: 'openssh' })],
  ['on this machine', async () => new ThisMachineHost()],
])('a command %s', (_name, open: () => Promise<RemoteHost>) => {
  let host: RemoteHost;
  beforeAll(async () => {
    host = await open();
  });
  afterAll(() => host.dispose());

  it('gets its words as they are', async () => {
    const words = ['', "it's", 'a b', '$HOME', '`id`', '\\', '!', '-n', 'one\ntwo', '; exit 7', 'grüße 🚢'];
    const { stdout } = await host.exec(['/usr/bin/printf', '%s|', ...words]);
    expect(stdout).toBe(words.map((word) => `${word}|`).join(''));
  });

  it('gives its exit code and both outputs', async () => {
    const result = await host.exec(['/bin/sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(result).toEqual({ exitCode: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  it('has no exit code where a signal ended it', async () => {
    expect((await host.exec(['/bin/sh', '-c', 'kill -9 $$'])).exitCode).toBeNull();
  });

  it('that is not there fails as a shell says it', async () => {
    const result = await host.exec(['no-such-command-of-loadline']);
    expect(result.exitCode).toBe(127);
    expect(result.stderr).toMatch(/not found/);
  });

  it('that is no program fails as a shell says it', async () => {
    const result = await host.exec(['/dev/null']);
    expect(result.exitCode).toBe(126);
    expect(result.stderr).toMatch(/permission denied/i);
  });

  it('takes and gives megabytes', async () => {
    const text = randomBytes(6 * 1024 * 1024).toString('base64');
    const { stdout } = await host.exec(['cat'], { stdin: text });
    const hash = (data: string) => createHash('sha256').update(data).digest('hex');
    expect(hash(stdout)).toBe(hash(text));
  });

  it('runs beside others', async () => {
    const slow = await host.spawn(['cat']);
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) => host.exec(['/bin/sh', '-c', `echo ${index}`])),
    );
    expect(results.map(({ stdout }) => stdout)).toEqual(
      Array.from({ length: 8 }, (_, index) => `${index}\n`),
    );
    slow.write('still here\n');
    slow.closeStdin();
    expect(await all(slow.lines)).toEqual(['still here']);
    expect(await slow.exit).toEqual({ exitCode: 0, lost: false });
  });

  it('gives lines as they come, the last one torn', async () => {
    const process = await host.spawn(['/bin/sh', '-c', 'read a; echo "got $a"; read b; printf "torn $b"']);
    const lines = process.lines[Symbol.asyncIterator]();
    process.write('one\n');
    expect(await lines.next()).toEqual({ done: false, value: 'got one' });
    process.write('two\n');
    expect(await lines.next()).toEqual({ done: false, value: 'torn two' });
    expect((await lines.next()).done).toBe(true);
  });

  it('keeps the end of a long stderr', async () => {
    const process = await host.spawn(['/bin/sh', '-c', 'seq 1 40000 >&2']);
    await all(process.lines);
    await process.exit;
    await waitFor(() => process.stderrTail().endsWith('\n40000\n'), 'the end of stderr');
    expect(process.stderrTail().length).toBeLessThanOrEqual(64 * 1024);
  });

  it('is ended by a signal of ours', async () => {
    const stop = new AbortController();
    const process = await host.spawn(['/bin/sh', '-c', 'echo $$; cat'], { signal: stop.signal });
    const lines = process.lines[Symbol.asyncIterator]();
    const pid = Number((await lines.next()).value);
    expect(isAlive(pid)).toBe(true);
    stop.abort();
    expect((await lines.next()).done).toBe(true);
    await process.exit;
    await waitFor(() => !isAlive(pid), 'the process to be gone');
  });

  it('is ended when its time is over, and that is said', async () => {
    const error = await failureOf(host.exec(endless, { timeoutMs: 100 }));
    expect(error).toMatchObject({ reason: 'timeout', message: expect.stringContaining('0.1 s') });
  });

  it('can be cancelled, also before it has begun', async () => {
    const stop = new AbortController();
    const running = host.exec(endless, { signal: stop.signal });
    stop.abort();
    expect(await failureOf(running)).toMatchObject({ reason: 'cancelled' });
    expect(await failureOf(host.exec(endless, { signal: stop.signal }))).toMatchObject({
      reason: 'cancelled',
    });
  });
});

describe('this machine', () => {
  it('ends all processes of a command with it', async () => {
    const host = new ThisMachineHost();
    const process = await host.spawn(['/bin/sh', '-c', 'sleep 1000 & echo $!; echo $$; wait']);
    const lines = process.lines[Symbol.asyncIterator]();
    const pids = [Number((await lines.next()).value), Number((await lines.next()).value)];
    expect(pids.map(isAlive)).toEqual([true, true]);
    await host.dispose();
    await waitFor(() => !pids.some(isAlive), 'the processes to be gone');
  });
});

describe('this machine', () => {
  it('that is disposed says so once and runs nothing more', () => isDisposed(new ThisMachineHost()));
});

async function isDisposed(host: RemoteHost): Promise<void> {
  const told: unknown[] = [];
  host.onDidClose((error) => told.push(error));
  await host.dispose();
  await host.dispose();
  expect(told).toEqual([null]);
  expect(await failureOf(host.exec(['true']))).toMatchObject({ reason: 'lost' });
}

describe.each(['ssh2', 'openssh'] as const)('a connection over %s', (backend) => {
  it('that is disposed says so once and runs nothing more', async () => {
    await isDisposed(await connectTo(sshd, { backend }));
    await waitFor(() => sshd.connections().length === 0, 'sshd to serve nobody');
  });

  it('that is cut in mid-stream ends every command as lost, and is told', async () => {
    const host = await connectTo(sshd, { backend });
    const closed = new Promise((resolve) => host.onDidClose(resolve));
    const process = await host.spawn(['cat']);
    const waiting = failureOf(host.exec(['cat', '/dev/zero'], { timeoutMs: 60_000 }));
    const lines = process.lines[Symbol.asyncIterator]();
    process.write('one\n');
    expect((await lines.next()).value).toBe('one');
    expect(sshd.dropConnections()).toBeGreaterThan(0);
    expect((await lines.next()).done).toBe(true);
    expect(await process.exit).toEqual({ exitCode: null, lost: true });
    expect(await closed).toMatchObject({ reason: 'lost', host: sshd.alias });
    expect(await waiting).toMatchObject({ reason: 'lost' });
    expect(await failureOf(host.exec(['true']))).toMatchObject({ reason: 'lost' });
    const late = await new Promise((resolve) => host.onDidClose(resolve));
    expect(late).toMatchObject({ reason: 'lost' });
  });

  it('says when the host allows no more sessions', async () => {
    const narrow = await startLoopbackSshd({ sshdLines: ['MaxSessions 1'] });
    try {
      const host = await connectTo(narrow, { backend });
      const first = await host.spawn(['cat']);
      expect(await failureOf(host.exec(['true']))).toMatchObject({
        message: expect.stringContaining('MaxSessions'),
      });
      first.closeStdin();
      await all(first.lines);
      await host.dispose();
    } finally {
      await narrow.stop();
    }
  });
});

describe('a host that cannot be reached', () => {
  const options = { prompter: prompterOf(), log: logOf(), configFile: '/dev/null' };

  /** A server that takes connections and says this. */
  async function speaking(greeting: string): Promise<{ server: Server; port: number }> {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      if (greeting !== '') socket.end(greeting);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return { server, port: address.port };
  }

  it('because nothing listens there', async () => {
    const port = await freePort();
    expect(await failureOf(connect(`127.0.0.1:${port}`, options))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringMatching(`127.0.0.1:${port} refused the connection`),
    });
  });

  it('because there is no such name', async () => {
    expect(await failureOf(connect('no-such-host.invalid', options))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('no host named no-such-host.invalid'),
    });
  });

  it('because it never speaks', async () => {
    const { server, port } = await speaking('');
    const error = await failureOf(connect(`127.0.0.1:${port}`, { ...options, timeoutMs: 2000 }));
    expect(error).toMatchObject({ reason: 'timeout', message: expect.stringContaining('does not speak') });
    server.close();
  });

  it('because something else listens there', async () => {
    const { server, port } = await speaking('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(await failureOf(connect(`127.0.0.1:${port}`, options))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('Check that an SSH server listens there'),
    });
    server.close();
  });

  it('because the user thought better of it', async () => {
    const { server, port } = await speaking('');
    const stop = new AbortController();
    const connecting = connect(`127.0.0.1:${port}`, { ...options, signal: stop.signal });
    await once(server, 'connection');
    stop.abort();
    expect(await failureOf(connecting)).toMatchObject({ reason: 'cancelled' });
    server.close();
  });

  it('because its name is an option of ssh', async () => {
    const error = await failureOf(connect('-oProxyCommand=touch /tmp/loadline-must-not-exist', options));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ reason: 'config' });
  });
});
