import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAgentLine, readJournalLine, readTelemetryLine } from '../../../src/protocol/agentGuard.ts';

const measurement = {
  startedWallMs: 1,
  durationMs: 10,
  concurrency: 2,
  requests: {
    sentMs: [0, 1],
    ttftMs: [5, null],
    e2eMs: [9, null],
    inputTokens: [8, null],
    outputTokens: [4, 0],
    chunks: [4, 0],
    failure: [null, 'timeout'],
  },
  gaps: { minMs: 0.01, ratio: 1.05, counts: [[3, 1]] },
  failureExamples: [{ kind: 'timeout', message: 'no answer' }],
  client: { loopLagP99Ms: 0.1, cpuSeconds: 0.1, wallSeconds: 1, events: 4, bound: false },
  warmupRequests: 1,
};
const measured = {
  seq: 3,
  monotonicMs: 1,
  wallMs: 1,
  type: 'trial-measured',
  cell: 'c',
  trial: 0,
  simulated: true,
  measurement,
};
const text = (record: unknown) => JSON.stringify(record);

describe('a record', () => {
  it('passes as it is', () => {
    expect(readJournalLine(text(measured))).toEqual({ kind: 'record', record: measured });
    const gap = {
      type: 'telemetry-gap',
      fromMonotonicMs: 1,
      toMonotonicMs: 2,
      missedTicks: 1,
      cause: 'slow',
    };
    expect(readTelemetryLine(text(gap))).toEqual({ kind: 'record', record: gap });
    expect(readAgentLine(text(gap))).toEqual({ kind: 'record', record: gap });
  });

  it('carries what only some runs have: copies of an engine, phases, searches, jobs', () => {
    const base = { seq: 1, monotonicMs: 1, wallMs: 1 };
    const instance = { index: 1, pid: null, gpus: [0], version: null, log: 'engine-1-1.log' };
    const remedy = { flag: 'max-model-len', change: 'lower', to: 4096, why: 'the KV cache holds no more' };
    for (const record of [
      {
        ...base,
        type: 'engine-ready',
        engineKey: 'e',
        startupSeconds: 1,
        version: null,
        instances: [instance],
      },
      {
        ...{ ...base, part: 3, type: 'cell-failed', cell: 'c', kind: 'out-of-memory', phase: 'start' },
        ...{ message: 'm', logExcerpt: [], enginePhase: 'capture', remedies: [remedy], instance: 1 },
      },
      { ...base, type: 'search-step', search: 's', cell: 'c', outcome: 'unclear', why: 'w' },
      { ...base, type: 'job-state', jobId: '7', task: null, state: 'PENDING', reason: 'Priority' },
    ])
      expect(readJournalLine(text(record))).toEqual({ kind: 'record', record });
    expect(readJournalLine(text({ ...base, type: 'search-step', search: 's', cell: 'c' })).kind).toBe(
      'invalid',
    );
  });

  it('may have fields of a later agent', () => {
    expect(readJournalLine(text({ ...measured, later: { x: 1 } })).kind).toBe('record');
  });

  it('of a later agent is unknown, also by a name that every object has', () => {
    expect(readAgentLine('{"type":"weather"}')).toEqual({ kind: 'unknown', type: 'weather' });
    for (const type of ['constructor', '__proto__', 'toString'])
      expect(readJournalLine(text({ type })).kind).toBe('unknown');
  });

  it('has no control characters but tab and newline in any text: terminals obey them', () => {
    const hostile = 'a\u001b]0;title\u0007\u001b[31mred\r\u009b2J\u007f\tb\nc';
    const harmless = 'a]0;title[31mred2J\tb\nc';
    const failed = {
      ...{ seq: 1, monotonicMs: 1, wallMs: 1, type: 'cell-failed', cell: 'c', kind: hostile, phase: 'load' },
      message: hostile,
      logExcerpt: [hostile],
    };
    expect(readJournalLine(text(failed))).toMatchObject({
      record: { kind: harmless, message: harmless, logExcerpt: [harmless] },
    });
    expect(readAgentLine(text({ type: 'error', code: 'x', message: 'é \u009b' }))).toMatchObject({
      record: { message: 'é ' },
    });
    expect(readAgentLine('{"type":"\\u001B[2Jweather"}')).toEqual({ kind: 'unknown', type: '[2Jweather' });
  });

  it('of another file is unknown there', () => {
    expect(readTelemetryLine(text(measured)).kind).toBe('unknown');
    expect(readAgentLine(text(measured)).kind).toBe('unknown');
  });

  it.each([
    ['a missing field', { ...measured, cell: undefined }, 'cell'],
    ['a wrong type', { ...measured, trial: 'first' }, 'trial'],
    ['a negative sequence', { ...measured, seq: -1 }, 'seq'],
    [
      'columns of different lengths',
      { ...measured, measurement: { ...measurement, requests: { ...measurement.requests, chunks: [1] } } },
      'measurement.requests',
    ],
  ])('with %s is said with its path', (_, record, path) => {
    expect(readJournalLine(text(record))).toMatchObject({
      kind: 'invalid',
      type: 'trial-measured',
      message: expect.stringMatching(`^${path}: `),
    });
  });

  it('that is cut off anywhere is torn', () => {
    const whole = text(measured);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
        expect(readJournalLine(whole.slice(0, length)).kind).toBe('torn');
      }),
    );
  });

  it('is never what some other JSON is, and nothing throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (line) => {
        for (const read of [readAgentLine, readJournalLine, readTelemetryLine])
          expect(read(line).kind).not.toBe('record');
      }),
    );
  });
});
