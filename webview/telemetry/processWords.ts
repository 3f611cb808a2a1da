import type { GpuProcess } from '../../src/protocol/agentTelemetry.ts';
import type { Formatter } from '../common/format.ts';
import type { ShownGpu } from './shownGpu.ts';

/** A GPU has seldom more; the view of GPU hosts lists all of them. */
const mostListed = 3;

/** Whose a process is: `run chat`, `yours`, or the user's name. */
function owner({ run, own, user }: GpuProcess): string {
  if (run !== undefined) return `run ${run}`;
  if (own === true) return 'yours';
  return user ?? (own === false ? 'another user' : '');
}

function nameOf({ name, pid }: GpuProcess): string {
  return name ?? `process ${pid}`;
}

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
        nameOf(process),
        owner(process),
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
    const names = new Set(others.map((process) => `${nameOf(process)} of ${owner(process)}`));
    return names.size === 0 ? [] : [`${label} (${[...names].join(', ')})`];
  });
}

/** Known to be another's: a process that could not be looked up is nobody's. */
function isForeign({ own, run }: GpuProcess): boolean {
  return own === false && run === undefined;
}
