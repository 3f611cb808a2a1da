import { afterEach, describe, expect, it, vi } from 'vitest';
import { FrameQueue } from '../../../webview/common/frames.ts';

afterEach(() => vi.unstubAllGlobals());

describe('the queue of frames', () => {
  it('draws one thing a frame, each once, in the order they asked', () => {
    const frames: (() => void)[] = [];
    vi.stubGlobal('requestAnimationFrame', (frame: () => void) => frames.push(frame));
    const queue = new FrameQueue();
    const drawn: string[] = [];
    const [a, b] = [{}, {}];
    queue.request(a, () => drawn.push('a, old'));
    queue.request(b, () => drawn.push('b'));
    queue.request(a, () => drawn.push('a, new'));
    for (let frame = 1; frames.length > 0; frame++) {
      frames.shift()?.();
      expect(drawn).toHaveLength(frame);
    }
    expect(drawn).toEqual(['a, new', 'b']);
  });
});
