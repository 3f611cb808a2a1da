/** What a probed host says in place of the catalogue, for one deployment. */
import { findDevice } from '../core/device/catalogue.ts';
import type { Device } from '../core/device/device.ts';
import type { Deployment } from '../core/engine/deployment.ts';
import { findEngine } from '../core/engine/engines.ts';
import type { LiveGpu, LiveTarget } from '../protocol/lsp.ts';

/** Of the GPUs that the deployment would run on. */
export interface LiveFigures {
  readonly host: string;
  readonly probedAtMs: number;
  /** Smallest of them, bytes; left out where the host does not say. */
  readonly cudaTotalBytes?: number;
  /** Smallest of them, bytes: free before the engine starts. */
  readonly freeBytes?: number;
  /** Found on the host, and in use where the document names none. */
  readonly engineVersion?: string;
  /** GPUs of this kind there; fewer than are wanted is said. */
  readonly gpuCount: number;
}

/** Undefined where the deployment is for another kind of GPU: the host then has nothing to say about it. */
export function liveFigures(
  live: LiveTarget | null,
  device: Device | undefined,
  { engine, engineVersion }: Deployment,
  gpuCount: number,
  gpuIds: readonly string[] = [],
): LiveFigures | undefined {
  if (live === null || device === undefined || findDevice(live.gpu)?.id !== device.id) return undefined;
  const gpus = usedOf(live.gpus, gpuCount, gpuIds);
  const cudaTotalBytes = smallest(gpus.map((gpu) => gpu.cudaTotalBytes));
  const freeBytes = smallest(gpus.map((gpu) => gpu.freeBytes));
  const name = findEngine(engine)?.name ?? engine;
  const found = live.engines.find((each) => (findEngine(each.name)?.name ?? each.name) === name)?.version;
  return {
    host: live.host,
    probedAtMs: live.probedAtMs,
    gpuCount: live.gpus.length,
    ...(cudaTotalBytes === undefined ? {} : { cudaTotalBytes }),
    ...(freeBytes === undefined ? {} : { freeBytes }),
    ...(found === undefined || engineVersion !== undefined ? {} : { engineVersion: found }),
  };
}

/** Those that the document names; else the first, as an engine takes them. */
function usedOf(gpus: readonly LiveGpu[], count: number, ids: readonly string[]): readonly LiveGpu[] {
  const named = gpus.filter(({ ordinal, uuid }) => ids.includes(String(ordinal)) || ids.includes(uuid));
  return (named.length > 0 ? named : gpus).slice(0, count);
}

/** Undefined where one of them is not known. */
function smallest(bytes: readonly (number | null)[]): number | undefined {
  const known = bytes.filter((each) => each !== null);
  return known.length < bytes.length || known.length === 0 ? undefined : Math.min(...known);
}

/** Whatever a client sends -> a target; null for what is none. */
export function readLiveTarget(value: unknown): LiveTarget | null {
  const { target } = (value ?? {}) as { readonly target?: LiveTarget | null };
  return target && Array.isArray(target.gpus) && target.gpus.length > 0 ? target : null;
}
