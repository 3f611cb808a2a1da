import { throttleWords } from '../../src/core/device/slowdown.ts';
import { MB } from '../../src/core/units.ts';
import type { SampleMode, TelemetryNotice } from '../../src/protocol/agentTelemetry.ts';
import type { Formatter } from '../common/format.ts';
import type { HostTelemetry } from './hostTelemetry.ts';
import { foreignWords } from './processWords.ts';
import type { ShownGpu } from './shownGpu.ts';

/** Below this a GPU counts as idle: its desktop, its driver. */
const busyPercent = 10;

/** How old the newest sample is, milliseconds; by the clocks where their difference is known. */
export function ageMs(host: HostTelemetry, nowMs: number): number {
  const last = host.series?.lastTime;
  if (last === undefined) return Number.NaN;
  return Math.max(
    0,
    host.state.clockOffsetMs === null ? nowMs - host.arrivedMs : nowMs - (last + host.offsetMs),
  );
}

export function isStale(host: HostTelemetry, nowMs: number): boolean {
  const tolerated = 3 * (host.header?.intervalMs ?? 0) + 2000;
  if (host.state.connection === 'recording') return false;
  return host.state.connection !== 'live' || ageMs(host, nowMs) > tolerated;
}

const modeWords: Readonly<Record<SampleMode, string>> = {
  live: '',
  study: 'as the study of LLaMA-30B sampled',
  quiet: 'quiet while cells are measured',
};

/** What the GPUs do now, in a sentence; of those that send nothing any more, that it is not known. */
export function headlineWords(all: readonly ShownGpu[], nowMs: number, format: Formatter): string {
  const gpus = all.filter(({ host }) => !isStale(host, nowMs));
  const lost = all.length - gpus.length;
  if (all.length === 0) return '';
  if (gpus.length === 0)
    return `What ${all.length === 1 ? 'the GPU does' : 'the GPUs do'} now is not known: figures are those of the newest sample.`;
  const away = lost === 0 ? '' : ` Of ${lost} more it is not known now.`;
  const busy = gpus.filter(({ host, index }) => {
    const percent = host.now(index, 'smActivePercent') ?? host.now(index, 'utilizationPercent');
    return percent !== null && percent >= busyPercent;
  });
  const slowed = gpus.flatMap(({ host, index, label }) => {
    const words = throttleWords(host.now(index, 'throttleReasons')) ?? [];
    return words.length === 0 ? [] : [`${label} (${words.join(', ')})`];
  });
  const watts = gpus
    .map(({ host, index }) => host.now(index, 'powerWatts'))
    .filter((value) => value !== null);
  const drawn =
    watts.length === 0
      ? ''
      : `, drawing ${format.count(watts.reduce((total, one) => total + one, 0))} W together`;
  const others = foreignWords(gpus);
  const foreign = others.length === 0 ? '' : ` Somebody else is on ${others.join('; ')}.`;
  const slow = slowed.length === 0 ? '' : ` Slowed down: ${slowed.join('; ')}.`;
  return `${busy.length} of ${gpus.length} ${gpus.length === 1 ? 'GPU' : 'GPUs'} busy (${busyPercent} % or more)${drawn}.${slow}${foreign}${away}`;
}

/** Source, rate, clock and age of a host's samples. */
export function footWords(host: HostTelemetry, age: number, format: Formatter): string {
  const { state, header } = host;
  if (header === undefined) return `${state.host}: ${state.connection}`;
  const source = header.recorded
    ? `recorded device ${header.source.replace(/^recorded:/, '')}, not live hardware`
    : [header.method?.detail ?? header.source.toUpperCase(), modeWords[header.method?.mode ?? 'live']]
        .filter((words) => words !== '')
        .join(', ');
  const clock =
    state.clockOffsetMs === null || state.clockErrorMs === null
      ? state.connection === 'recording'
        ? 'clock not compared'
        : 'clock not compared yet'
      : `clock ${format.milliseconds(state.clockOffsetMs)} apart ± ${format.milliseconds(state.clockErrorMs)}`;
  const last = host.series?.lastTime;
  const old =
    state.connection === 'recording'
      ? last === undefined
        ? 'no sample'
        : `newest sample of ${format.moment(last + host.offsetMs)}`
      : Number.isFinite(age)
        ? `newest sample ${format.duration(age / 1000)} old`
        : 'no sample yet';
  return [
    `${state.host}: ${state.connection}`,
    source,
    `every ${format.milliseconds(header.intervalMs)}`,
    clock,
    old,
    ...machineWords(host, format),
    ...host.notices.map((notice) => noticeWords(host, notice)),
  ].join(' · ');
}

/** The machine beside its GPUs; its CPU has a chart. */
function machineWords(host: HostTelemetry, format: Formatter): readonly string[] {
  const memory = host.hostNow('memoryUsedBytes');
  const [sent, received] = [host.hostNow('networkTxBytesPerSecond'), host.hostNow('networkRxBytesPerSecond')];
  const rate = (bytesPerSecond: number) => format.significant(bytesPerSecond / MB);
  return [
    ...(memory === null ? [] : [`host memory ${format.bytes(memory)} used`]),
    ...(sent === null || received === null
      ? []
      : [`network ${rate(received)} MB/s in, ${rate(sent)} MB/s out`]),
  ];
}

function noticeWords({ header }: HostTelemetry, { gpus, message }: TelemetryNotice): string {
  const names = gpus.map((gpu) => `GPU ${header?.gpus[gpu]?.index ?? gpu}`);
  return names.length === 0 ? message : `${names.join(', ')}: ${message}`;
}
