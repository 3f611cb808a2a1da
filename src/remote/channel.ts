import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type ExecOptions, type ExecResult, RemoteError, type RemoteProcess } from './host.ts';

export interface ChannelExit {
  /** null where a signal ended it, or nobody knows. */
  readonly exitCode: number | null;
  /** True where the connection went before the command did. */
  readonly lost: boolean;
  /** Why the command was not even started, where that is told only now. */
  readonly error?: RemoteError;
}

/** A started command as a back end gives it. What a host offers on top of it is the same for all: see below. */
export interface Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<ChannelExit>;
  kill(): void;
}

const stderrTailBytes = 64 * 1024;
/** More than any answer of the agent; a host that sends more is not sending an answer. */
const largestOutputBytes = 64 * 1024 * 1024;
const longestLineCharacters = 32 * 1024 * 1024;
/** What a command said last may arrive after its exit status. */
const lastWordsMs = 1000;

/**
 * Runs a channel to its end. RemoteError `lost` where the connection went, `timeout` and `cancelled` where the options
 * ended it; a command that fails is no error: its exit code says so.
 */
export function collect(channel: Channel, host: string, options: ExecOptions = {}): Promise<ExecResult> {
  const { stdin, signal, timeoutMs } = options;
  return new Promise<ExecResult>((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr = new Tail(stderrTailBytes);
    let received = 0;
    let settled = false;
    const settle = (action: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      action();
    };
    const stop = (error: RemoteError) =>
      settle(() => {
        channel.kill();
        reject(error);
      });
    const abort = () => stop(new RemoteError('cancelled', host, `The command on ${host} was cancelled.`));
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(
            () =>
              stop(
                new RemoteError(
                  'timeout',
                  host,
                  `The command on ${host} did not end in ${timeoutMs / 1000} s.`,
                ),
              ),
            timeoutMs,
          );
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) return abort();

    channel.stdout.on('data', (data: Buffer) => {
      received += data.length;
      if (received > largestOutputBytes)
        stop(new RemoteError('agent', host, `A command on ${host} printed more than 64 MiB; it was ended.`));
      else stdout.push(data);
    });
    channel.stderr.on('data', (data: Buffer) => stderr.push(data));
    // A command that does not read its input is no failure of ours.
    channel.stdin.on('error', () => {});
    channel.stdin.end(stdin ?? '');
    Promise.all([channel.exit, ended(channel.stdout), ended(channel.stderr)]).then(([exit]) =>
      settle(() => {
        if (exit.error) reject(exit.error);
        else if (exit.lost)
          reject(
            new RemoteError('lost', host, `The connection to ${host} was lost while a command ran there.`),
          );
        else
          resolve({
            exitCode: exit.exitCode,
            stdout: Buffer.concat(stdout).toString('utf8'),
            stderr: stderr.text(),
          });
      }),
    );
  });
}

/** The channel with its streams open, as callers read it. */
export function asProcess(channel: Channel, host: string, signal?: AbortSignal): RemoteProcess {
  const stderr = new Tail(stderrTailBytes);
  channel.stderr.on('data', (data: Buffer) => stderr.push(data));
  channel.stdin.on('error', () => {});
  const abort = () => channel.kill();
  signal?.addEventListener('abort', abort);
  channel.exit.finally(() => signal?.removeEventListener('abort', abort));
  if (signal?.aborted) abort();
  const exit = channel.exit.then(async (outcome) => {
    if (!outcome.lost) await endedWithin(channel.stderr, lastWordsMs);
    return outcome;
  });
  return {
    lines: readLines(channel.stdout, host),
    stderrTail: () => stderr.text(),
    write: (data) => {
      if (channel.stdin.writable) channel.stdin.write(data);
    },
    closeStdin: () => {
      if (channel.stdin.writable) channel.stdin.end();
    },
    kill: () => channel.kill(),
    exit,
  };
}

/** Complete lines without their newline; a torn last line is given when the stream ends, also when it ends in an error. */
export async function* readLines(stream: Readable, host: string): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const data of stream as AsyncIterable<Buffer>) {
      rest += decoder.write(data);
      let start = 0;
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
        yield rest.slice(start, end);
        start = end + 1;
      }
      rest = rest.slice(start);
      if (rest.length > longestLineCharacters)
        throw new RemoteError(
          'agent',
          host,
          `${host} sent a line of more than 32 MiB; Loadline gave up on it.`,
        );
    }
  } catch (error) {
    // A stream that breaks has ended; `exit` says how.
    if (RemoteError.is(error)) throw error;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.readableEnded || stream.destroyed) return resolve();
    for (const event of ['end', 'close', 'error'] as const) stream.once(event, () => resolve());
  });
}

/** As `ended`, but no longer than this: what a command left behind may hold its stream open. */
function endedWithin(stream: Readable, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    void ended(stream).then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The last bytes of a stream. */
class Tail {
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  constructor(readonly limitBytes: number) {}

  push(data: Buffer): void {
    this.#parts.push(data);
    this.#bytes += data.length;
    for (let first = this.#parts[0]; first !== undefined; first = this.#parts[0]) {
      if (this.#bytes - first.length < this.limitBytes) break;
      this.#parts.shift();
      this.#bytes -= first.length;
    }
  }

  text(): string {
    return Buffer.concat(this.#parts).subarray(-this.limitBytes).toString('utf8');
  }
}
