import type { GpuProcess } from '../../src/protocol/agentTelemetry.ts';
import { isForeign, processName, processOwner } from '../../src/protocol/processOwner.ts';
import type { Formatter } from '../common/format.ts';
import type { ShownGpu } from './shownGpu.ts';

/** A GPU has seldom more; the view of GPU hosts lists all of them. */
const mostListed = 3;

/** `python3 · yours · 47.0 GiB` of each, the biggest first, and how many more there are. */
export function processLines(
  processes: readonly GpuProcess[],
  format: Formatter,
): readonly { readonly text: string; readonly isForeign: boolean }[] {
  if (processes.length === 0) return [{ text: 'no process', isForeign: false }];
  const listed = processes.length <= mostListed + 1 ? processes : processes.slice(0, mostListed);
  const rest = processes.length - listed.length;
  return [
    ...listed.map((process) => ({
      text: [
        processName(process),
        processOwner(process),
        process.memoryBytes === null ? '' : `${format.gib(process.memoryBytes)} GiB`,
      ]
        .filter((part) => part !== '')
        .join(' · '),
      isForeign: isForeign(process),
    })),
    ...(rest === 0 ? [] : [{ text: `and ${rest} more`, isForeign: false }]),
  ];
}

/** `GPU 0 (trainer of other)` for each GPU that somebody else uses. */
export function foreignWords(gpus: readonly ShownGpu[]): readonly string[] {
  return gpus.flatMap(({ host, index, label }) => {
    const others = (host.processesNow(index) ?? []).filter(isForeign);
    const names = new Set(others.map((process) => `${processName(process)} of ${processOwner(process)}`));
    return names.size === 0 ? [] : [`${label} (${[...names].join(', ')})`];
  });
}
