import { GB, GiB } from '../units.ts';
import type { DensePeaks, DeviceLink, PcieLink } from './device.ts';

const TFLOPS = 1e12;

/** What one PCIe lane carries one way after line coding: 128b/130b up to generation 5, flits of 236 in 256 bytes in 6. */
const laneBytesPerSecond = {
  3: (8e9 / 8) * (128 / 130),
  4: (16e9 / 8) * (128 / 130),
  5: (32e9 / 8) * (128 / 130),
  6: (64e9 / 8) * (236 / 256),
} as const;

export function pcie(generation: PcieLink['generation'], lanes: PcieLink['lanes'] = 16): PcieLink {
  return { generation, lanes, bytesPerSecond: laneBytesPerSecond[generation] * lanes };
}

/** `gigabytesPerSecond` one way: half of what the vendor prints. */
export function nvlink(generation: number, gigabytesPerSecond: number): DeviceLink {
  return { name: `NVLink ${generation}`, bytesPerSecond: gigabytesPerSecond * GB };
}

export function infinityFabric(gigabytesPerSecond: number): DeviceLink {
  return { name: 'Infinity Fabric', bytesPerSecond: gigabytesPerSecond * GB };
}

/** Dense TFLOPS (int8: TOPS). `half` is float16 and bfloat16; older cards have float16 alone. */
export function densePeaks(tera: {
  readonly half?: number;
  readonly float16?: number;
  readonly tf32?: number;
  readonly fp8?: number;
  readonly fp4?: number;
  readonly int8?: number;
}): DensePeaks {
  const { half, float16 = half, tf32, fp8, fp4, int8 } = tera;
  return {
    ...(tf32 === undefined ? {} : { tf32: tf32 * TFLOPS }),
    ...(half === undefined ? {} : { bfloat16: half * TFLOPS }),
    ...(float16 === undefined ? {} : { float16: float16 * TFLOPS }),
    ...(fp8 === undefined ? {} : { fp8: fp8 * TFLOPS }),
    ...(fp4 === undefined ? {} : { fp4: fp4 * TFLOPS }),
    ...(int8 === undefined ? {} : { int8: int8 * TFLOPS }),
  };
}

export function gibibytes(count: number): number {
  return Math.round(count * GiB);
}
