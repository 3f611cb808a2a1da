/** Variables of a launch that the estimate is interested in. Others, and every secret, are not kept. */
import type { OffsetRange, TargetHint } from '../located.ts';

export interface EnvironmentVariable {
  readonly name: string;
  /** Left out where only a run can say it. */
  readonly value?: string;
  readonly range: OffsetRange;
}

export function relevantEnvironment(
  variables: readonly EnvironmentVariable[],
): Readonly<Record<string, string>> | undefined {
  const kept = variables.flatMap(({ name, value }) =>
    value !== undefined && isRelevant(name) ? [[name, value] as const] : [],
  );
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

function isRelevant(name: string): boolean {
  if (/(?:KEY|TOKEN|SECRET|PASSWORD)/.test(name)) return false;
  return /^VLLM_/.test(name) || name === 'CUDA_VISIBLE_DEVICES' || name === 'CUDA_DEVICE_MAX_CONNECTIONS';
}

/** GPUs that a list of devices names: `0,1`, `GPU-uuid,MIG-uuid`. CUDA stops at the first that is not there. */
export function visibleDevices(
  variables: readonly EnvironmentVariable[],
): Pick<TargetHint, 'gpuCount' | 'gpuIds'> {
  const found = ['CUDA_VISIBLE_DEVICES', 'NVIDIA_VISIBLE_DEVICES']
    .map((name) => variables.findLast((variable) => variable.name === name))
    .find((variable) => variable?.value !== undefined);
  if (found?.value === undefined || /^(?:all|none|void|)$/.test(found.value.trim())) return {};
  const devices = found.value.split(',').map((device) => device.trim());
  const end = devices.findIndex((device) => device === '' || device.startsWith('-'));
  const gpuIds = end < 0 ? devices : devices.slice(0, end);
  return gpuIds.length > 0 ? { gpuCount: { count: gpuIds.length, range: found.range }, gpuIds } : {};
}
