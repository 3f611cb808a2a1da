import { resolve } from 'node:path';
import type { DeviceSource, SampleRequest, TelemetryHeader, TelemetryLine } from '../../protocol/agent.ts';
import type { HostClock } from '../../protocol/agentClock.ts';
import { seriesOffsetMs } from '../../protocol/telemetryClock.ts';
import { TelemetryCsv } from '../../protocol/telemetryCsv.ts';
import type { RecordedFrom } from '../../protocol/telemetryRecording.ts';
import { watchTelemetry } from '../../remote/telemetryWatch.ts';
import { thisMachine } from '../../remote/thisMachineHost.ts';
import { TelemetryFile } from '../../storage/telemetryFile.ts';
import { BadInput } from '../badInput.ts';
import { exitCodes } from '../exitCodes.ts';
import { HostSession } from '../hostSession.ts';
import { parseOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { clockWords, headerWords, WatchView } from '../watchView.ts';

/** As the study of LLaMA-30B sampled. */
const studyIntervalMs = 1000 / 6;

/** The clocks are compared so often at the start, and seldom afterwards. */
const settledAfter = 8;

/** Live figures of a host's GPUs, a line a GPU and tick, until Ctrl-C or --seconds; over lost connections. */
export async function watchCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('watch', argv, {
    interval: { type: 'string' },
    seconds: { type: 'string' },
    device: { type: 'string' },
    record: { type: 'string' },
    csv: { type: 'boolean' },
    study: { type: 'boolean' },
  });
  const [host = 'this-machine', ...more] = given.files;
  if (more.length > 0) throw new BadInput('loadline watch: one host at a time.');
  if (given.isSet('json') && given.isSet('csv'))
    throw new BadInput('loadline watch: --json or --csv, not both.');
  const seconds = given.whole('seconds', 1);
  const study = given.isSet('study');
  const request: SampleRequest = {
    intervalMs: given.whole('interval', 10) ?? (study ? studyIntervalMs : 1000),
    ...(study ? { mode: 'study' } : {}),
    device: deviceOf(given.text('device') ?? 'auto'),
    ...(seconds === undefined ? {} : { durationMs: seconds * 1000 }),
  };
  const form = given.isSet('json') ? 'json' : given.isSet('csv') ? 'csv' : 'words';
  const print = printerOf(form, host, terminal);
  let header: TelemetryHeader | null = null;
  let clock: Omit<RecordedFrom, 'host'> = { clockOffsetMs: null, clockErrorMs: null };
  let comparisons = 0;
  const onClock = (compared: HostClock): void => {
    if (++comparisons === settledAfter && form === 'words' && host !== thisMachine)
      terminal.err(clockWords(host, compared));
    clock = { clockOffsetMs: seriesOffsetMs(compared, header), clockErrorMs: compared.errorMs };
  };
  const record = given.text('record');
  const file =
    record === undefined
      ? undefined
      : await TelemetryFile.create(resolve(terminal.cwd, record), () => ({ host, ...clock }));
  const session = new HostSession(terminal, host);
  try {
    const connect = () => session.agent();
    for await (const event of watchTelemetry({ connect, request, onClock, signal: terminal.interrupted })) {
      if (event.type === 'line') {
        if (event.line.type === 'telemetry-header') header = event.line;
        print(event.line);
        await file?.append([event.line]);
      } else if (event.type === 'disconnected') {
        const { error, retryInMs } = event;
        terminal.err(`${error.message} Trying again in ${Math.max(1, Math.round(retryInMs / 1000))} s.`);
      }
    }
    return exitCodes.ok;
  } finally {
    await session.dispose();
    await file?.close();
    if (file !== undefined && file.records > 0)
      terminal.err(
        `${file.records} ${file.records === 1 ? 'sample was' : 'samples were'} recorded in ${file.path}`,
      );
  }
}

function deviceOf(text: string): DeviceSource {
  if (text === 'auto' || text === 'nvml' || text === 'nvidia-smi' || text === 'amd-sysfs')
    return { kind: text };
  const [, name] = /^recorded:(.+)$/.exec(text) ?? [];
  if (name !== undefined) return { kind: 'recorded', name };
  throw new BadInput(`--device: auto, nvml, nvidia-smi, amd-sysfs or recorded:NAME, not "${text}".`);
}

function printerOf(
  form: 'json' | 'csv' | 'words',
  host: string,
  terminal: Terminal,
): (line: TelemetryLine) => void {
  if (form === 'json') return (line) => terminal.out(JSON.stringify(line));
  if (form === 'words') {
    const view = new WatchView(host);
    return (line) => {
      for (const words of view.take(line)) terminal.out(words);
    };
  }
  const csv = new TelemetryCsv(host, null);
  let headed = false;
  return (line) => {
    // Only GPUs have rows: without any there is a head alone, and nobody would know why.
    if (line.type === 'telemetry-header' && line.gpus.length === 0) terminal.err(headerWords(host, line));
    const rows = csv.take(line);
    if (!headed && csv.head !== undefined) terminal.out(csv.head);
    headed ||= csv.head !== undefined;
    for (const row of rows) terminal.out(row);
  };
}
