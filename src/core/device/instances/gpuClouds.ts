import type { Instance } from './instance.ts';

function machine(
  cloud: string,
  id: string,
  device: string,
  gpuCount: number,
  dollarsPerHour: number,
): Instance {
  return {
    id,
    cloud,
    device,
    gpuCount,
    price: { dollarsPerHour, region: 'any', source: `${cloud} list price (SkyPilot catalogue)` },
  };
}

/** Clouds that rent little else than GPUs. */
export const gpuClouds: readonly Instance[] = [
  machine('Lambda', 'gpu_8x_h100_sxm5', 'h100-sxm-80gb', 8, 23.92),
  machine('Lambda', 'gpu_4x_h100_sxm5', 'h100-sxm-80gb', 4, 12.36),
  machine('Lambda', 'gpu_2x_h100_sxm5', 'h100-sxm-80gb', 2, 6.38),
  machine('Lambda', 'gpu_1x_h100_sxm5', 'h100-sxm-80gb', 1, 3.29),
  machine('Lambda', 'gpu_1x_gh200', 'gh200-96gb', 1, 1.49),
  machine('Lambda', 'gpu_8x_a100', 'a100-sxm-40gb', 8, 10.32),
  machine('Lambda', 'gpu_4x_a6000', 'rtx-a6000-48gb', 4, 3.2),
  machine('Lambda', 'gpu_2x_a6000', 'rtx-a6000-48gb', 2, 1.6),
  machine('Lambda', 'gpu_1x_a6000', 'rtx-a6000-48gb', 1, 0.8),
  machine('Lambda', 'gpu_8x_v100', 'v100-sxm2-16gb', 8, 4.4),
  machine('RunPod', '8x_A100-80GB-SXM_SECURE', 'a100-sxm-80gb', 8, 15.12),
  machine('RunPod', '4x_A100-80GB-SXM_SECURE', 'a100-sxm-80gb', 4, 7.56),
  machine('RunPod', '2x_A100-80GB-SXM_SECURE', 'a100-sxm-80gb', 2, 3.78),
  machine('RunPod', '1x_A100-80GB-SXM_SECURE', 'a100-sxm-80gb', 1, 1.89),
  machine('RunPod', '4x_A100-80GB_SECURE', 'a100-pcie-80gb', 4, 6.48),
  machine('RunPod', '2x_A100-80GB_SECURE', 'a100-pcie-80gb', 2, 3.24),
  machine('RunPod', '1x_A100-80GB_SECURE', 'a100-pcie-80gb', 1, 1.64),
];
