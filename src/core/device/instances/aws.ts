import type { Instance } from './instance.ts';

/** Read from the AWS price list of us-east-1 by others on 2026-08-17 (g5, g6, g6e, p4d) and printed alike in 2026-05 (p5, p5en, p6). */
function listed(
  id: string,
  device: string,
  gpuCount: number,
  dollarsPerHour: number,
  date?: string,
): Instance {
  return {
    id,
    cloud: 'AWS',
    device,
    gpuCount,
    price: {
      dollarsPerHour,
      region: 'us-east-1',
      ...(date === undefined ? {} : { date }),
      source: 'AWS price list',
    },
  };
}

/** Sold in capacity blocks, or no list price was found. */
function unlisted(id: string, device: string, gpuCount: number): Instance {
  return { id, cloud: 'AWS', device, gpuCount };
}

/** The smallest machine for each number of GPUs; larger ones of a family add processors, not GPUs. */
export const aws: readonly Instance[] = [
  unlisted('p6-b300.48xlarge', 'b300-sxm-270gb', 8),
  listed('p6-b200.48xlarge', 'b200-sxm-180gb', 8, 113.9328, '2026-05'),
  listed('p5en.48xlarge', 'h200-sxm-141gb', 8, 63.296, '2026-05'),
  unlisted('p5e.48xlarge', 'h200-sxm-141gb', 8),
  listed('p5.48xlarge', 'h100-sxm-80gb', 8, 55.04, '2026-05'),
  listed('p5.4xlarge', 'h100-sxm-80gb', 1, 6.88),
  listed('p4de.24xlarge', 'a100-sxm-80gb', 8, 27.44705),
  listed('p4d.24xlarge', 'a100-sxm-40gb', 8, 21.957642, '2026-08'),
  unlisted('p3dn.24xlarge', 'v100-sxm2-32gb', 8),
  listed('p3.16xlarge', 'v100-sxm2-16gb', 8, 24.48),
  listed('p3.8xlarge', 'v100-sxm2-16gb', 4, 12.24),
  listed('p3.2xlarge', 'v100-sxm2-16gb', 1, 3.06),
  unlisted('g7e.48xlarge', 'rtx-pro-6000-96gb', 8),
  unlisted('g7e.24xlarge', 'rtx-pro-6000-96gb', 4),
  unlisted('g7e.12xlarge', 'rtx-pro-6000-96gb', 2),
  unlisted('g7e.2xlarge', 'rtx-pro-6000-96gb', 1),
  listed('g6e.48xlarge', 'l40s-48gb', 8, 30.13118),
  listed('g6e.12xlarge', 'l40s-48gb', 4, 10.49264, '2026-08'),
  listed('g6e.xlarge', 'l40s-48gb', 1, 1.861, '2026-08'),
  listed('g6.48xlarge', 'l4-24gb', 8, 13.3504),
  listed('g6.12xlarge', 'l4-24gb', 4, 4.6016),
  listed('g6.xlarge', 'l4-24gb', 1, 0.8048, '2026-08'),
  listed('g5.48xlarge', 'a10g-24gb', 8, 16.288),
  listed('g5.12xlarge', 'a10g-24gb', 4, 5.672),
  listed('g5.xlarge', 'a10g-24gb', 1, 1.006, '2026-08'),
  listed('g4dn.metal', 't4-16gb', 8, 7.824),
  listed('g4dn.12xlarge', 't4-16gb', 4, 3.912),
  listed('g4dn.xlarge', 't4-16gb', 1, 0.526),
];
