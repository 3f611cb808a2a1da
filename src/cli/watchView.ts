import { figure } from '../core/sweep/reportFigures.ts';
import { formatBytes } from '../core/units.ts';
import type { TelemetryHeader, TelemetryLine, TelemetryRecord } from '../protocol/agent.ts';

/** Telemetry in words, a line a GPU and tick. */
export class WatchView {
  #header: TelemetryHeader | undefined;

  constructor(readonly host: string) {}

  take(line: TelemetryLine): readonly string[] {
    if (line.type === 'telemetry-header') {
      this.#header = line;
      return [headerWords(this.host, line)];
    }
    if (line.type === 'telemetry-gap') {
      const seconds = (line.toMonotonicMs - line.fromMonotonicMs) / 1000;
      return [`gap: ${figure(seconds)} s, ${line.missedTicks} samples missed (${line.cause})`];
    }
    if (line.type === 'telemetry-notice') {
      const names = line.gpus.map((gpu) => `GPU ${this.#header?.gpus[gpu]?.index ?? gpu}`).join(', ');
      return [`${names === '' ? 'note' : names}: ${line.message}`];
    }
    return line.type === 'telemetry' && this.#header !== undefined ? recordWords(this.#header, line) : [];
  }
}

/** What is watched, and by what means. */
export function headerWords(host: string, { source, recorded, gpus, method }: TelemetryHeader): string {
  const names = gpus.length === 0 ? 'no GPU that its driver shows' : gpus.map(({ name }) => name).join(', ');
  return `${host}: ${names} (${recorded ? `a recording, not this host: ${source}` : (method?.detail ?? source)})`;
}

function recordWords(header: TelemetryHeader, record: TelemetryRecord): string[] {
  const time = new Date(record.wallMs).toISOString().slice(11, 23);
  const host = `${time}  host: CPU ${value(record.host[header.hostColumns.indexOf('cpuPercent')], '%')}, memory ${bytes(record.host[header.hostColumns.indexOf('memoryUsedBytes')])}`;
  const gpus = record.gpus.map((columns, at) => {
    const of = (name: TelemetryHeader['gpuColumns'][number]) => columns[header.gpuColumns.indexOf(name)];
    return `${time}  GPU ${header.gpus[at]?.index ?? at}: memory ${bytes(of('memoryUsedBytes'))}, busy ${value(of('utilizationPercent'), '%')}, SM ${value(of('smActivePercent'), '%')}, ${value(of('powerWatts'), 'W')}, ${value(of('temperatureCelsius'), '°C')}`;
  });
  return [...gpus, host];
}

function value(number: number | null | undefined, unit: string): string {
  return number === null || number === undefined ? 'not known' : `${figure(number)} ${unit}`;
}

function bytes(number: number | null | undefined): string {
  return number === null || number === undefined ? 'not known' : formatBytes(number);
}
