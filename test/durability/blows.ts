/** What may happen to a run at any moment: one of its parts killed by force, or all of its host gone. */
import { readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoopbackSshd } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import type { Seeded } from './seeded.ts';

/**
 * `editor`: the process that follows. `followed`: the agent that sends to it. `agents`: all of them, supervisor and worker included.
 * `reboot`: everything of the host at once, and what was being written cut anywhere.
 */
export const blowNames = [
  'editor',
  'followed',
  'supervisor',
  'worker',
  'engine',
  'generator',
  'agents',
  'connections',
  'sshd',
  'reboot',
] as const;
export type BlowName = (typeof blowNames)[number];

/** A second of these on one cell is a result of its own: it fails as `killed`. */
export const onceInARun: readonly BlowName[] = ['engine', 'generator'];

export interface Blow {
  readonly name: BlowName;
  /** After so many more records of the journal … */
  readonly records: number;
  /** … and so many milliseconds. */
  readonly delayMs: number;
  /** Where a reboot cuts a file, as a share of what it may cut. */
  readonly cut: number;
  /** Whether it cuts anywhere (a disk that said that it had written), or in the last line. */
  readonly cutsDeep: boolean;
}

export function chooseBlows(random: Seeded, records: number): Blow[] {
  const blows: Blow[] = [];
  for (let left = 1 + random.below(3); left > 0; left--) {
    const open = blowNames.filter(
      (name) => !onceInARun.includes(name) || !blows.some((blow) => onceInARun.includes(blow.name)),
    );
    blows.push({
      name: random.of(open),
      records: random.below(blows.length === 0 ? records : Math.ceil(records / 3)),
      delayMs: random.below(150),
      cut: random.next(),
      cutsDeep: random.next() < 0.5,
    });
  }
  return blows;
}

export interface BlowTarget {
  readonly sshd: LoopbackSshd;
  /** The run's folder on its host. */
  readonly directory: string;
  killEditor(): void;
}

export async function strike(blow: Blow, { sshd, directory, killEditor }: BlowTarget): Promise<void> {
  switch (blow.name) {
    case 'editor':
      return killEditor();
    case 'connections':
      sshd.dropConnections();
      return;
    case 'sshd':
      return sshd.crash();
    case 'reboot':
      return reboot(blow, sshd, directory);
    case 'agents':
      return killAll(sshd, () => true);
    case 'followed':
      return killAll(sshd, ({ command }) => command.endsWith(' follow'));
    case 'generator': {
      const worker = known(directory, 'worker');
      return killAll(
        sshd,
        ({ pid, command }) => !command.includes('simulated-engine') && parentOf(pid) === worker,
      );
    }
    default:
      kill(known(directory, blow.name));
  }
}

/** Nothing of the host lives on, and none of it had a last word. */
async function reboot(blow: Blow, sshd: LoopbackSshd, directory: string): Promise<void> {
  await sshd.suspend();
  sshd.dropConnections();
  // One that is just being started is not seen yet.
  for (let quiet = 0; quiet < 3; quiet++) {
    if ((await processesOf(sshd.home)).length > 0) quiet = -1;
    await killAll(sshd, () => true);
    await delay(20);
  }
  for (const name of ['journal.jsonl', 'telemetry.jsonl', 'metrics.jsonl']) {
    const file = join(directory, name);
    const size = sizeOf(file);
    // The first record is on disk before the run is answered for.
    const first = name === 'journal.jsonl' ? readFileSync(file).indexOf('\n') + 1 : 0;
    const from = blow.cutsDeep || name !== 'journal.jsonl' ? first : Math.max(first, lastLine(file));
    if (size > from) truncateSync(file, from + Math.floor(blow.cut * (size - from)));
  }
  await sshd.crash({ rebooted: true });
}

/** Where the last whole line begins. */
function lastLine(file: string): number {
  const data = readFileSync(file);
  return data.lastIndexOf('\n', data.lastIndexOf('\n') - 1) + 1;
}

async function killAll(
  sshd: LoopbackSshd,
  chosen: (process: { readonly pid: number; readonly command: string }) => boolean,
): Promise<void> {
  for (const found of await processesOf(sshd.home)) if (chosen(found)) kill(found.pid);
}

/** As processes.json has it; undefined where there is none at the moment. */
function known(directory: string, name: string): number | undefined {
  try {
    const about = JSON.parse(readFileSync(join(directory, 'processes.json'), 'utf8')) as Readonly<
      Record<string, { readonly pid: number } | null>
    >;
    return Object.entries(about).find(([key, value]) => key.startsWith(name) && value !== null)?.[1]?.pid;
  } catch {
    return undefined;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

/** One that is not there any more is as dead. */
function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
