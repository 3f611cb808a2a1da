import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readAgentLine, readTelemetryLine } from '../../../src/protocol/agentGuard.ts';

const fixture = (name: string) =>
  readFileSync(new URL(`../../fixtures/telemetry/${name}`, import.meta.url), 'utf8');

describe('a probe', () => {
  const recorded = JSON.parse(fixture('h200-probe-2026-11-23.json')) as Record<string, unknown>;
  const more = {
    ...recorded,
    gpuDetail: 'NVML 13',
    cudaView: {
      visibleDevices: null,
      order: 'fastest-first',
      devices: [{ ordinal: 0, uuid: 'GPU-1', name: 'NVIDIA H200', totalBytes: 1, freeBytes: null }],
      note: '',
    },
    topology: [{ from: 0, to: 1, path: 'SYS', nvlinks: 18, throughSwitch: true }],
    processes: [{ gpu: 0, processes: [{ pid: 1, user: null, name: null, memoryBytes: null, own: null }] }],
    slurm: null,
    problems: [{ part: 'containers', message: 'no permission' }],
  };

  it('of an earlier agent passes, and so does one with all parts or some', () => {
    expect(readAgentLine(JSON.stringify(recorded))).toEqual({ kind: 'record', record: recorded });
    expect(readAgentLine(JSON.stringify(more))).toEqual({ kind: 'record', record: more });
  });

  it('with a part that is wrong is said with its path', () => {
    expect(readAgentLine(JSON.stringify({ ...more, topology: [{ from: 0 }] }))).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/^topology\.0\.to: /),
    });
  });
});

describe('telemetry', () => {
  it('that an earlier agent recorded on a real GPU passes line by line', () => {
    const lines = fixture('h200-agent-2026-11-23.jsonl').trim().split('\n');
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines) expect(readTelemetryLine(line).kind).toBe('record');
  });

  it.each([
    { type: 'telemetry-pong', ping: 1, receivedMonotonicMs: 1, sentMonotonicMs: 2, sentWallMs: 3 },
    { type: 'telemetry-mark', monotonicMs: 1, text: 'cell a: start' },
    { type: 'telemetry-notice', monotonicMs: 1, gpus: [0], code: 'reading-off', message: 'no ECC' },
    { type: 'telemetry-energy', monotonicMs: 1, gpu: 0, counterJoules: 5, integratedJoules: null },
    { type: 'telemetry-power', monotonicMs: 1, gpu: 0, periodMs: 20, watts: [650.1, 651] },
    { type: 'telemetry-processes', monotonicMs: 1, gpu: 0, processes: [] },
    { type: 'telemetry-ecc', monotonicMs: 1, gpu: 0, uncorrectedErrors: 0 },
  ])('has records of the type $type, of no other GPU than a counted one', (record) => {
    expect(readTelemetryLine(JSON.stringify(record))).toEqual({ kind: 'record', record });
    if ('gpu' in record)
      expect(readTelemetryLine(JSON.stringify({ ...record, gpu: -1 }))).toMatchObject({
        kind: 'invalid',
        message: expect.stringMatching(/^gpu: /),
      });
  });
});
