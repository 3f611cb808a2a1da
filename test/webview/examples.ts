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
    question: 'chat',
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
          enginePhase: 'capture',
          message: 'The engine ran out of memory while it captured CUDA graphs.',
          logExcerpt: ['INFO capturing graphs', 'torch.OutOfMemoryError: CUDA out of memory.'],
          remedies: [
            { flag: 'max-num-seqs', change: 'lower', to: 64, why: 'Fewer and smaller graphs are captured.' },
            { flag: 'enforce-eager', change: 'set', why: 'No graphs are captured; decoding is slower.' },
          ],
        },
        prediction: { outcome: 'tight', reason: 'only 0.30 GiB of KV are left' },
      }),
    ],
    answer: 'Up to 32 requests at once stay within TTFT p95 ≤ 500 ms and 10 tok/s per query.',
    warnings: [],
    ...changes,
  };
}

const beside = (predicted: number, measured: number) => ({
  predicted,
  low: predicted * 0.9,
  high: predicted * 1.1,
  measured,
});

/** Bisected: two values failed, five were measured, the others were passed over. */
export function memoryLimitResults(changes: Partial<RunResults> = {}): RunResults {
  const cells = [0.2, 0.22, 0.24, 0.26, 0.3, 0.4, 0.5, 0.7, 0.9].map((fraction, at): CellResult => {
    const cell = cellResult(16, {
      cell: `fraction-${fraction}`,
      label: `gpu-memory-utilization ${fraction}`,
      flags: { 'gpu-memory-utilization': fraction },
      gpuCount: 1,
      meetsServiceLevel: null,
      startedWallMs: startedWallMs + at * 20_000,
      finishedWallMs: startedWallMs + at * 20_000 + 18_000,
    });
    if (fraction < 0.23)
      return {
        ...cell,
        state: 'failed',
        trials: [],
        meetsServiceLevel: null,
        failure: {
          kind: 'out-of-memory',
          phase: 'start',
          enginePhase: 'profile',
          message: 'No memory is left for the KV cache.',
          logExcerpt: ['ValueError: No available memory for the cache blocks.'],
          remedies: [
            { flag: 'gpu-memory-utilization', change: 'raise', to: 0.24, why: 'The cache needs 0.5 GiB.' },
          ],
        },
      };
    if (fraction === 0.26 || fraction === 0.7)
      return {
        ...cell,
        state: 'waiting',
        trials: [],
        startedWallMs: null,
        finishedWallMs: null,
        meetsServiceLevel: null,
        passedOver: { search: 'smallest gpu-memory-utilization', why: '0.24 starts, and more starts too.' },
      };
    const throughput = Math.min(1150, 4000 * (fraction - 0.02));
    const trial = loadResult(16, { systemTokensPerSecond: throughput });
    return {
      ...cell,
      trials: [trial],
      interval: {
        systemTokensPerSecond: {
          mean: throughput,
          low: throughput - 30,
          high: throughput + 30,
          n: 1,
          standardError: 15,
        },
      },
      why:
        fraction < 0.3
          ? { bound: 'kv', evidence: ['The KV cache was full for 92 % of the time; 41 preemptions.'] }
          : { bound: 'hbm', evidence: ['DRAM was active for 81 % of the time, tensor cores for 22 %.'] },
      memory: [
        {
          term: 'weights',
          predictedBytes: 15 * GiB,
          lowBytes: 15 * GiB,
          highBytes: 15 * GiB,
          measuredBytes: 14.99 * GiB,
        },
        {
          term: 'activation-peak',
          predictedBytes: 1.1 * GiB,
          lowBytes: GiB,
          highBytes: 1.3 * GiB,
          measuredBytes: 1.45 * GiB,
        },
        {
          term: 'available-kv',
          predictedBytes: 17 * GiB,
          lowBytes: 16 * GiB,
          highBytes: 18 * GiB,
          measuredBytes: 16.8 * GiB,
        },
      ],
      speed: {
        systemTokensPerSecond: beside(throughput * 1.04, throughput),
        ttftMs: beside(180, 172),
        tpotMs: beside(13, 13.9),
        startupSeconds: beside(48, 52),
      },
      telemetry: {
        fromWallMs: startedWallMs + at * 20_000 + 9_000,
        toWallMs: startedWallMs + at * 20_000 + 17_000,
        samples: 40,
        gpus: 1,
        meanWatts: 512,
        joulesPerOutputToken: 512 / throughput,
        smActive: 0.93,
        dramActive: 0.81,
        tensorActive: 0.22,
        memoryUsedBytes: fraction * 140 * GiB,
      },
      engineMetrics: {
        samples: 20,
        kvUsageMost: fraction < 0.3 ? 1 : 0.6,
        preemptions: fraction < 0.3 ? 41 : 0,
      },
    };
  });
  return runResults({
    run: '20261123T120000Z-memory-limit',
    name: 'memory-limit',
    question: 'memory-limit',
    mode: 'measured',
    serviceLevel: null,
    cells,
    answer:
      '0.30 is enough: the smallest gpu-memory-utilization at peak throughput, 1,120 tok/s ± 30; it starts from 0.24.',
    searches: [
      {
        id: 'smallest',
        label: 'gpu-memory-utilization',
        goal: 'smallest-that-starts',
        state: 'finished',
        found: 'fraction-0.24',
        good: ['fraction-0.24', 'fraction-0.3', 'fraction-0.5'],
        bad: ['fraction-0.2', 'fraction-0.22'],
        smooth: true,
        why: '0.24 starts, 0.22 does not.',
        startsUsed: 4,
        startsOfGrid: 15,
        runsUsed: 3,
        runsOfGrid: 15,
      },
    ],
    knees: [
      {
        group: '',
        axis: 'concurrency',
        cell: 'fraction-0.3',
        value: 16,
        systemTokensPerSecond: 1120,
        regime: 'saturated',
        why: 'More gives less than 5 % more.',
      },
    ],
    ...changes,
  });
}

/** One engine, two that share a GPU in turns, two under MPS, these with the load of one each; one of the last ran out of memory. */
export function mpsResults(changes: Partial<RunResults> = {}): RunResults {
  const arrangements = [
    { copies: 1 },
    { copies: 2, sharing: 'time-slicing' },
    { copies: 2, sharing: 'mps', memoryLimitBytes: 60 * GiB },
  ] as const;
  const gains = [1, 0.92, 1.05];
  const cells = arrangements.flatMap((arrangement, row) =>
    [1, 2, 4, 8, 16, 32].map((concurrency): CellResult => {
      const alone = 1000 * Math.sqrt(concurrency);
      const failed = row === 2 && concurrency === 32;
      const inAll = arrangement.copies * concurrency;
      return cellResult(inAll, {
        cell: `mps-${row}-${concurrency}`,
        label: `${arrangement.copies} copies ${row}, concurrency ${inAll}`,
        arrangement,
        gpuCount: 1,
        meetsServiceLevel: null,
        trials: failed ? [] : [loadResult(inAll, { systemTokensPerSecond: alone * (gains[row] ?? 1) })],
        ...(failed
          ? {
              state: 'failed',
              meetsServiceLevel: null,
              failure: {
                kind: 'out-of-memory',
                phase: 'load',
                enginePhase: 'serving',
                instance: 1,
                message: 'The second copy ran out of memory.',
                logExcerpt: [],
              },
            }
          : {}),
      });
    }),
  );
  return runResults({
    run: '20261123T130000Z-mps',
    name: 'mps',
    question: 'mps',
    mode: 'measured',
    serviceLevel: null,
    cells,
    answer:
      'Two engines under MPS give 5 % more than one, but one with twice the load gives 41 % more: MPS does not pay here.',
    ...changes,
  });
}

export function sweepSnapshot(changes: Partial<SweepSnapshot> = {}): SweepSnapshot {
  return {
    type: 'snapshot',
    protocol: panelProtocol,
    results: runResults(),
    progress: null,
    connection: null,
    others: [],
    locale: 'en-US',
    ...changes,
  };
}
