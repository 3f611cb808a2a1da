/** Labels of Kubernetes nodes that name their GPU. */

/** Labels as NVIDIA's GPU feature discovery, GKE and CoreWeave write them. */
const labels = new Set([
  'nvidia.com/gpu.product',
  'cloud.google.com/gke-accelerator',
  'gpu.nvidia.com/class',
  'gpu.nvidia.com/model',
]);

/** GKE's accelerator types (cloud.google.com, "GPU machine types"), where the name leaves the kind of card open. */
const gkeNames: Readonly<Record<string, string>> = {
  'nvidia-tesla-t4': 't4',
  'nvidia-tesla-v100': 'v100-16gb',
  'nvidia-tesla-a100': 'a100-40gb',
  'nvidia-a100-80gb': 'a100-80gb',
  'nvidia-h100-80gb': 'h100',
  'nvidia-h100-mega-80gb': 'h100',
  'nvidia-h200-141gb': 'h200',
  'nvidia-l4': 'l4',
  'nvidia-l40s': 'l40s',
  'nvidia-b200': 'b200',
};

export function isGpuLabel(name: string): boolean {
  return labels.has(name);
}

/** A label's value as a device's name: feature discovery writes the driver's name with dashes for blanks. */
export function gpuOfLabel(value: string): string {
  const plain = value.replace(/-SHARED$/, '');
  return Object.hasOwn(gkeNames, plain) ? (gkeNames[plain] ?? plain) : plain;
}
