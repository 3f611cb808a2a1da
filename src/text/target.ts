/** What a deployment runs on, where comment, document and settings each say a part. */
import { findDevice } from '../core/device/catalogue.ts';
import type { Device } from '../core/device/device.ts';
import type { LocatedDeployment } from './located.ts';

export interface ChosenTarget {
  /** Undefined where nothing names a GPU, or the name is not known. */
  readonly device: Device | undefined;
  /** As named; undefined where nothing names one. */
  readonly gpu: string | undefined;
  readonly gpuCount: number | undefined;
  /** `document`: limits and labels, without a comment. */
  readonly from: 'comment' | 'document' | 'fallback';
}

/**
 * The comment wins, then what the document asks for, then the fallback (settings, options). A label that names no GPU of the
 * catalogue says nothing.
 */
export function chooseTarget(
  { target, hint }: LocatedDeployment,
  fallback: { readonly gpu: string | undefined; readonly gpuCount: number | undefined },
): ChosenTarget {
  if (target)
    return { device: findDevice(target.gpu), gpu: target.gpu, gpuCount: target.gpuCount, from: 'comment' };
  const gpuCount = hint?.gpuCount?.count ?? fallback.gpuCount;
  const hinted = hint?.gpu && findDevice(hint.gpu.name);
  if (hint?.gpu && hinted) return { device: hinted, gpu: hint.gpu.name, gpuCount, from: 'document' };
  const { gpu } = fallback;
  return { device: gpu === undefined ? undefined : findDevice(gpu), gpu, gpuCount, from: 'fallback' };
}
