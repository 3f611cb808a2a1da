import { throttleWords } from '../../src/core/device/slowdown.ts';
import type { SampleMode, TelemetryNotice } from '../../src/protocol/agentTelemetry.ts';
import type { Formatter } from '../common/format.ts';
import type { HostTelemetry } from './hostTelemetry.ts';
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

/** What the GPUs do now, in a sentence. */
export function headlineWords(gpus: readonly ShownGpu[], format: Formatter): string {
  if (gpus.length === 0) return '';
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
  const slow = slowed.length === 0 ? '' : ` Slowed down: ${slowed.join('; ')}.`;
  return `${busy.length} of ${gpus.length} ${gpus.length === 1 ? 'GPU' : 'GPUs'} busy (${busyPercent} % or more)${drawn}.${slow}`;
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
    ...host.notices.map((notice) => noticeWords(host, notice)),
  ].join(' · ');
}

function noticeWords({ header }: HostTelemetry, { gpus, message }: TelemetryNotice): string {
  const names = gpus.map((gpu) => `GPU ${header?.gpus[gpu]?.index ?? gpu}`);
  return names.length === 0 ? message : `${names.join(', ')}: ${message}`;
}
