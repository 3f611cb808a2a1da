import type { Device } from '../device/device.ts';
import type { Instance } from '../device/instances/instance.ts';
import type { Deployment } from '../engine/deployment.ts';
import type { SpeedBound, Verdict } from '../estimate/types.ts';
import type { ModelFacts } from '../model/facts.ts';
import type { Problem } from '../result.ts';
import type { Prices } from './prices.ts';

/** What the fleet is to carry: arrivals at a rate, or so many requests in flight at all times. */
export type RankLoad = { readonly inputTokens: number; readonly outputTokens: number } & (
  | { readonly requestsPerSecond: number }
  | { readonly concurrency: number }
);

/** Mean figures that each request is to keep; left out where they do not matter. */
export interface ServiceLevel {
  readonly ttftMs?: number;
  readonly tpotMs?: number;
}

export interface RankRequest {
  /** Engine, version and flags. A parallelism that it sets is kept; else each number of GPUs is tried as tensor parallel. */
  readonly deployment: Deployment;
  readonly model: ModelFacts;
  /** As in `EstimateRequest`. */
  readonly draft?: ModelFacts;
  readonly load: RankLoad;
  readonly serviceLevel: ServiceLevel;
  readonly devices: readonly Device[];
  readonly instances: readonly Instance[];
  readonly prices: Prices;
  /** GPUs of one replica to try, as far as a machine has so many. Default 1, 2, 4, 8. */
  readonly gpuCounts?: readonly number[];
  /** From a checkpoint's header; wins over the formula. */
  readonly weightsBytes?: number;
}

export type Band = readonly [low: number, high: number];

/** One way to carry the load: the number of GPUs a replica that costs least. */
export interface RankRow {
  readonly kind: 'gpu' | 'instance';
  /** Device id, or the cloud's name of the instance. */
  readonly id: string;
  readonly label: string;
  /** Device id. */
  readonly device: string;
  /** GPUs of one replica. */
  readonly gpuCount: number;
  /** Flags that were set beside those of the deployment: what to start it with. */
  readonly flags: Readonly<Record<string, number>>;
  readonly replicas: number;
  /** GPUs, or instances, that are paid for. */
  readonly units: number;
  /** Of all units together, US dollars; null where no price is known. */
  readonly dollarsPerHour: number | null;
  readonly priceSource: string | null;
  /** For the load as it is: what idles is paid too. */
  readonly dollarsPerMillionOutputTokens: number | null;
  /** Requests at once on a replica. */
  readonly batch: number;
  readonly ttftMs: number;
  readonly tpotMs: number;
  /** Of all replicas together, under this load. */
  readonly outputTokensPerSecond: number;
  /** Of all replicas together, where each runs as many at once as it can within the service level. */
  readonly mostOutputTokensPerSecond: number;
  readonly bands: {
    readonly ttftMs: Band;
    readonly tpotMs: Band;
    readonly outputTokensPerSecond: Band;
    readonly dollarsPerMillionOutputTokens: Band | null;
  };
  readonly bound: SpeedBound;
  /** False where a band reaches over the service level. */
  readonly surelyWithinServiceLevel: boolean;
  readonly verdict: Pick<Verdict, 'outcome' | 'reason'>;
  /** How speed is known. */
  readonly source: string;
}

/** A GPU that cannot carry it with any number of GPUs that was tried. */
export interface RankRejection {
  readonly kind: 'gpu' | 'instance';
  readonly id: string;
  readonly label: string;
  readonly device: string;
  /** Of the attempt that the reason is about: the one that came furthest. */
  readonly gpuCount: number;
  readonly cause: 'does-not-fit' | 'service-level' | 'unknown';
  /** One sentence with the numbers. */
  readonly reason: string;
}

/** `loadline rank --json`. Rows by cost; those without a price after them, by how many GPUs they take. */
export interface RankDocument {
  readonly schema: 1;
  readonly model: string;
  readonly engine: string;
  readonly engineVersion: string;
  readonly load: RankLoad;
  readonly serviceLevel: ServiceLevel;
  readonly rows: readonly RankRow[];
  readonly rejected: readonly RankRejection[];
  /** What is said of the cheapest row's estimate. */
  readonly warnings: readonly Problem[];
}
