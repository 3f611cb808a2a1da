import { beforeEach, expect, it, vi } from 'vitest';
import type { ConnectedHost, HostRegistry } from '../../../src/extension/hosts/hostRegistry.ts';
import { TelemetryFeed } from '../../../src/extension/telemetry/telemetryFeed.ts';
import type { AgentClient } from '../../../src/remote/agentClient.ts';
import { telemetryHeader, telemetryLines } from '../../webview/examples.ts';

/** Simulated: of the editor only events and empty settings, which is all that a feed takes from it. */
vi.mock('vscode', () => ({
  EventEmitter: class<T> {
    readonly #listeners = new Set<(value: T) => void>();
    readonly event = (listener: (value: T) => void) => {
      this.#listeners.add(listener);
      return { dispose: () => this.#listeners.delete(listener) };
    };
    fire(value: T): void {
      for (const listener of this.#listeners) listener(value);
    }
    dispose(): void {
      this.#listeners.clear();
    }
  },
  workspace: { getConfiguration: () => ({ get: () => undefined }) },
}));

interface Asked {
  answer(connected: ConnectedHost): void;
  refuse(error: Error): void;
}

/** Connections that were asked for; each waits until the test answers it. */
let asked: Asked[] = [];
let feed: TelemetryFeed;
beforeEach(() => {
  asked = [];
  const connect = () =>
    new Promise<ConnectedHost>((answer, refuse) => {
      asked.push({ answer, refuse });
    });
  feed = new TelemetryFeed({ connect } as unknown as HostRegistry, 'gpu');
});

/** Simulated: an agent that gives a few lines, and nothing more until it is told to stop. */
function agentOf(): ConnectedHost {
  const sample: AgentClient['sample'] = async function* (_request, { signal } = {}) {
    yield telemetryHeader(1);
    yield* telemetryLines(1, 0, 2);
    await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
  };
  return { agent: { sample } } as unknown as ConnectedHost;
}

const until = (holds: () => void) => vi.waitFor(holds, { interval: 1, timeout: 20_000 });
const connection = (expected: string) => until(() => expect(feed.state.connection).toBe(expected));
const attempts = (expected: number) => until(() => expect(asked).toHaveLength(expected));

it('a feed that is stopped while its host is connected is stopped, however long that takes', async () => {
  feed.start(false);
  await attempts(1);
  feed.stop();
  await connection('stopped');
  expect(feed.state.message).toBeNull();
  feed.start(false);
  await attempts(2);
  asked[1]?.answer(agentOf());
  await until(() => expect(feed.newest).not.toBeNull());
  expect(feed.state.connection).toBe('live');
});

it('a feed that is started right after it was stopped samples; the end of what was stopped changes nothing', async () => {
  feed.start(false);
  await attempts(1);
  feed.stop();
  feed.start(false);
  const states: string[] = [];
  feed.onDidChange(() => states.push(feed.state.connection));
  await attempts(2);
  asked[0]?.refuse(new Error('refused'));
  asked[1]?.answer(agentOf());
  await until(() => expect(feed.newest).not.toBeNull());
  expect([...new Set(states)]).toEqual(['live']);
  // It does so already.
  feed.start(false);
  feed.stop();
  await connection('stopped');
  expect(asked).toHaveLength(2);
});
