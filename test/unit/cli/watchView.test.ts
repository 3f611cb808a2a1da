import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clockWords, WatchView } from '../../../src/cli/watchView.ts';
import type { TelemetryLine } from '../../../src/protocol/agent.ts';
import { readRecording } from '../../../src/protocol/telemetryRecording.ts';
import { telemetryHeader, telemetryLines } from '../../webview/examples.ts';

const h100 = new URL('../../fixtures/telemetry/h100x2-copies-2026-11-25.jsonl', import.meta.url);

describe('what `loadline watch` prints', () => {
  it('is all that a GPU and its host were sampled for, with limits and what slows it down', () => {
    const view = new WatchView('gpu-01');
    const printed = readRecording(readFileSync(h100, 'utf8')).lines.flatMap((line) => view.take(line));
    expect(printed[0]).toBe(
      'gpu-01: NVIDIA H100 80GB HBM3, NVIDIA H100 80GB HBM3 (NVML 13.580.159.04, driver 580.159.04)',
    );
    expect(printed).toContain('GPU 1: no process');
    expect(printed.find((line) => line.includes('power cap'))).toMatch(
      /^[\d:.]{12} {2}GPU 0: memory [\d.]+ GiB of 79\.6 GiB, busy \d+ %, SM [\d.]+ %, tensor [\d.]+ %, DRAM [\d.]+ %, \d+ of 700 W, 1,\d{3} MHz, [\d.]+ °C, PCIe [\d.]+ in [\d.]+ out GB\/s, NVLink 0 in 0 out GB\/s, slowed: power cap$/,
    );
    expect(printed.at(-1)).toMatch(
      /^[\d:.]{12} {2}host: CPU [\d.]+ %, memory [\d.]+ GiB, network [\d.]+ in [\d.]+ out MB\/s$/,
    );
  });

  it('leaves out what is not sampled, and says of what is that it is not known', () => {
    const view = new WatchView('gpu-01');
    const [record] = telemetryLines(1, 0, 1);
    if (record?.type !== 'telemetry') throw new Error('no record');
    view.take(telemetryHeader(1, { gpuColumns: ['memoryUsedBytes', 'powerWatts', 'throttleReasons'] }));
    const [words] = view.take({ ...record, gpus: [[2 ** 30, null, null]] });
    expect(words?.slice(14)).toBe('GPU 0: memory 1.00 GiB of 140 GiB, power not known, slowed: not known');
  });

  it('names whose processes are on a GPU, the biggest first', () => {
    const view = new WatchView('gpu-01');
    view.take(telemetryHeader(1));
    const line: TelemetryLine = {
      type: 'telemetry-processes',
      monotonicMs: 0,
      gpu: 0,
      processes: [
        { pid: 7, user: 'other', name: 'trainer', memoryBytes: 2 ** 30, own: false },
        { pid: 8, user: 'me', name: 'VLLM::EngineCore', memoryBytes: 2 ** 33, own: true, run: 'r-chat' },
        { pid: 9, user: null, name: null, memoryBytes: null, own: null },
      ],
    };
    expect(view.take(line)).toEqual([
      'GPU 0: VLLM::EngineCore (run r-chat, 8.00 GiB, PID 8), trainer (other, 1.00 GiB, PID 7, not yours), process 9 (PID 9)',
    ]);
  });

  it('says of memory errors only where there are any', () => {
    const view = new WatchView('gpu-01');
    view.take(telemetryHeader(1));
    const ecc = (uncorrectedErrors: number): TelemetryLine => ({
      type: 'telemetry-ecc',
      monotonicMs: 0,
      gpu: 0,
      uncorrectedErrors,
    });
    expect(view.take(ecc(0))).toEqual([]);
    expect(view.take(ecc(2))).toEqual(['GPU 0: memory errors that were not corrected (ECC): 2']);
  });

  it('says how far the clock of the host is off, and how well that is known', () => {
    const clock = { monotonicOffsetMs: 0, wallOffsetMs: -39.8, errorMs: 1.5 };
    expect(clockWords('gpu-01', clock)).toBe(
      "gpu-01: its clock is 39.8 ms ahead of this machine's, ± 1.50 ms",
    );
  });
});
