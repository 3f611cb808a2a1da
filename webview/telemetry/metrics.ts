import { findDevice } from '../../src/core/device/catalogue.ts';
import { GB, GiB } from '../../src/core/units.ts';
import type { ProbedGpu, TelemetryColumn } from '../../src/protocol/agent.ts';

/** Sampled value -> shown value: `offset + factor * value`. */
export interface Scale {
  readonly unit: string;
  readonly factor: number;
  readonly offset?: number;
}

export interface Metric {
  /** Stable: what the legend's choices are kept by. */
  readonly id: string;
  readonly column: TelemetryColumn;
  readonly label: string;
  /** undefined: it can't be said of this GPU. */
  scale(gpu: ProbedGpu): Scale | undefined;
  /** Drawn where one GPU is shown alone; of several, where the host samples none of the others. */
  readonly minor?: true;
}

/** A level that a chart's lines are held against. */
export interface Limit {
  readonly at: number;
  readonly label: string;
}

export interface MetricChart {
  readonly id: string;
  readonly title: string;
  readonly left: string;
  /** Of values, where the axis says more than that. */
  readonly unit: string;
  /** The axis ends here. */
  readonly top?: number;
  readonly metrics: readonly Metric[];
  limits?(gpu: ProbedGpu, words: LimitWords): readonly Limit[];
}

export interface LimitWords {
  significant(value: number): string;
  bytes(value: number): string;
}

const plain = (unit: string, divisor = 1) => {
  const scale: Scale = { unit, factor: 1 / divisor };
  return () => scale;
};
const percent = plain('%');

const memory: MetricChart = {
  id: 'memory',
  title: 'Memory',
  left: 'GiB',
  unit: 'GiB',
  metrics: [
    { id: 'used', column: 'memoryUsedBytes', label: 'used', scale: plain('GiB', GiB) },
    {
      id: 'free',
      column: 'memoryUsedBytes',
      label: 'free',
      minor: true,
      scale: ({ memoryTotalBytes, memoryReservedBytes }) => ({
        unit: 'GiB',
        factor: -1 / GiB,
        offset: (memoryTotalBytes - (memoryReservedBytes ?? 0)) / GiB,
      }),
    },
  ],
  limits: ({ memoryTotalBytes, memoryReservedBytes }, { bytes }) => [
    {
      at: memoryTotalBytes / GiB,
      label: `total ${bytes(memoryTotalBytes)}${reservedWords(memoryReservedBytes, bytes)}`,
    },
  ],
};

function reservedWords(reserved: number | null | undefined, bytes: LimitWords['bytes']): string {
  return reserved == null ? '' : `, ${bytes(reserved)} reserved`;
}

const busy: MetricChart = {
  id: 'busy',
  title: 'Busy',
  left: '% of time',
  unit: '%',
  top: 100,
  metrics: [
    { id: 'sm', column: 'smActivePercent', label: 'SM', scale: percent },
    { id: 'tensor', column: 'tensorActivePercent', label: 'tensor', scale: percent },
    { id: 'dram', column: 'dramActivePercent', label: 'DRAM', scale: percent },
    { id: 'kernel', column: 'utilizationPercent', label: 'any kernel', scale: percent, minor: true },
  ],
};

const power: MetricChart = {
  id: 'power',
  title: 'Power',
  left: 'W',
  unit: 'W',
  metrics: [{ id: 'power', column: 'powerWatts', label: 'power', scale: plain('W') }],
  limits: ({ powerLimitWatts }, { significant }) =>
    powerLimitWatts === null
      ? []
      : [{ at: powerLimitWatts, label: `limit ${significant(powerLimitWatts)} W` }],
};

const clocks: MetricChart = {
  id: 'clocks',
  title: 'Clocks',
  left: 'MHz',
  unit: 'MHz',
  metrics: [
    { id: 'sm-clock', column: 'smClockMHz', label: 'SM clock', scale: plain('MHz') },
    { id: 'memory-clock', column: 'memoryClockMHz', label: 'memory clock', scale: plain('MHz') },
  ],
  limits: ({ smClockMaxMHz }, { significant }) =>
    smClockMaxMHz == null
      ? []
      : [{ at: smClockMaxMHz, label: `SM at most ${significant(smClockMaxMHz)} MHz` }],
};

const temperature: MetricChart = {
  id: 'temperature',
  title: 'Temperature',
  left: '°C',
  unit: '°C',
  metrics: [{ id: 'heat', column: 'temperatureCelsius', label: 'GPU', scale: plain('°C') }],
  limits: ({ slowdownCelsius }, { significant }) =>
    slowdownCelsius == null
      ? []
      : [{ at: slowdownCelsius, label: `slows down at ${significant(slowdownCelsius)} °C` }],
};

/** What a link can carry at most, one way. */
interface LinkPeak {
  readonly bytesPerSecond: number;
  /** What stands behind the figure, where it is not the host's own word. */
  readonly source: string;
}

type PeakOf = (gpu: ProbedGpu) => LinkPeak | undefined;

/** Of what the link can carry at most in that direction. */
const ofLink =
  (peak: PeakOf): Metric['scale'] =>
  (gpu) => {
    const found = peak(gpu);
    return found && { unit: '%', factor: 100 / found.bytesPerSecond };
  };

function reported(bytesPerSecond: number | null | undefined): LinkPeak | undefined {
  return bytesPerSecond == null || bytesPerSecond <= 0 ? undefined : { bytesPerSecond, source: '' };
}

/** Drivers of Hopper count the links and do not say how fast they are: then it is as the catalogue has the GPU. */
function nvlinkPeak({ name, links }: ProbedGpu): LinkPeak | undefined {
  const said = reported(links?.nvlinkBytesPerSecond);
  if (said !== undefined || (links?.nvlinks ?? 0) === 0) return said;
  const device = findDevice(name);
  const known = device?.fabric ?? device?.bridge;
  return (
    known && {
      bytesPerSecond: known.bytesPerSecond,
      source: `, ${known.name} by its data sheet`,
    }
  );
}

interface Link {
  readonly id: 'pcie' | 'nvlink';
  readonly title: string;
  readonly out: string;
  readonly into: string;
  readonly peak: PeakOf;
}

const links: readonly Link[] = [
  {
    id: 'pcie',
    title: 'PCIe',
    out: 'GPU→host',
    into: 'host→GPU',
    peak: ({ links: has }) => reported(has?.pcieBytesPerSecond),
  },
  {
    id: 'nvlink',
    title: 'NVLink',
    out: 'out of the GPU',
    into: 'into the GPU',
    peak: nvlinkPeak,
  },
];

/** As share of the link's peak where that is known of all GPUs; else in GB/s. */
function linkChart({ id, title, out, into, peak }: Link, share: boolean): MetricChart {
  const scale = share ? ofLink(peak) : plain('GB/s', GB);
  return {
    id,
    title,
    left: share ? '% of the link’s peak' : 'GB/s',
    unit: share ? '%' : 'GB/s',
    metrics: [
      { id: `${id}-tx`, column: `${id}TxBytesPerSecond`, label: out, scale },
      { id: `${id}-rx`, column: `${id}RxBytesPerSecond`, label: into, scale },
    ],
    ...(share
      ? {
          limits: (gpu, { significant }) => {
            const found = peak(gpu);
            return found === undefined
              ? []
              : [
                  {
                    at: 100,
                    label: `peak ${significant(found.bytesPerSecond / GB)} GB/s each way${found.source}`,
                  },
                ];
          },
        }
      : {}),
  };
}

export const throttleChart = 'throttle' as const;

/** Charts of lines, in the order of the panel; `throttleChart` stands behind them. */
export const lineCharts = ['memory', 'busy', 'power', 'clocks', 'temperature', 'pcie', 'nvlink'] as const;
export type LineChartId = (typeof lineCharts)[number];

const fixed: Readonly<Partial<Record<LineChartId, MetricChart>>> = {
  memory,
  busy,
  power,
  clocks,
  temperature,
};

/** The chart for these GPUs: what it is measured in depends on what is known of their links. */
export function metricChart(id: LineChartId, gpus: readonly ProbedGpu[]): MetricChart {
  const known = fixed[id];
  if (known !== undefined) return known;
  const link = links.find((one) => one.id === id);
  if (link === undefined) throw new Error(`no chart ${id}`);
  const shared = gpus.length > 0 && gpus.every((gpu) => link.peak(gpu) !== undefined);
  return linkChart(link, shared);
}

export const chartTitles: Readonly<Record<LineChartId | typeof throttleChart | 'host', string>> = {
  memory: memory.title,
  busy: busy.title,
  power: power.title,
  clocks: clocks.title,
  temperature: temperature.title,
  pcie: 'PCIe',
  nvlink: 'NVLink',
  throttle: 'Slowed down',
  host: 'Host CPU',
};
