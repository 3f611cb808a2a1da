import type { Instance } from './instance.ts';

/** Oracle's list is the same in every region. */
function shape(id: string, device: string, gpuCount: number, dollarsPerHour?: number): Instance {
  const machine = { id, cloud: 'Oracle Cloud', device, gpuCount };
  if (dollarsPerHour === undefined) return machine;
  return {
    ...machine,
    price: {
      dollarsPerHour,
      region: 'all regions',
      source: 'Oracle list price (SkyPilot catalogue)',
    },
  };
}

export const oracle: readonly Instance[] = [
  shape('BM.GPU.B200.8', 'b200-sxm-180gb', 8),
  shape('BM.GPU.H200.8', 'h200-sxm-141gb', 8),
  shape('BM.GPU.H100.8', 'h100-sxm-80gb', 8),
  shape('BM.GPU.MI300X.8', 'mi300x-192gb', 8),
  shape('BM.GPU.L40S.4', 'l40s-48gb', 4),
  shape('BM.GPU.A100-v2.8', 'a100-sxm-80gb', 8, 32),
  shape('BM.GPU4.8', 'a100-sxm-40gb', 8, 24.4),
  shape('BM.GPU.A10.4', 'a10-24gb', 4, 8),
  shape('VM.GPU.A10.2', 'a10-24gb', 2, 4),
  shape('VM.GPU.A10.1', 'a10-24gb', 1, 2),
  shape('BM.GPU3.8', 'v100-sxm2-16gb', 8, 23.6),
  shape('VM.GPU3.1', 'v100-sxm2-16gb', 1, 2.95),
];
