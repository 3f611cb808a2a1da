import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { limitsOf } from '../../../src/core/sweep/evidence.ts';
import { summariseTelemetry } from '../../../src/core/sweep/telemetrySummary.ts';
import { whyOf } from '../../../src/core/sweep/why.ts';
import { readTelemetry } from '../../../src/storage/runEvidence.ts';
import { madeCell } from '../sweep/madeCells.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/telemetry/${name}`, import.meta.url));

/** What would be said of a cell that ran in a part of a recording, on GPU 0. Seconds since its first sample. */
async function whyIn(file: string, fromSeconds: number, toSeconds: number) {
  const streams = await readTelemetry(fixture(file));
  const start = streams[0]?.samples[0]?.wallMs ?? 0;
  const span = { fromMs: start + 1000 * fromSeconds, toMs: start + 1000 * toSeconds };
  const telemetry = summariseTelemetry(streams, [span], [0], null);
  const why = whyOf({
    cell: madeCell('c', [100]),
    telemetry,
    metrics: undefined,
    limits: limitsOf(streams, 'h100-sxm-80gb'),
    predicted: undefined,
  });
  return { ...why, telemetry };
}

// What ran when is known: test/fixtures/telemetry/README.md, and the times of the copies beside the recording.
describe('on two real H100s, what sets the pace', () => {
  it('of vLLM that decodes for 16 requests is GPU memory', async () => {
    const { bound, evidence, telemetry } = await whyIn('h100x2-engine-2026-11-25.jsonl', 2, 38);
    expect(bound).toBe('hbm');
    expect(evidence[0]).toMatch(/busy 7\d\.\d % of the time/);
    expect(telemetry?.meanWatts).toBeGreaterThan(450);
    expect(telemetry?.energyJoules).toBeCloseTo((telemetry?.meanWatts ?? 0) * 36, 3);
  });

  it('of copies from the host is PCIe, from one GPU to the other NVLink, inside one its memory', async () => {
    const file = 'h100x2-copies-2026-11-25.jsonl';
    const copies = JSON.parse(readFileSync(fixture('h100x2-copies-2026-11-25.json'), 'utf8')) as readonly {
      readonly name: string;
      readonly fromMonotonicMs: number;
      readonly toMonotonicMs: number;
    }[];
    const header = JSON.parse(readFileSync(fixture(file), 'utf8').split('\n')[0] ?? '') as {
      readonly startedMonotonicMs: number;
    };
    const during = (name: string) => {
      const copy = copies.find((one) => one.name === name);
      const second = (ms: number | undefined) => ((ms ?? 0) - header.startedMonotonicMs) / 1000;
      return whyIn(file, second(copy?.fromMonotonicMs) + 0.5, second(copy?.toMonotonicMs) - 0.5);
    };
    expect(await during('h2d')).toMatchObject({
      bound: 'pcie',
      evidence: expect.arrayContaining([expect.stringMatching(/PCIe carries 9\d/)]),
    });
    expect((await during('d2h')).bound).toBe('pcie');
    expect(await during('p2p01')).toMatchObject({
      bound: 'nvlink',
      evidence: expect.arrayContaining([expect.stringMatching(/NVLink carries 8\d/)]),
    });
    expect((await whyIn(file, 52, 54.5)).bound).toBe('hbm');
  });

  it('of large matrix products is the power cap, which holds the clock far below its most; beside it, the tensor cores', async () => {
    const { bound, evidence } = await whyIn('h100x2-copies-2026-11-25.jsonl', 28.5, 32);
    expect(bound).toBe('throttled');
    expect(evidence[0]).toMatch(/power cap in \d+(\.\d)? % of the samples, at 1,3\d\d of 1,980 MHz/);
    expect(evidence[1]).toMatch(/Tensor cores are busy 9\d/);
  });
});
