import type { ChartRegion } from '../common/chartMarks.ts';
import type { HostTelemetry } from './hostTelemetry.ts';
import type { ShownGpu } from './shownGpu.ts';
import type { TimeWindow } from './timeWindow.ts';

/** What runs did on the hosts in the window: shaded behind the lines. Client's time. */
export function phaseRegions(gpus: readonly Pick<ShownGpu, 'host'>[], window: TimeWindow): ChartRegion[] {
  const hosts = [...new Set(gpus.map(({ host }) => host))];
  return hosts.flatMap((host) =>
    inWindow(host, window).map(({ fromMs, toMs, label }) => ({
      from: fromMs,
      to: toMs,
      label: hosts.length > 1 ? `${host.state.host}: ${label}` : label,
      kind: 'span' as const,
    })),
  );
}

/** In words, for those who do not see the shading; '' where no run was there. */
export function phaseWords(hosts: readonly HostTelemetry[], window: TimeWindow): string {
  const parts = hosts.flatMap((host) => {
    const labels = inWindow(host, window).map(({ label }) => label);
    if (labels.length === 0) return [];
    const distinct = [...new Set(labels)];
    const shown = distinct.slice(0, 8).join(', ');
    const more = distinct.length > 8 ? ` and ${distinct.length - 8} more` : '';
    return [hosts.length > 1 ? `${host.state.host}: ${shown}${more}` : `${shown}${more}`];
  });
  return parts.length === 0 ? '' : `A run in this time: ${parts.join('; ')}.`;
}

function inWindow(host: HostTelemetry, { fromMs, toMs }: TimeWindow) {
  return host.phases.flatMap((phase) => {
    const from = phase.fromMs + host.offsetMs;
    const to = phase.toMs === null ? toMs : phase.toMs + host.offsetMs;
    return to >= fromMs && from <= toMs ? [{ fromMs: from, toMs: to, label: phase.label }] : [];
  });
}
