import type { FlagValue } from '../engine/deployment.ts';

/** Tensor x pipeline x data parallel, and prefill context parallel. */
export function gpusNeeded(flags: Readonly<Record<string, FlagValue>>): number {
  let product = 1;
  for (const name of [
    'tensor-parallel-size',
    'pipeline-parallel-size',
    'data-parallel-size',
    'prefill-context-parallel-size',
  ]) {
    const size = Number(flags[name] ?? 1);
    if (size > 0) product *= size;
  }
  return product;
}
