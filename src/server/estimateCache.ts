import { estimate } from '../core/estimate/estimate.ts';
import type { DeploymentEstimate, EstimateRequest } from '../core/estimate/types.ts';

interface Kept {
  readonly request: EstimateRequest;
  readonly value: DeploymentEstimate;
}

/** Estimates of one document, by what they rest on: a keystroke changes one deployment of many. */
export class EstimateCache {
  #before: ReadonlyMap<string, Kept> = new Map();
  #kept = new Map<string, Kept>();

  /** A new analysis begins: what neither it nor the last one asks for is forgotten. */
  turn(): void {
    this.#before = this.#kept;
    this.#kept = new Map();
  }

  of(request: EstimateRequest): DeploymentEstimate {
    const { deployment, gpuCount, device, cudaTotalBytes, freeBytes } = request;
    const key = JSON.stringify([deployment, gpuCount, device.id, cudaTotalBytes, freeBytes]);
    const known = this.#kept.get(key) ?? this.#before.get(key);
    const same =
      known !== undefined &&
      known.request.model === request.model &&
      known.request.calibration === request.calibration;
    const kept = same ? known : { request, value: estimate(request) };
    this.#kept.set(key, kept);
    // The line is not part of what an estimate rests on.
    const { value } = kept;
    return value.source === request.source ? value : { ...value, source: request.source };
  }
}
