import type { TelemetryHeader, TelemetryLine } from './agent.ts';

/**
 * Telemetry as comma-separated lines (RFC 4180, without line ends): a row a GPU and tick, a row a gap. The columns are
 * those of the first header, and a later stream fills those that it has. Not known is empty.
 */
export class TelemetryCsv {
  #header: TelemetryHeader | undefined;
  #columns: readonly string[] | undefined;

  /** `clockOffsetMs` makes the host's time the client's; null leaves it as it is. */
  constructor(
    readonly host: string,
    readonly clockOffsetMs: number | null,
    columns?: readonly string[],
  ) {
    this.#columns = columns;
  }

  /** The line with the names; undefined before a header has come. */
  get head(): string | undefined {
    return this.#columns === undefined
      ? undefined
      : ['time', 'host', 'gpu', 'name', 'source', ...this.#columns, 'gap'].map(quoted).join(',');
  }

  take(line: TelemetryLine): readonly string[] {
    if (line.type === 'telemetry-header') {
      this.#header = line;
      this.#columns ??= line.gpuColumns;
      return [];
    }
    const header = this.#header;
    const columns = this.#columns;
    if (header === undefined || columns === undefined) return [];
    if (line.type === 'telemetry') {
      const at = columns.map((name) => (header.gpuColumns as readonly string[]).indexOf(name));
      const time = this.#time(header, line.monotonicMs);
      return line.gpus.map((values, i) => {
        const gpu = header.gpus[i];
        const known = at.map((column) => (column < 0 ? '' : String(values[column] ?? '')));
        return this.#row(time, header, [String(gpu?.index ?? i), gpu?.name ?? ''], known, '');
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
        columns.map(() => ''),
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
  const columns = new Set(
    hosts.flatMap(({ lines }) =>
      lines.flatMap((line): readonly string[] => (line.type === 'telemetry-header' ? line.gpuColumns : [])),
    ),
  );
  const rows: string[] = [];
  for (const { host, clockOffsetMs, lines } of hosts) {
    const csv = new TelemetryCsv(host, clockOffsetMs, [...columns]);
    if (rows.length === 0 && csv.head !== undefined) rows.push(csv.head);
    for (const line of lines) rows.push(...csv.take(line));
  }
  return rows.map((row) => `${row}\r\n`).join('');
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
