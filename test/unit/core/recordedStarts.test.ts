import { describe, expect, it } from 'vitest';
import {
  compareSpeed,
  compareStart,
  parseRecordedStart,
  type RecordedStart,
  recordedRequest,
} from '../../../src/core/estimate/compare.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { unknownEstimate } from '../../../src/core/estimate/unknown.ts';
import { parseModelConfig } from '../../../src/core/model/parse.ts';
import { device, fixtureLines, fixtureText } from './fixtures.ts';

function recordedStarts(): RecordedStart[] {
  return fixtureLines('vllm-0.26-h200/runs.jsonl').map((line) => {
    const parsed = parseRecordedStart(line);
    if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
    return parsed.value;
  });
}

function compared(recorded: RecordedStart) {
  const parsed = parseModelConfig(JSON.parse(fixtureText(`vllm-0.26-h200/models/${recorded.model}.json`)), {
    id: recorded.model,
    source: 'fixture',
  });
  if (!parsed.ok) {
    const [problem] = parsed.problems;
    if (problem === undefined) throw new Error('refused without a problem');
    return { comparison: compareStart(recorded, unknownEstimate(recorded.id, problem)), speed: [] };
  }
  const asked = recordedRequest(recorded, parsed.value, device('h200'));
  return {
    comparison: compareStart(recorded, estimate(asked)),
    speed: compareSpeed(recorded, asked),
  };
}

const starts = recordedStarts();
const dense = starts.filter((start) => start.model.startsWith('llama'));

describe('predicted beside measured, vLLM 0.26 on an H200', () => {
  it.each(dense.map((start) => [start.id, start] as const))(
    '%s: the KV cache is within 1 %%, every term within its band',
    (_, start) => {
      const { comparison } = compared(start);
      expect(comparison.notCovered).toBeNull();
      const row = (term: string) => comparison.rows.find((one) => one.term === term);
      expect(Math.abs(row('available KV cache')?.relativeError ?? 1)).toBeLessThan(0.01);
      expect(Math.abs(row('KV cache size')?.relativeError ?? 1)).toBeLessThan(0.01);
      expect(Math.abs(row('requested')?.relativeError ?? 1)).toBeLessThan(0.0005);
      expect(comparison.rows.filter((one) => one.withinBand === false)).toEqual([]);
    },
  );

  it('predicts the available bytes of every covered start: on average within 1 %, none further off than 2 %', () => {
    const errors = starts.flatMap((start) =>
      compared(start)
        .comparison.rows.filter(({ term }) => term === 'available KV cache')
        .map(({ relativeError }) => Math.abs(relativeError)),
    );
    expect(errors.length).toBeGreaterThanOrEqual(7);
    expect(Math.max(...errors)).toBeLessThan(0.02);
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.005);
  });

  it('predicts no term of a start whose model is not covered, and says so', () => {
    for (const start of starts.filter((one) => !dense.includes(one))) {
      const { comparison } = compared(start);
      if (comparison.notCovered === null) expect(comparison.rows, start.id).not.toEqual([]);
      else expect(comparison, start.id).toMatchObject({ rows: [] });
    }
  });

  it('meets the recorded speeds of Llama-3.1-8B: decode within 10 %, prefill from batch 8 within 5 %', () => {
    const start = dense.find((one) => one.id === 'llama31-8b');
    if (start === undefined) throw new Error('the recording is gone');
    const { speed } = compared(start);
    expect(speed).toHaveLength(2 * start.bench.length);
    for (const row of speed) {
      if (row.unit === 'ms') expect(Math.abs(row.relativeError), row.term).toBeLessThan(0.1);
      else if (!row.term.startsWith('prefill, 1 x')) {
        expect(Math.abs(row.relativeError), row.term).toBeLessThan(0.05);
      }
    }
  });

  it('knows that eager decode is bound by launches', () => {
    const start = dense.find((one) => one.id === 'llama32-1b-eager');
    if (start === undefined) throw new Error('the recording is gone');
    const steps = compared(start).speed.filter((row) => row.unit === 'ms');
    for (const row of steps) expect(row.withinBand, row.term).toBe(true);
  });

  it('names what is wrong with a torn line', () => {
    expect(parseRecordedStart({ id: 'x' })).toMatchObject({ ok: false });
    expect(parseRecordedStart(null)).toMatchObject({ ok: false });
  });
});
