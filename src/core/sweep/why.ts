/** Why a cell is as fast as it is: what sets its pace, with what shows it. */
import type { SpeedBound } from '../estimate/types.ts';
import type { BoundKind, CellEngineMetrics, CellTelemetry, Why } from './cellResult.ts';
import { figure } from './reportFigures.ts';
import type { CellResult } from './run.ts';
import { isClientBound } from './usable.ts';

/** What a GPU can do at most; null where it is not known. */
export interface GpuLimits {
  /** One way, as for NVLink, where all of them together count. */
  readonly pcieBytesPerSecond: number | null;
  readonly nvlinkBytesPerSecond: number | null;
  readonly smClockMHz: number | null;
}

export interface WhyInput {
  readonly cell: CellResult;
  readonly telemetry: CellTelemetry | undefined;
  readonly metrics: CellEngineMetrics | undefined;
  readonly limits: GpuLimits;
  /** What the roofline says of this cell. */
  readonly predicted: SpeedBound | undefined;
}

/**
 * From which share of time, or of a link, a resource sets the pace. Activity counters never reach 1: a step has its gaps, and no kernel
 * moves bytes all the time. A decode step at the recorded 68 % of the memory's peak shows 0.6 to 0.7 of DRAM activity.
 */
const BUSY = { dram: 0.55, tensor: 0.5, pcie: 0.6, nvlink: 0.5, sm: 0.5, kv: 0.95, hostCpu: 0.9 } as const;
/** Slowed down in more of the samples than this. At its power cap a GPU may run nearly as fast. */
const SLOWED = { hard: 0.05, powerCap: 0.5, clock: 0.9 } as const;

/** The first that holds, in this order: what would make the others' figures meaningless comes first. */
export function whyOf(input: WhyInput): Why {
  const found = [clientBound, throttled, kvBound, linkBound, gpuBound, hostBound].flatMap(
    (rule) => rule(input) ?? [],
  );
  const [first] = found;
  const shown = activityWords(input);
  if (first !== undefined) {
    const others = found.slice(1).flatMap(({ evidence }) => evidence);
    return {
      bound: first.bound,
      evidence: unique([...first.evidence, ...others, ...shown, ...predictedWords(input, first.bound)]),
    };
  }
  const { telemetry, predicted } = input;
  const measured = telemetry?.smActive !== undefined || telemetry?.dramActive !== undefined;
  // Without activity counters (before Hopper, or without telemetry) the estimate alone can say something.
  const byEstimate = measured ? undefined : predictedBound(predicted, input);
  if (byEstimate === undefined) {
    return { bound: 'unknown', evidence: unique([...shown, ...predictedWords(input, 'unknown')]) };
  }
  return {
    bound: byEstimate,
    evidence: unique([
      'By the estimate alone: there are no activity counters of a GPU for this cell.',
      ...predictedWords(input, byEstimate),
      ...shown,
    ]),
  };
}

function clientBound({ cell }: WhyInput): Why | undefined {
  if (!isClientBound(cell)) return undefined;
  const because = cell.trials.flatMap(({ client }) => client?.boundBecause ?? []);
  return {
    bound: 'client',
    evidence: [
      because.length > 0
        ? `The load generator: ${unique(because).join('; ')}.`
        : 'The load generator was too busy to be sure of its figures.',
    ],
  };
}

function throttled({ telemetry, limits }: WhyInput): Why | undefined {
  const reasons = Object.entries(telemetry?.throttled ?? {});
  const clock = telemetry?.smClockMHz;
  // Many a GPU is at its power cap at nearly its full clock: that costs nothing to speak of.
  const isSlow =
    clock === undefined || limits.smClockMHz === null || clock < SLOWED.clock * limits.smClockMHz;
  const matters = reasons.filter(([name, share]) =>
    name === 'power cap' ? isSlow && share > SLOWED.powerCap : share > SLOWED.hard,
  );
  if (matters.length === 0) return undefined;
  const most = limits.smClockMHz === null ? '' : ` of ${figure(limits.smClockMHz)}`;
  const clockWords = clock === undefined ? '' : `, at ${figure(clock)}${most} MHz in the mean`;
  const words = matters.map(([name, share]) => `${name} in ${figure(100 * share)} % of the samples`);
  return { bound: 'throttled', evidence: [`The GPU slowed itself down: ${words.join(', ')}${clockWords}.`] };
}

function kvBound({ metrics }: WhyInput): Why | undefined {
  if (metrics === undefined) return undefined;
  const { preemptions = 0, waiting = 0, kvUsageMost = 0, kvUsage } = metrics;
  const full = kvUsageMost >= BUSY.kv;
  if (!(preemptions > 0) && !(full && waiting >= 1)) return undefined;
  const use = `KV cache ${kvUsage === undefined ? '' : `${figure(100 * kvUsage)} % full in the mean, `}${figure(100 * kvUsageMost)} % at most`;
  const parts = [use, `${figure(waiting)} requests waiting in the mean`];
  if (preemptions > 0) parts.push(`${figure(preemptions)} preemptions`);
  return { bound: 'kv', evidence: [`The engine's metrics: ${parts.join(', ')}.`] };
}

function linkBound({ telemetry, limits: links }: WhyInput): Why | undefined {
  if (telemetry === undefined) return undefined;
  const share = (tx: number | undefined, rx: number | undefined, most: number | null) =>
    most === null || most <= 0 || (tx === undefined && rx === undefined)
      ? 0
      : Math.max(tx ?? 0, rx ?? 0) / most;
  const nvlink = share(
    telemetry.nvlinkTxBytesPerSecond,
    telemetry.nvlinkRxBytesPerSecond,
    links.nvlinkBytesPerSecond,
  );
  const pcie = share(
    telemetry.pcieTxBytesPerSecond,
    telemetry.pcieRxBytesPerSecond,
    links.pcieBytesPerSecond,
  );
  const words = (name: string, of: number, most: number | null) =>
    `${name} carries ${figure(100 * of)} % of its ${figure((most ?? 0) / 1e9)} GB/s.`;
  if (nvlink >= BUSY.nvlink)
    return { bound: 'nvlink', evidence: [words('NVLink', nvlink, links.nvlinkBytesPerSecond)] };
  if (pcie >= BUSY.pcie) return { bound: 'pcie', evidence: [words('PCIe', pcie, links.pcieBytesPerSecond)] };
  return undefined;
}

/** Memory or tensor cores, whichever is further beyond the share from which it sets the pace. */
function gpuBound({ telemetry }: WhyInput): Why | undefined {
  const { dramActive = 0, tensorActive = 0 } = telemetry ?? {};
  const [dram, tensor] = [dramActive / BUSY.dram, tensorActive / BUSY.tensor];
  if (Math.max(dram, tensor) < 1) return undefined;
  return dram >= tensor
    ? { bound: 'hbm', evidence: [`GPU memory is busy ${figure(100 * dramActive)} % of the time.`] }
    : { bound: 'compute', evidence: [`Tensor cores are busy ${figure(100 * tensorActive)} % of the time.`] };
}

/** The GPU waits: for the engine's own work between steps, or for a CPU that others use too. */
function hostBound({ telemetry, predicted }: WhyInput): Why | undefined {
  if (telemetry?.smActive === undefined) return undefined;
  const { smActive, hostCpu } = telemetry;
  const busyCpu = hostCpu !== undefined && hostCpu >= BUSY.hostCpu;
  if (smActive >= BUSY.sm && !busyCpu) return undefined;
  const cpu = hostCpu === undefined ? '' : `; the host's CPUs are ${figure(100 * hostCpu)} % busy`;
  const launch = predicted === 'launch' ? ', as the estimate says (launching kernels)' : '';
  return {
    bound: 'host',
    evidence: [
      `The multiprocessors are active ${figure(100 * smActive)} % of the time: the GPU waits for the host${launch}${cpu}.`,
    ],
  };
}

const boundOfEstimate: Readonly<Record<Exclude<SpeedBound, 'interconnect'>, BoundKind>> = {
  bandwidth: 'hbm',
  'kv-traffic': 'hbm',
  compute: 'compute',
  launch: 'host',
  kv: 'kv',
};

function predictedBound(
  predicted: SpeedBound | undefined,
  { limits: links }: WhyInput,
): BoundKind | undefined {
  if (predicted === undefined) return undefined;
  if (predicted === 'interconnect') return links.nvlinkBytesPerSecond === null ? 'pcie' : 'nvlink';
  return boundOfEstimate[predicted];
}

const estimateWords: Readonly<Record<SpeedBound, string>> = {
  bandwidth: 'reading weights from GPU memory',
  'kv-traffic': 'reading the KV cache from GPU memory',
  compute: 'arithmetic',
  launch: "the engine's own cost a step",
  kv: 'room in the KV cache',
  interconnect: 'links between GPUs',
};

function predictedWords(input: WhyInput, verdict: BoundKind): string[] {
  const { predicted } = input;
  if (predicted === undefined) return [];
  const agrees = verdict === 'unknown' || predictedBound(predicted, input) === verdict;
  return [`The estimate${agrees ? '' : ', otherwise,'} expects ${estimateWords[predicted]} to set the pace.`];
}

/** What was seen, whatever it decides. */
function activityWords({ telemetry }: WhyInput): string[] {
  if (telemetry === undefined) return [];
  const shares: readonly (readonly [string, number | undefined])[] = [
    ['SM', telemetry.smActive],
    ['tensor', telemetry.tensorActive],
    ['DRAM', telemetry.dramActive],
    ['host CPU', telemetry.hostCpu],
  ];
  const known = shares.flatMap(([name, share]) =>
    share === undefined ? [] : [`${name} ${figure(100 * share)} %`],
  );
  return known.length === 0 ? [] : [`Activity in the mean: ${known.join(', ')}.`];
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
