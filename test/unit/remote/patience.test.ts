import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Patience } from '../../../src/remote/patience.ts';

describe('Patience', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function asking() {
    const expired = vi.fn();
    const patience = new Patience(1000, expired);
    const open: ((answer: string | undefined) => void)[] = [];
    const prompter = patience.prompter({
      acceptUnknownHostKey: async () => true,
      passphrase: async () => 'x',
      password: () => new Promise((resolve) => open.push(resolve)),
      keyboardInteractive: async () => [],
    });
    const ask = () => prompter.password({ host: 'gpu', user: 'ann' });
    return { patience, expired, ask, open };
  }

  it('ends when the host says nothing for the limit', () => {
    const { expired } = asking();
    vi.advanceTimersByTime(999);
    expect(expired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(expired).toHaveBeenCalledOnce();
  });

  it('does not count the time that a person takes, also with two questions open', async () => {
    const { expired, ask, open } = asking();
    const answers = [ask(), ask()];
    vi.advanceTimersByTime(60_000);
    open[0]?.('one');
    expect(await answers[0]).toBe('one');
    vi.advanceTimersByTime(60_000);
    expect(expired).not.toHaveBeenCalled();
    open[1]?.('two');
    await answers[1];
    vi.advanceTimersByTime(1000);
    expect(expired).toHaveBeenCalledOnce();
  });

  it('is over when it is ended, also while a person is asked', async () => {
    const { patience, expired, ask, open } = asking();
    const answer = ask();
    patience.end();
    open[0]?.(undefined);
    await answer;
    vi.advanceTimersByTime(60_000);
    expect(expired).not.toHaveBeenCalled();
  });
});
