import type { TelemetryHeader, TelemetryLine } from './agent.ts';

export interface CsvColumns {
  readonly gpu: readonly string[];
  /** Of the host itself: `cpuPercent` is written as `hostCpuPercent`. */
  readonly host: readonly string[];
}

/**
 * Telemetry as comma-separated lines (RFC 4180, without line ends): a row a GPU and tick (of a host without GPUs a row a tick),
 * a row a gap. What is of the host itself stands in each of its rows. The columns are those of the first header, and a later
 * stream fills those that it has. Not known is empty.
 */
export class TelemetryCsv {
  #header: TelemetryHeader | undefined;
  #columns: CsvColumns | undefined;

  /** `clockOffsetMs` makes the host's time the client's; null leaves it as it is. */
  constructor(
    readonly host: string,
    readonly clockOffsetMs: number | null,
    columns?: CsvColumns,
  ) {
    this.#columns = columns;
  }

  /** The line with the names; undefined before a header has come. */
  get head(): string | undefined {
    if (this.#columns === undefined) return undefined;
    const { gpu, host } = this.#columns;
    const ofHost = host.map((name) => `host${name.charAt(0).toUpperCase()}${name.slice(1)}`);
    return ['time', 'host', 'gpu', 'name', 'source', ...gpu, ...ofHost, 'gap'].map(quoted).join(',');
  }

  take(line: TelemetryLine): readonly string[] {
    if (line.type === 'telemetry-header') {
      this.#header = line;
      this.#columns ??= { gpu: line.gpuColumns, host: line.hostColumns };
      return [];
    }
    const header = this.#header;
    const columns = this.#columns;
    if (header === undefined || columns === undefined) return [];
    if (line.type === 'telemetry') {
      const time = this.#time(header, line.monotonicMs);
      const ofHost = picked(columns.host, header.hostColumns, line.host);
      if (line.gpus.length === 0)
        return [this.#row(time, header, ['', ''], [...columns.gpu.map(() => ''), ...ofHost], '')];
      return line.gpus.map((values, i) => {
        const gpu = header.gpus[i];
        const ofGpu = picked(columns.gpu, header.gpuColumns, values);
        return this.#row(time, header, [String(gpu?.index ?? i), gpu?.name ?? ''], [...ofGpu, ...ofHost], '');
      });
    }
    if (line.type !== 'telemetry-gap') return [];
    const seconds = (line.toMonotonicMs - line.fromMonotonicMs) / 1000;
    const cause = `${seconds.toFixed(1)} s, ${line.missedTicks} samples missed: ${line.cause}`;
    const time = this.#time(header, line.fromMonotonicMs);
    return [
      this.#row(
        time,
        header,
        ['', ''],
        [...columns.gpu, ...columns.host].map(() => ''),
        cause,
      ),
    ];
  }

  #row(
    time: string,
    header: TelemetryHeader,
    gpu: readonly string[],
    values: readonly string[],
    gap: string,
  ): string {
    return [time, this.host, ...gpu, header.source, ...values, gap].map(quoted).join(',');
  }

  /** By the steady clock: setting the host's wall clock bends nothing. */
  #time(header: TelemetryHeader, monotonicMs: number): string {
    const hostMs = header.startedWallMs + (monotonicMs - header.startedMonotonicMs);
    return new Date(hostMs + (this.clockOffsetMs ?? 0)).toISOString();
  }
}

/** Of several hosts in one table; columns that any of them has. */
export function telemetryCsv(
  hosts: readonly {
    readonly host: string;
    readonly clockOffsetMs: number | null;
    readonly lines: readonly TelemetryLine[];
  }[],
): string {
  const headers = hosts.flatMap(({ lines }) =>
    lines.flatMap((line) => (line.type === 'telemetry-header' ? [line] : [])),
  );
  const columns = {
    gpu: [...new Set(headers.flatMap(({ gpuColumns }) => gpuColumns))],
    host: [...new Set(headers.flatMap(({ hostColumns }) => hostColumns))],
  };
  const rows: string[] = [];
  for (const { host, clockOffsetMs, lines } of hosts) {
    const csv = new TelemetryCsv(host, clockOffsetMs, columns);
    if (rows.length === 0 && csv.head !== undefined) rows.push(csv.head);
    for (const line of lines) rows.push(...csv.take(line));
  }
  return rows.map((row) => `${row}\r\n`).join('');
}

/** Values by the names that are wanted; '' where one is not sampled or not known. */
function picked(
  wanted: readonly string[],
  sampled: readonly string[],
  values: readonly (number | null)[],
): readonly string[] {
  return wanted.map((name) => String(values[sampled.indexOf(name)] ?? ''));
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
