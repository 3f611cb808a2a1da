import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TelemetryLine } from '../../src/protocol/agent.ts';
import { openAgent } from '../../src/remote/agentClient.ts';
import type { RemoteHost } from '../../src/remote/host.ts';
import { RemoteError } from '../../src/remote/host.ts';
import { type WatchEvent, watchTelemetry } from '../../src/remote/telemetryWatch.ts';
import { type LoopbackSshd, startLoopbackSshd, waitFor } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { buildAgent, connectTo, failureOf, logOf, prompterOf } from './support.ts';

const archive = buildAgent();
const device = { kind: 'recorded', name: 'h200-2026-11-static-batch' } as const;
let sshd: LoopbackSshd;
beforeAll(async () => {
  sshd = await startLoopbackSshd();
});
afterAll(() => sshd?.stop());

/** Watches the loopback host; `seen` may act on each event and ends the watching by giving true. */
async function watch(
  seen: (event: WatchEvent, events: readonly WatchEvent[]) => boolean | Promise<boolean>,
): Promise<{ readonly events: readonly WatchEvent[]; readonly asked: readonly string[] }> {
  const abort = new AbortController();
  const prompter = prompterOf();
  const hosts: RemoteHost[] = [];
  const events: WatchEvent[] = [];
  const connect = async () => {
    const host = await connectTo(sshd, { prompter });
    hosts.push(host);
    return openAgent(host, archive, logOf());
  };
  const request = { intervalMs: 50, device };
  for await (const event of watchTelemetry({ connect, request, signal: abort.signal, backOff: () => 20 })) {
    events.push(event);
    if (await seen(event, events)) abort.abort();
  }
  for (const host of hosts) await host.dispose();
  return { events, asked: prompter.asked };
}

const linesOf = (events: readonly WatchEvent[]): readonly TelemetryLine[] =>
  events.flatMap((event) => (event.type === 'line' ? [event.line] : []));
const count = (events: readonly WatchEvent[], type: TelemetryLine['type']) =>
  linesOf(events).filter((line) => line.type === type).length;

describe('a host that is watched', () => {
  it('goes on by itself after its TCP connection was cut; what is missing is a gap with the cause', async () => {
    let cut = false;
    const { events, asked } = await watch((_event, all) => {
      if (!cut && count(all, 'telemetry') === 5) {
        cut = true;
        expect(sshd.dropConnections()).toBeGreaterThan(0);
      }
      return count(all, 'telemetry-header') === 2 && linesOf(all).at(-1)?.type === 'telemetry';
    });
    const lost = events.find((event) => event.type === 'disconnected');
    expect(lost?.error.reason).toBe('lost');
    const lines = linesOf(events);
    const second = lines.findLastIndex(({ type }) => type === 'telemetry-header');
    expect(lines[second - 1]).toMatchObject({ type: 'telemetry-gap', cause: 'the connection was lost' });
    expect(asked).toEqual([]);
  });

  it('goes on by itself after its agent was killed; the gap says so, and nothing is left of either', async () => {
    const sampling = async () =>
      (await processesOf(sshd.home)).filter(({ command }) => / sample$/.test(command));
    const killed: string[] = [];
    const { events } = await watch(async (_event, all) => {
      if (killed.length === 0 && count(all, 'telemetry') === 5) {
        for (const { pid, command } of await sampling()) {
          process.kill(pid, 'SIGKILL');
          killed.push(command);
        }
        expect(killed).not.toEqual([]);
      }
      return count(all, 'telemetry-header') === 2 && linesOf(all).at(-1)?.type === 'telemetry';
    });
    const lost = events.find((event) => event.type === 'disconnected');
    expect(lost?.error).toMatchObject({ reason: 'lost', message: expect.stringContaining('was killed') });
    const lines = linesOf(events);
    const second = lines.findLastIndex(({ type }) => type === 'telemetry-header');
    expect(lines[second - 1]).toMatchObject({ type: 'telemetry-gap', cause: 'the agent was killed' });
    await waitFor(async () => (await processesOf(sshd.home)).length === 0, 'nothing to be left on the host');
  });

  it('is tried again while it cannot be reached, and the gap says why it began', async () => {
    const reached = sshd;
    let attempts = 0;
    const hosts: RemoteHost[] = [];
    const abort = new AbortController();
    const lines: TelemetryLine[] = [];
    const connect = async () => {
      attempts += 1;
      if (attempts > 1 && attempts < 4) throw new RemoteError('unreachable', 'x', 'x cannot be reached.');
      const host = await connectTo(reached);
      hosts.push(host);
      return openAgent(host, archive, logOf());
    };
    const waits: number[] = [];
    const backOff = (attempt: number) => {
      waits.push(attempt);
      return 5;
    };
    for await (const event of watchTelemetry({
      connect,
      request: { intervalMs: 50, device },
      signal: abort.signal,
      backOff,
    })) {
      if (event.type !== 'line') continue;
      if (event.line.type === 'telemetry' && attempts === 1) reached.dropConnections();
      lines.push(event.line);
      if (event.line.type === 'telemetry' && attempts === 4) abort.abort();
    }
    for (const host of hosts) await host.dispose();
    expect(waits).toEqual([0, 1, 2]);
    // Ticks that a busy machine missed are gaps too.
    const second = lines.findLastIndex(({ type }) => type === 'telemetry-header');
    expect(lines[second - 1]).toMatchObject({ type: 'telemetry-gap', cause: 'the connection was lost' });
  });

  it('is given up at what waiting does not cure, and at once where it never was there', async () => {
    const fails = (...reasons: ('unreachable' | 'authentication')[]) => {
      let at = 0;
      return failureOf(
        (async () => {
          const connect = async () => {
            const reason = reasons[at++] ?? 'authentication';
            throw new RemoteError(reason, 'x', reason);
          };
          for await (const _ of watchTelemetry({ connect, request: { intervalMs: 50, device } }));
        })(),
      );
    };
    expect(await fails('unreachable')).toMatchObject({ reason: 'unreachable' });
    expect(await fails('authentication')).toMatchObject({ reason: 'authentication' });
  });

  it('ends after the request’s time', async () => {
    const host = await connectTo(sshd);
    const connect = () => openAgent(host, archive, logOf());
    const lines: TelemetryLine[] = [];
    for await (const event of watchTelemetry({
      connect,
      request: { intervalMs: 50, device, durationMs: 300 },
    }))
      if (event.type === 'line') lines.push(event.line);
    expect(lines.at(0)?.type).toBe('telemetry-header');
    expect(lines.length).toBeGreaterThan(1);
    await host.dispose();
  });
});
