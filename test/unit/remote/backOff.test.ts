import { describe, expect, it } from 'vitest';
import { backOffMs, connectAgain } from '../../../src/remote/backOff.ts';
import { RemoteError, type RemoteErrorReason } from '../../../src/remote/host.ts';

const failure = (reason: RemoteErrorReason) => new RemoteError(reason, 'gpu', `it is ${reason}`);
const lost = failure('lost');

describe('waiting before another attempt', () => {
  it('doubles from half a second to half a minute, spread by a quarter to either side', () => {
    const middle = Array.from({ length: 8 }, (_, attempt) => backOffMs(attempt, 0.5));
    expect(middle).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect([backOffMs(0, 0), backOffMs(0, 1), backOffMs(50, 1)]).toEqual([375, 625, 37_500]);
  });

  it('goes on while the reason may pass', async () => {
    const answers = [failure('unreachable'), failure('timeout'), failure('lost'), 'connected'];
    const waits: string[] = [];
    const open = async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const result = await connectAgain(lost, open, {
      signal: new AbortController().signal,
      backOff: (attempt) => attempt,
      onWait: (error, waitMs) => waits.push(`${error.reason} ${waitMs}`),
    });
    expect(result).toBe('connected');
    expect(waits).toEqual(['lost 0', 'unreachable 1', 'timeout 2', 'lost 3']);
  });

  it.each(['authentication', 'cancelled', 'host-key-changed', 'host-key-unknown', 'config'] as const)(
    'ends with %s: another attempt would only ask again',
    async (reason) => {
      let attempts = 0;
      const open = async () => {
        attempts++;
        throw failure(reason);
      };
      const options = { signal: new AbortController().signal, backOff: () => 0 };
      await expect(connectAgain(lost, open, options)).rejects.toMatchObject({ reason });
      expect(attempts).toBe(1);
    },
  );

  it('can be called off while it waits', async () => {
    const stop = new AbortController();
    const again = connectAgain(lost, async () => 'never', {
      signal: stop.signal,
      backOff: () => 1_000_000,
    });
    stop.abort();
    await expect(again).rejects.toMatchObject({ reason: 'cancelled' });
  });
});
