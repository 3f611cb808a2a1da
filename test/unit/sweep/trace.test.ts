import { describe, expect, it } from 'vitest';
import { parseTrace } from '../../../src/core/sweep/trace.ts';
import { mustBe } from './plans.ts';

describe('a trace', () => {
  it('is read in either spelling, in the order of its times, from 0 on', () => {
    const text = `{"timestamp": 27000, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}
{"atMs": 24000, "inputTokens": 10, "outputTokens": 1, "session": 3}

`;
    expect(mustBe(parseTrace(text))).toEqual([
      { atMs: 0, inputTokens: 10, outputTokens: 1, session: 3 },
      { atMs: 3000, inputTokens: 6955, outputTokens: 52 },
    ]);
  });

  it.each([
    ['{"timestamp": 0}', 'Line 1: input_length is no number of tokens'],
    ['{"timestamp": 0, "input_length": 1, "output_length": 1}\n[', 'Line 2: no JSON object'],
    ['{"timestamp": -1, "input_length": 1, "output_length": 1}', 'Line 1: timestamp'],
    ['{"timestamp": 0, "input_length": 1, "output_length": 0}', 'Line 1: output_length'],
    ['', 'no request'],
  ])('%j is refused: %s', (text, message) => {
    expect(parseTrace(text)).toMatchObject({
      ok: false,
      problems: [{ code: 'trace.line', message: expect.stringContaining(message) }],
    });
  });
});
