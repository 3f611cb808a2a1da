import type { ChartRegion } from '../common/chartMarks.ts';
import type { Formatter } from '../common/format.ts';
import type { HostTelemetry } from './hostTelemetry.ts';
import type { ShownGpu } from './shownGpu.ts';
import type { TimeWindow } from './timeWindow.ts';

const prefix = 'gap: ';

/** Stretches of the window without samples, with their cause; of a host that is away now too. Client's time. */
export function gapRegions(gpus: readonly Pick<ShownGpu, 'host'>[], window: TimeWindow): ChartRegion[] {
  const hosts = [...new Set(gpus.map(({ host }) => host))];
  return hosts
    .flatMap((host) =>
      [...host.gaps, ...goingOn(host, window)].map(({ fromMs, toMs, cause }) => ({
        from: fromMs + host.offsetMs,
        to: toMs + host.offsetMs,
        label: `${prefix}${hosts.length > 1 ? `${host.state.host}: ` : ''}${cause}`,
      })),
    )
    .filter(({ from, to }) => to >= window.fromMs && from <= window.toMs);
}

/** A host that is away, or is sampled no more while others are: from its newest sample to the edge. */
function goingOn(host: HostTelemetry, { toMs }: TimeWindow) {
  const last = host.series?.lastTime;
  const edge = toMs - host.offsetMs;
  const causes: Partial<Record<typeof host.state.connection, string>> = {
    stale: 'the connection is lost',
    failed: 'sampling failed',
    stopped: 'sampling was stopped',
  };
  const cause = causes[host.state.connection];
  return last === undefined || cause === undefined || edge <= last
    ? []
    : [{ fromMs: last, toMs: edge, cause }];
}

export function gapWords(regions: readonly ChartRegion[], format: Formatter): string {
  if (regions.length === 0) return '';
  const seconds = regions.reduce((total, { from, to }) => total + (to - from) / 1000, 0);
  const causes = [...new Set(regions.map(({ label }) => label.slice(prefix.length)))].join(', ');
  return ` ${regions.length === 1 ? '1 gap' : `${regions.length} gaps`} of ${format.duration(seconds)} in all: ${causes}.`;
}
