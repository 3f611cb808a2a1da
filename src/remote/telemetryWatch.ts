import { setTimeout as delay } from 'node:timers/promises';
import type { SampleRequest, TelemetryLine } from '../protocol/agent.ts';
import type { HostClock } from '../protocol/agentClock.ts';
import { TelemetryJoin } from '../protocol/telemetryJoin.ts';
import type { AgentClient } from './agentClient.ts';
import { RemoteError } from './host.ts';

export type WatchEvent =
  | { readonly type: 'line'; readonly line: TelemetryLine }
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly error: RemoteError; readonly retryInMs: number };

export interface WatchOptions {
  /**
   * `again` after a loss: nobody asked for that connection, and nobody is to be asked for a password. What it opens is the
   * caller's to end: after the signal it is not waited for.
   */
  connect(again: boolean): Promise<AgentClient>;
  readonly request: SampleRequest;
  /** Ends the watching without an error. */
  readonly signal?: AbortSignal;
  /** At each comparison of the clocks. */
  readonly onClock?: (clock: HostClock) => void;
  /** Of an earlier watching of the host: the time between is then a gap. */
  readonly join?: TelemetryJoin;
  /** Wait before attempt 0, 1, 2 … in milliseconds. */
  readonly backOff?: (attempt: number) => number;
}

/**
 * Telemetry of a host over lost connections: what was missed is a gap with its cause, before the header of the new stream.
 * Ends with the signal or the request's duration. Throws what the first connection throws, and later whatever waiting
 * does not cure: `lost`, `unreachable` and `timeout` are tried again.
 */
export async function* watchTelemetry(options: WatchOptions): AsyncGenerator<WatchEvent, void, undefined> {
  const { request, signal, onClock, join = new TelemetryJoin(), backOff = defaultBackOff } = options;
  const sampleOptions = { ...(signal ? { signal } : {}), ...(onClock ? { onClock } : {}) };
  const startedMs = performance.now();
  let attempt = 0;
  let wasConnected = false;
  while (!signal?.aborted) {
    const remaining = remainingOf(request, performance.now() - startedMs);
    if (remaining === undefined) return;
    try {
      const agent = await unlessAborted(options.connect(wasConnected), signal);
      if (agent === undefined) continue;
      wasConnected = true;
      yield { type: 'connected' };
      for await (const line of agent.sample(remaining, sampleOptions)) {
        // A stream that comes after this one may have begun.
        if (signal?.aborted) break;
        if (line.type === 'telemetry') attempt = 0;
        for (const joined of join.take(line)) yield { type: 'line', line: joined };
      }
      join.broken('sampling was stopped');
      return;
    } catch (error) {
      if (signal?.aborted) join.broken('sampling was stopped');
      // What fails while it is tried again is not why the stream ended.
      else if (attempt === 0) join.broken(causeOf(error));
      if (signal?.aborted) return;
      if (!wasConnected || !isPassing(error)) throw error;
      const retryInMs = backOff(attempt++);
      yield { type: 'disconnected', error, retryInMs };
      await delay(retryInMs, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
  }
}

/** undefined once the signal has come, however long the other takes. */
async function unlessAborted<T>(
  awaited: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  if (signal === undefined) return await awaited;
  const settled = new AbortController();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: settled.signal });
  });
  try {
    const first = await Promise.race([awaited, aborted]);
    return signal.aborted ? undefined : first;
  } finally {
    settled.abort();
  }
}

/** undefined: its time is over. */
function remainingOf(request: SampleRequest, elapsedMs: number): SampleRequest | undefined {
  if (request.durationMs === undefined) return request;
  const durationMs = Math.round(request.durationMs - elapsedMs);
  return durationMs > 0 ? { ...request, durationMs } : undefined;
}

/** A second, doubled up to 30 s; spread, so that many hosts behind one switch do not come back at once. */
function defaultBackOff(attempt: number): number {
  return Math.min(30_000, 1000 * 2 ** attempt) * (0.75 + Math.random() / 2);
}

function isPassing(error: unknown): error is RemoteError {
  return RemoteError.is(error) && ['lost', 'unreachable', 'timeout'].includes(error.reason);
}

/** In the words of a chart: short. */
function causeOf(error: unknown): string {
  if (!RemoteError.is(error)) return 'sampling failed';
  if (error.reason === 'lost')
    return /was killed/.test(error.message) ? 'the agent was killed' : 'the connection was lost';
  if (error.reason === 'timeout') return 'the host did not answer';
  if (error.reason === 'unreachable') return 'the host could not be reached';
  return 'sampling failed';
}
