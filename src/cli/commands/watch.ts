import { figure } from '../../core/sweep/reportFigures.ts';
import { formatBytes } from '../../core/units.ts';
import type { DeviceSource, TelemetryHeader, TelemetryRecord } from '../../protocol/agent.ts';
import { BadInput } from '../badInput.ts';
import { exitCodes } from '../exitCodes.ts';
import { HostSession } from '../hostSession.ts';
import { parseOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';

/** Live figures of a host's GPUs, a line a GPU and tick, until Ctrl-C or --seconds. */
export async function watchCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('watch', argv, {
    interval: { type: 'string' },
    seconds: { type: 'string' },
    device: { type: 'string' },
  });
  const [host = 'this-machine', ...more] = given.files;
  if (more.length > 0) throw new BadInput('loadline watch: one host at a time.');
  const device = deviceOf(given.text('device') ?? 'auto');
  const seconds = given.whole('seconds', 1);
  const intervalMs = given.whole('interval', 10) ?? 1000;
  const json = given.isSet('json');
  const session = new HostSession(terminal, host);
  try {
    const agent = await session.agent();
    const request = { intervalMs, device, ...(seconds === undefined ? {} : { durationMs: seconds * 1000 }) };
    let header: TelemetryHeader | undefined;
    for await (const line of agent.sample(request, { signal: terminal.interrupted })) {
      if (json) terminal.out(JSON.stringify(line));
      else if (line.type === 'telemetry-header') {
        header = line;
        terminal.out(headerWords(host, line));
      } else if (line.type === 'telemetry-gap') {
        terminal.out(`gap: ${line.missedTicks} samples missed (${line.cause})`);
      } else if (header !== undefined) for (const words of recordWords(header, line)) terminal.out(words);
    }
    return exitCodes.ok;
  } finally {
    await session.dispose();
  }
}

function deviceOf(text: string): DeviceSource {
  if (text === 'auto' || text === 'nvml') return { kind: text };
  const [, name] = /^recorded:(.+)$/.exec(text) ?? [];
  if (name !== undefined) return { kind: 'recorded', name };
  throw new BadInput(`--device: auto, nvml or recorded:NAME, not "${text}".`);
}

function headerWords(host: string, { source, recorded, gpus }: TelemetryHeader): string {
  const names = gpus.length === 0 ? 'no GPU that its driver shows' : gpus.map(({ name }) => name).join(', ');
  return `${host}: ${names} (${recorded ? `a recording, not this host: ${source}` : source})`;
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
