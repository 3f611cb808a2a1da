import type { EstimateRequest } from '../../estimate/types.ts';
import { modelTraits } from '../../memory/layerGroups.ts';
import type { Problem } from '../../result.ts';
import { switchValue, wholeNumber } from '../flagValues.ts';
import { jsonFlag } from './jsonFlag.ts';

/** Flags of one deployment that cannot both have their way, or have no effect with this model: a warning at the flag that yields. */
export function contradictions({ deployment, model, device }: EstimateRequest): readonly Problem[] {
  const { flags } = deployment;
  const found: Problem[] = [];
  const warn = (code: string, flag: string, message: string) => {
    found.push({ code, message, path: ['flags', flag] });
  };
  const isOn = (name: string) => flags[name] !== undefined && switchValue(flags[name]) === true;
  const whole = (name: string) => (flags[name] === undefined ? undefined : wholeNumber(flags[name]));
  const { experts } = modelTraits(model);

  if (isOn('enforce-eager')) {
    for (const name of ['cudagraph-capture-sizes', 'max-cudagraph-capture-size', 'cuda-graph-sizes']) {
      if (flags[name] !== undefined) {
        warn('flag.contradiction', name, `${name} has no effect: enforce-eager captures no CUDA graphs.`);
      }
    }
    const graphMode = jsonFlag(flags['compilation-config'])?.['cudagraph_mode'];
    if (graphMode !== undefined && graphMode !== 0 && String(graphMode).toUpperCase() !== 'NONE') {
      warn(
        'flag.contradiction',
        'compilation-config',
        `cudagraph_mode ${String(graphMode)} has no effect: enforce-eager captures no CUDA graphs.`,
      );
    }
  }
  if (flags['kv-cache-memory-bytes'] !== undefined && flags['gpu-memory-utilization'] !== undefined) {
    warn(
      'flag.contradiction',
      'gpu-memory-utilization',
      'gpu-memory-utilization has no effect on the KV cache: kv-cache-memory-bytes sets its size.',
    );
  }
  if (isOn('enable-expert-parallel') && !experts) {
    warn(
      'flag.no-effect',
      'enable-expert-parallel',
      'enable-expert-parallel has no effect: the model has no experts.',
    );
  }
  const ranks = (whole('tensor-parallel-size') ?? 1) * (whole('data-parallel-size') ?? 1);
  if (isOn('enable-expert-parallel') && experts && ranks === 1) {
    warn('flag.no-effect', 'enable-expert-parallel', 'enable-expert-parallel has no effect on one GPU.');
  }
  const kvType = flags['kv-cache-dtype'];
  const capability = Number.parseFloat(device.computeCapability);
  if (typeof kvType === 'string' && kvType.startsWith('fp8') && capability < 8.9) {
    warn(
      'flag.slow-on-device',
      'kv-cache-dtype',
      `${device.label} has no fp8 arithmetic (compute capability ${device.computeCapability}, 8.9 needed): an fp8 KV cache is converted in every step, where a kernel for it is there at all.`,
    );
  }
  if (flags['quantization'] === 'fp8' && capability < 8.9) {
    warn(
      'flag.slow-on-device',
      'quantization',
      `${device.label} has no fp8 arithmetic (compute capability ${device.computeCapability}, 8.9 needed): fp8 weights are widened in every step.`,
    );
  }
  if (
    typeof flags['quantization'] === 'string' &&
    model.quantization !== undefined &&
    !sameMethod(flags['quantization'], model.quantization.method)
  ) {
    warn(
      'flag.contradiction',
      'quantization',
      `vLLM refuses quantization ${flags['quantization']}: the checkpoint is quantised with ${model.quantization.method}.`,
    );
  }
  for (const name of ['max-loras', 'max-lora-rank', 'fully-sharded-loras', 'max-cpu-loras']) {
    if (flags[name] !== undefined && !isOn('enable-lora')) {
      warn('flag.no-effect', name, `${name} has no effect without enable-lora.`);
    }
  }
  return found;
}

/** Kernels have names of their own: `awq_marlin` runs an `awq` checkpoint. */
function sameMethod(written: string, stored: string): boolean {
  return written.startsWith(stored) || stored.startsWith(written) || stored === 'compressed-tensors';
}
