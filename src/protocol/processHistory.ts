import type { GpuProcess } from './agentTelemetry.ts';

/** What ran on a GPU from a time of the host on, milliseconds. */
export interface SeenProcesses {
  readonly fromMs: number;
  /** Position in the header's `gpus`. */
  readonly gpu: number;
  readonly processes: readonly GpuProcess[];
}

/** Changes that are kept of a host: a run that starts an engine for each cell has two a cell. */
const mostKept = 1000;

/** Which processes were on the GPUs, and when. */
export class ProcessHistory {
  readonly #seen: SeenProcesses[];

  constructor(seen: readonly SeenProcesses[] = []) {
    this.#seen = [...seen];
  }

  get seen(): readonly SeenProcesses[] {
    return this.#seen;
  }

  take(seen: SeenProcesses): void {
    this.#seen.push(seen);
    if (this.#seen.length > mostKept) this.#seen.shift();
  }

  /** The biggest first; undefined where nobody looked by then. `atMs`: null is now. */
  on(gpu: number, atMs: number | null = null): readonly GpuProcess[] | undefined {
    const found = this.#seen.findLast((one) => one.gpu === gpu && (atMs === null || one.fromMs <= atMs));
    return found && biggestFirst(found.processes);
  }
}

export function biggestFirst(processes: readonly GpuProcess[]): readonly GpuProcess[] {
  return processes.toSorted((one, other) => (other.memoryBytes ?? 0) - (one.memoryBytes ?? 0));
}
