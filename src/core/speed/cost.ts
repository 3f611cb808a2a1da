import type { SpeedInput } from './speedInput.ts';

const SECONDS_PER_HOUR = 3600;

/** US dollars for a million tokens at so many a second, all GPUs of the deployment paid by the hour; null where no price is known. */
export function dollarsPerMillion(
  { device, gpuCount }: Pick<SpeedInput, 'device' | 'gpuCount'>,
  tokensPerSecond: number,
): number | null {
  const { dollarsPerHour } = device;
  if (dollarsPerHour === undefined || !(tokensPerSecond > 0)) return null;
  return (dollarsPerHour * gpuCount * 1e6) / (tokensPerSecond * SECONDS_PER_HOUR);
}
