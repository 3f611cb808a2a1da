/** Messages as the extension host would send them. Made up, in the shape of the protocol. */
import { findDevice } from '../../src/core/device/catalogue.ts';
import type { FlagValue } from '../../src/core/engine/deployment.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../src/core/estimate/types.ts';
import { knownModel } from '../../src/core/model/known.ts';
import type { LoadResult, Quantiles } from '../../src/core/sweep/loadResult.ts';
import type { CellResult, RunResults } from '../../src/core/sweep/run.ts';
import { GiB } from '../../src/core/units.ts';
import type { TelemetryColumn, TelemetryHeader, TelemetryLine } from '../../src/protocol/agent.ts';
import {
  type CalculatorSnapshot,
  panelProtocol,
  type SweepSnapshot,
  type TelemetrySnapshot,
} from '../../src/protocol/panel.ts';

// ---- calculator ----------------------------------------------------------------------------------

export function requestFor(
  model: string,
  device: string,
  flags: Readonly<Record<string, FlagValue>> = {},
): EstimateRequest {
  const [facts, found] = [knownModel(model), findDevice(device)];
  if (facts === undefined || found === undefined) throw new Error(`no ${model} or no ${device}`);
  return {
    source: 'serve.yaml:12',
    deployment: { engine: 'vllm', engineVersion: '0.26.0', entrypoint: 'serve', model: facts.id, flags },
    model: facts,
    device: found,
    gpuCount: 1,
  };
}

export function calculatorSnapshot(
  request: EstimateRequest | null,
  more: Partial<CalculatorSnapshot> = {},
): CalculatorSnapshot {
  return {
    type: 'snapshot',
    protocol: panelProtocol,
    following: request === null ? null : request.source,
    request,
    estimate: request === null ? null : estimate(request),
    index: request === null ? null : 0,
    siblings: [],
    followsCursor: false,
    measured: [],
    prices: {},
    locale: 'en-US',
    ...more,
  };
}

// ---- telemetry -----------------------------------------------------------------------------------

const gpuColumns: readonly TelemetryColumn[] = [
  'memoryUsedBytes',
  'utilizationPercent',
  'smActivePercent',
  'tensorActivePercent',
  'dramActivePercent',
  'powerWatts',
  'smClockMHz',
  'memoryClockMHz',
  'temperatureCelsius',
  'pcieTxBytesPerSecond',
  'pcieRxBytesPerSecond',
  'nvlinkTxBytesPerSecond',
  'nvlinkRxBytesPerSecond',
  'throttleReasons',
];

export const startedWallMs = Date.UTC(2026, 10, 23, 12, 0, 0);

export function telemetryHeader(gpuCount: number, changes: Partial<TelemetryHeader> = {}): TelemetryHeader {
  return {
    type: 'telemetry-header',
    schema: 1,
    source: 'recorded:h200-static-batch',
    recorded: true,
    hostname: 'gpu-01',
    intervalMs: 200,
    startedWallMs,
    startedMonotonicMs: 5000,
    gpus: Array.from({ length: gpuCount }, (_, index) => ({
      index,
      uuid: `GPU-${index}`,
      name: 'NVIDIA H200',
      memoryTotalBytes: 140.4 * GiB,
      memoryUsedBytes: null,
      powerLimitWatts: 700,
      memoryReservedBytes: 0.6 * GiB,
      smClockMaxMHz: 1980,
      slowdownCelsius: 92,
      links: {
        pcieGeneration: 5,
        pcieLanes: 16,
        pcieBytesPerSecond: 63e9,
        nvlinks: 18,
        nvlinkBytesPerSecond: 450e9,
      },
    })),
    gpuColumns,
    hostColumns: [],
    ...changes,
  };
}

/** A load that comes and goes; deterministic. */
function gpuRow(seq: number, gpu: number): readonly (number | null)[] {
  const load = Math.max(0, Math.sin(seq / 60 + gpu) + 0.02 * Math.sin(seq * 1.7 + gpu));
  return [
    (17 + 80 * Math.min(1, (seq + 40 * gpu) / 700)) * GiB,
    Math.min(100, 100 * load),
    90 * Math.min(1, load),
    45 * Math.min(1, load),
    65 * Math.min(1, load),
    120 + 480 * Math.min(1, load),
    load > 0.9 ? 1755 : 1980,
    3201,
    38 + 25 * Math.min(1, load),
    8e9 * load,
    26e9 * load,
    210e9 * load,
    190e9 * load,
    load > 0.9 ? 0x04 : 0,
  ];
}

/** 5 Hz from the start; ticks 500 to 539 were missed. */
export function telemetryLines(gpuCount: number, from: number, to: number): readonly TelemetryLine[] {
  const lines: TelemetryLine[] = [];
  for (let seq = from; seq < to; seq++) {
    const monotonicMs = 5000 + seq * 200;
    if (seq === 500)
      lines.push({
        type: 'telemetry-gap',
        fromMonotonicMs: monotonicMs - 200,
        toMonotonicMs: monotonicMs + 40 * 200,
        missedTicks: 40,
        cause: 'driver busy',
      });
    if (seq >= 500 && seq < 540) continue;
    lines.push({
      type: 'telemetry',
      seq,
      monotonicMs,
      wallMs: startedWallMs + seq * 200,
      gpus: Array.from({ length: gpuCount }, (_, gpu) => gpuRow(seq, gpu)),
      host: [],
    });
  }
  return lines;
}

export const hostState = {
  host: 'gpu-01',
  connection: 'live',
  message: null,
  clockOffsetMs: null,
  clockErrorMs: null,
  recordingFile: null,
} as const;

export function telemetrySnapshot(gpuCount: number, ticks = 1000): TelemetrySnapshot {
  return {
    type: 'snapshot',
    protocol: panelProtocol,
    hosts: [{ ...hostState, lines: [telemetryHeader(gpuCount), ...telemetryLines(gpuCount, 0, ticks)] }],
    windowMs: 300_000,
    recording: null,
    locale: 'en-US',
  };
}

// ---- sweep ---------------------------------------------------------------------------------------

const quantiles = (p50: number, certifies: 'p95' | 'p50' = 'p95'): Quantiles => ({
  mean: p50 * 1.05,
  p50,
  p90: certifies === 'p95' ? p50 * 1.3 : null,
  p95: certifies === 'p95' ? p50 * 1.5 : null,
  p99: null,
});

export function loadResult(concurrency: number, changes: Partial<LoadResult> = {}): LoadResult {
  const perQuery = 120 / (1 + concurrency / 24);
  return {
    requests: { ok: 200, failed: 0, byKind: {} },
    tokens: { input: 40_000, output: 20_000 },
    ttftMs: quantiles(20 + 9 * concurrency),
    tpotMs: quantiles(1000 / perQuery),
    itlMs: quantiles(980 / perQuery),
    e2eMs: quantiles(100_000 / perQuery),
    perQueryTokensPerSecond: perQuery,
    systemTokensPerSecond: perQuery * concurrency,
    goodput: null,
    client: { loopLagMs: { p99: 0.4 }, cpuSeconds: 2, events: 20_000, eventsPerSecond: 900, bound: false },
    ...changes,
  };
}

export function cellResult(concurrency: number, changes: Partial<CellResult> = {}): CellResult {
  const flags: Readonly<Record<string, FlagValue>> = { 'max-model-len': 8192 };
  const trial = loadResult(concurrency);
  return {
    cell: `cell-${concurrency}`,
    label: `concurrency ${concurrency}`,
    state: 'done',
    flags,
    concurrency,
    trials: [trial],
    meetsServiceLevel: (trial.ttftMs.p95 ?? 0) <= 500,
    failure: null,
    prediction: { outcome: 'fits', reason: '112.30x at 8,192 tokens' },
    startedWallMs,
    finishedWallMs: startedWallMs + 60_000,
    ...changes,
  };
}

export function runResults(changes: Partial<RunResults> = {}): RunResults {
  const few = loadResult(2, {
    ttftMs: quantiles(38, 'p50'),
    requests: { ok: 12, failed: 0, byKind: {} },
  });
  return {
    schema: 1,
    run: '20261123T120000Z-chat',
    name: 'chat',
    mode: 'rehearsal',
    host: 'gpu-01',
    engine: { name: 'vllm', version: '0.26.0' },
    model: 'meta-llama/Llama-3.1-8B-Instruct',
    device: 'h200-sxm-141gb',
    outcome: 'completed',
    serviceLevel: { ttftP95Ms: 500, perQueryTokensPerSecond: 10 },
    cells: [
      cellResult(1),
      cellResult(2, { trials: [few], meetsServiceLevel: null }),
      cellResult(4),
      cellResult(8),
      cellResult(16),
      cellResult(32),
      cellResult(48, {
        trials: [
          loadResult(48, {
            client: { loopLagMs: { p99: 40 }, cpuSeconds: 9, events: 1, eventsPerSecond: 9000, bound: true },
          }),
        ],
      }),
      cellResult(64, {
        trials: [loadResult(64, { requests: { ok: 188, failed: 12, byKind: { timeout: 12 } } })],
      }),
      cellResult(128, {
        state: 'failed',
        trials: [],
        meetsServiceLevel: null,
        failure: {
          kind: 'out-of-memory',
          phase: 'start',
          message: 'The engine ran out of memory while it captured CUDA graphs.',
          logExcerpt: ['INFO capturing graphs', 'torch.OutOfMemoryError: CUDA out of memory.'],
        },
        prediction: { outcome: 'tight', reason: 'only 0.30 GiB of KV are left' },
      }),
    ],
    answer: 'Up to 32 requests at once stay within TTFT p95 ≤ 500 ms and 10 tok/s per query.',
    warnings: [],
    ...changes,
  };
}

export function sweepSnapshot(changes: Partial<SweepSnapshot> = {}): SweepSnapshot {
  return {
    type: 'snapshot',
    protocol: panelProtocol,
    results: runResults(),
    progress: null,
    connection: null,
    locale: 'en-US',
    ...changes,
  };
}
