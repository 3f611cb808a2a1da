import { expect, it } from 'vitest';
import type { AgentClient } from '../../../src/remote/agentClient.ts';
import { watchTelemetry } from '../../../src/remote/telemetryWatch.ts';

it.each([
  ['while', (abort: () => void) => queueMicrotask(abort)],
  ['before', (abort: () => void) => abort()],
])(
  'watching ends with its signal, that comes %s a connection that never comes is waited for',
  async (_when, soon) => {
    const abort = new AbortController();
    let asked = 0;
    const events = watchTelemetry({
      connect: () => {
        asked += 1;
        soon(() => abort.abort());
        return new Promise<AgentClient>(() => {});
      },
      request: { intervalMs: 50, device: { kind: 'auto' } },
      signal: abort.signal,
    });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(asked).toBe(1);
  },
);

it('a connection that fails after the signal is nobody’s error', async () => {
  const abort = new AbortController();
  let fail: (error: Error) => void = () => {};
  const events = watchTelemetry({
    connect: () => {
      abort.abort();
      return new Promise<AgentClient>((_resolve, reject) => {
        fail = reject;
      });
    },
    request: { intervalMs: 50, device: { kind: 'auto' } },
    signal: abort.signal,
  });
  expect(await events.next()).toEqual({ done: true, value: undefined });
  // The runner reports a rejection that nobody takes.
  fail(new Error('refused'));
  await new Promise((resolve) => setImmediate(resolve));
});
