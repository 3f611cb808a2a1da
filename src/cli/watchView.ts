import { throttleWords } from '../core/device/slowdown.ts';
import { figure } from '../core/sweep/reportFigures.ts';
import { formatBytes, GB, MB } from '../core/units.ts';
import type {
  HostColumn,
  ProbedGpu,
  TelemetryColumn,
  TelemetryHeader,
  TelemetryLine,
  TelemetryRecord,
} from '../protocol/agent.ts';
import type { HostClock } from '../protocol/agentClock.ts';
import type { GpuProcess } from '../protocol/agentTelemetry.ts';
import { biggestFirst } from '../protocol/processHistory.ts';
import { isForeign, processName, processOwner } from '../protocol/processOwner.ts';

/** Telemetry in words, a line a GPU and tick. What a host does not sample is left out. */
export class WatchView {
  #header: TelemetryHeader | undefined;

  constructor(readonly host: string) {}

  take(line: TelemetryLine): readonly string[] {
    switch (line.type) {
      case 'telemetry-header':
        this.#header = line;
        return [headerWords(this.host, line)];
      case 'telemetry-gap': {
        const seconds = (line.toMonotonicMs - line.fromMonotonicMs) / 1000;
        return [`gap: ${figure(seconds)} s, ${line.missedTicks} samples missed (${line.cause})`];
      }
      case 'telemetry-notice': {
        const names = line.gpus.map((gpu) => this.#gpu(gpu)).join(', ');
        return [`${names === '' ? 'note' : names}: ${line.message}`];
      }
      case 'telemetry-processes':
        return [`${this.#gpu(line.gpu)}: ${processesWords(line.processes)}`];
      case 'telemetry-ecc':
        return line.uncorrectedErrors === 0
          ? []
          : [
              `${this.#gpu(line.gpu)}: memory errors that were not corrected (ECC): ${line.uncorrectedErrors}`,
            ];
      case 'telemetry':
        return this.#header === undefined ? [] : recordWords(this.#header, line);
      default:
        return [];
    }
  }

  /** As nvidia-smi counts. */
  #gpu(position: number): string {
    return `GPU ${this.#header?.gpus[position]?.index ?? position}`;
  }
}

/** How far the host's clock is from this machine's: what its times are worth here. */
export function clockWords(host: string, { wallOffsetMs, errorMs }: HostClock): string {
  const way = wallOffsetMs < 0 ? 'ahead of' : 'behind';
  return `${host}: its clock is ${figure(Math.abs(wallOffsetMs))} ms ${way} this machine's, ± ${figure(errorMs)} ms`;
}

/** What is watched, and by what means. */
export function headerWords(host: string, { source, recorded, gpus, method }: TelemetryHeader): string {
  const names = gpus.length === 0 ? 'no GPU that its driver shows' : gpus.map(({ name }) => name).join(', ');
  return `${host}: ${names} (${recorded ? `a recording, not this host: ${source}` : (method?.detail ?? source)})`;
}

function processesWords(processes: readonly GpuProcess[]): string {
  if (processes.length === 0) return 'no process';
  return biggestFirst(processes)
    .map((process) => {
      const { pid, memoryBytes } = process;
      const facts = [
        processOwner(process),
        memoryBytes === null ? '' : formatBytes(memoryBytes),
        `PID ${pid}`,
        isForeign(process) ? 'not yours' : '',
      ];
      return `${processName(process)} (${facts.filter((fact) => fact !== '').join(', ')})`;
    })
    .join(', ');
}

function recordWords(header: TelemetryHeader, record: TelemetryRecord): string[] {
  const time = new Date(record.wallMs).toISOString().slice(11, 23);
  const gpus = record.gpus.map((values, at) => {
    const gpu = header.gpus[at];
    return `${time}  GPU ${gpu?.index ?? at}: ${gpuWords(gpu, (name) => values[header.gpuColumns.indexOf(name)])}`;
  });
  const of = (name: HostColumn) => record.host[header.hostColumns.indexOf(name)];
  const machine = [
    said('CPU', of('cpuPercent'), '%'),
    said('memory', of('memoryUsedBytes'), formatBytes),
    traffic('network', of('networkRxBytesPerSecond'), of('networkTxBytesPerSecond'), [MB, 'MB/s']),
  ].filter((words) => words !== '');
  return machine.length === 0 ? gpus : [...gpus, `${time}  host: ${machine.join(', ')}`];
}

type Sampled = number | null | undefined;

function gpuWords(gpu: ProbedGpu | undefined, of: (name: TelemetryColumn) => Sampled): string {
  const total = gpu === undefined ? '' : ` of ${formatBytes(gpu.memoryTotalBytes)}`;
  const limit = gpu?.powerLimitWatts == null ? '' : `of ${figure(gpu.powerLimitWatts)} `;
  const reasons = of('throttleReasons');
  const slowed = reasons === undefined ? [] : (throttleWords(reasons) ?? ['not known']);
  return [
    said('memory', of('memoryUsedBytes'), (bytes) => `${formatBytes(bytes)}${total}`),
    said('busy', of('utilizationPercent'), '%'),
    said('SM', of('smActivePercent'), '%'),
    said('tensor', of('tensorActivePercent'), '%'),
    said('DRAM', of('dramActivePercent'), '%'),
    said('', of('powerWatts'), `${limit}W`, 'power'),
    said('', of('smClockMHz'), 'MHz', 'SM clock'),
    said('', of('temperatureCelsius'), '°C', 'temperature'),
    traffic('PCIe', of('pcieRxBytesPerSecond'), of('pcieTxBytesPerSecond'), [GB, 'GB/s']),
    traffic('NVLink', of('nvlinkRxBytesPerSecond'), of('nvlinkTxBytesPerSecond'), [GB, 'GB/s']),
    slowed.length === 0 ? '' : `slowed: ${slowed.join(', ')}`,
  ]
    .filter((words) => words !== '')
    .join(', ');
}

/** `SM 90.1 %`; '' where it is not sampled. `unknown` names it where the unit says what it is. */
function said(
  name: string,
  value: Sampled,
  unit: string | ((value: number) => string),
  unknown = name,
): string {
  if (value === undefined) return '';
  if (value === null) return `${unknown} not known`;
  const words = typeof unit === 'string' ? `${figure(value)} ${unit}` : unit(value);
  return name === '' ? words : `${name} ${words}`;
}

/** Into it, then out of it. */
function traffic(
  name: string,
  into: Sampled,
  out: Sampled,
  [divisor, unit]: readonly [number, string],
): string {
  if (into === undefined || out === undefined) return '';
  if (into === null || out === null) return `${name} not known`;
  return `${name} ${figure(into / divisor)} in ${figure(out / divisor)} out ${unit}`;
}
