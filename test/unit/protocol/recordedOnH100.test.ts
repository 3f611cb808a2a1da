/** What the agent read on two real H100s, beside what is known of them: bytes that were copied, the energy counter, an engine's own pace. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TelemetryHeader, TelemetryLine, TelemetryRecord } from '../../../src/protocol/agent.ts';
import { readAgentLine, readTelemetryLine } from '../../../src/protocol/agentGuard.ts';

const fixture = (name: string) =>
  readFileSync(new URL(`../../fixtures/telemetry/${name}`, import.meta.url), 'utf8');

function recording(name: string): { header: TelemetryHeader; lines: readonly TelemetryLine[] } {
  const lines = fixture(name)
    .trim()
    .split('\n')
    .map((line) => {
      const read = readTelemetryLine(line);
      if (read.kind !== 'record') throw new Error(`not a record: ${line.slice(0, 80)}`);
      return read.record as TelemetryLine;
    });
  const [header] = lines;
  if (header?.type !== 'telemetry-header') throw new Error('no header');
  return { header, lines };
}

const ticks = (lines: readonly TelemetryLine[]) =>
  lines.filter((line): line is TelemetryRecord => line.type === 'telemetry');

/** Joules between the first and the last energy record of a GPU that `wanted` takes. */
function joules(lines: readonly TelemetryLine[], gpu: number, wanted: (monotonicMs: number) => boolean) {
  const found = lines.flatMap((line) =>
    line.type === 'telemetry-energy' && line.gpu === gpu && wanted(line.monotonicMs) ? [line] : [],
  );
  const first = found[0];
  const last = found.at(-1);
  if (first === undefined || last === undefined || first === last) throw new Error('too few');
  return {
    counted: (last.counterJoules ?? Number.NaN) - (first.counterJoules ?? Number.NaN),
    integrated: (last.integratedJoules ?? Number.NaN) - (first.integratedJoules ?? Number.NaN),
  };
}

describe('on two H100s', () => {
  const { header, lines } = recording('h100x2-copies-2026-11-25.jsonl');
  const copies = JSON.parse(fixture('h100x2-copies-2026-11-25.json')) as {
    name: string;
    fromMonotonicMs: number;
    toMonotonicMs: number;
    bytes: number;
  }[];

  it.each([
    // The header of each packet is counted on PCIe, not on NVLink.
    ['h2d', 0, 'pcieRxBytesPerSecond', 1.1],
    ['d2h', 0, 'pcieTxBytesPerSecond', 1.1],
    ['p2p01', 0, 'nvlinkTxBytesPerSecond', 1.01],
    ['p2p01', 1, 'nvlinkRxBytesPerSecond', 1.01],
    ['p2p10', 1, 'nvlinkTxBytesPerSecond', 1.01],
    ['p2p10', 0, 'nvlinkRxBytesPerSecond', 1.01],
  ] as const)('the copy %s shows on GPU %i as %s', (name, gpu, column, most) => {
    const copy = copies.find((one) => one.name === name);
    if (copy === undefined) throw new Error(name);
    const at = header.gpuColumns.indexOf(column);
    // Without the ends, where a tick is partly outside the copy.
    const values = ticks(lines)
      .filter(
        ({ monotonicMs }) =>
          monotonicMs > copy.fromMonotonicMs + 300 && monotonicMs < copy.toMonotonicMs - 200,
      )
      .map(({ gpus }) => gpus[gpu]?.[at] ?? Number.NaN);
    const read = values.reduce((sum, value) => sum + value, 0) / values.length;
    const copied = (copy.bytes / (copy.toMonotonicMs - copy.fromMonotonicMs)) * 1000;
    expect(read / copied).toBeGreaterThan(1);
    expect(read / copied).toBeLessThan(most);
  });

  it('the integral of power is within 1 % of the energy counter, on both, under loads that change', () => {
    for (const gpu of [0, 1]) {
      const { counted, integrated } = joules(lines, gpu, () => true);
      expect(counted).toBeGreaterThan(5000);
      expect(Math.abs(integrated / counted - 1)).toBeLessThan(0.01);
    }
  });

  it('a probe says how they are linked', () => {
    const read = readAgentLine(fixture('h100x2-probe-2026-11-25.json').trim());
    expect(read).toMatchObject({
      kind: 'record',
      record: { topology: [{ from: 0, to: 1, nvlinks: 18, throughSwitch: true }], driver: '580.159.04' },
    });
  });
});

describe('beside an engine that decodes', () => {
  it('no tick is missed, none is 5 ms late, and the energy is within 0.1 % of the counter', () => {
    const { lines } = recording('h100x2-engine-2026-11-25.jsonl');
    const late = ticks(lines).map(({ lateMs }) => lateMs ?? 0);
    expect(late.length).toBeGreaterThan(300);
    expect(Math.max(...late)).toBeLessThan(5);
    expect(lines.filter(({ type }) => type === 'telemetry-gap')).toEqual([]);
    const start = ticks(lines)[0]?.monotonicMs ?? 0;
    // Not the first record: it was written before the integral was brought up to its time.
    const { counted, integrated } = joules(lines, 0, (monotonicMs) => monotonicMs > start + 1000);
    expect(Math.abs(integrated / counted - 1)).toBeLessThan(0.001);
  });

  it('sampling live costs it less than 0.5 % of its pace, with 95 % confidence', () => {
    const rows = fixture('h100-disturbance-2026-11-25.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { mode: string; block: number; sampling: boolean; seconds: number })
      .filter(({ mode }) => mode === 'live');
    const slower = [0, 1, 2, 3, 4, 5, 6, 7].map((block) => {
      const sum = (sampling: boolean) =>
        rows
          .filter((row) => row.block === block && row.sampling === sampling)
          .reduce((total, { seconds }) => total + seconds, 0);
      return sum(true) / sum(false) - 1;
    });
    // Blocks are off-on-on-off and on-off-off-on in turn; what the growing context adds in a curve falls out of a pair.
    const pairs = [0, 2, 4, 6].map((at) => ((slower[at] ?? Number.NaN) + (slower[at + 1] ?? Number.NaN)) / 2);
    const mean = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
    const deviation = Math.sqrt(pairs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 3);
    const half = (3.182 * deviation) / Math.sqrt(4);
    expect(mean + half).toBeLessThan(0.005);
    expect(half).toBeLessThan(0.001);
  });
});
