import { closest } from '../../closest.ts';
import type { EstimateRequest } from '../../estimate/types.ts';
import { genericWarning } from '../../model/parse.ts';
import type { Problem } from '../../result.ts';
import { laterFlags, removedFlags } from './flagHistory.ts';
import { canonicalVllmFlag, vllmFlags } from './flags.ts';
import { switchValue } from './flagValues.ts';
import type { QuantizedWeights } from './quantization.ts';
import type { VllmProfile } from './versions/profile.ts';

/** Features that change the memory and that the estimate leaves out. */
const notEstimated: readonly { readonly flag: string; readonly what: string }[] = [
  { flag: 'speculative-config', what: "the draft model's memory" },
  { flag: 'enable-lora', what: "the adapters' memory" },
  { flag: 'cpu-offload-gb', what: 'weights kept in host memory' },
  { flag: 'decode-context-parallel-size', what: 'splitting the KV cache over GPUs' },
  { flag: 'prefill-context-parallel-size', what: 'splitting prompts over GPUs' },
  { flag: 'disable-sliding-window', what: 'turning the window off' },
  { flag: 'hf-overrides', what: 'values that replace those of config.json' },
  { flag: 'compilation-config', what: 'other than the default CUDA graphs' },
];

interface WarnedValues {
  readonly dataParallelSize: number;
  readonly quantization: QuantizedWeights | undefined;
}

export function deploymentWarnings(
  request: EstimateRequest,
  profile: VllmProfile,
  exactVersion: boolean,
  values: WarnedValues,
): readonly Problem[] {
  const { deployment, model } = request;
  const warnings: Problem[] = [];
  const warn = (code: string, message: string, flag?: string) =>
    warnings.push({ code, message, ...(flag === undefined ? {} : { path: ['flags', flag] }) });

  if (!exactVersion) {
    warn(
      'engine.version-not-covered',
      `There is no profile for vLLM ${deployment.engineVersion ?? ''} yet; estimated as ${profile.version}, whose accounting may differ.`,
    );
  }
  if (model.generic) warnings.push(genericWarning(model.modelType));
  for (const name in deployment.flags) {
    const problem = flagNotKnown(name, profile.version);
    if (problem !== undefined) warnings.push(problem);
  }
  for (const { flag, what } of notEstimated) {
    const value = deployment.flags[flag];
    if (value === undefined || switchValue(value) === false || Number(value) === 0) continue;
    if (flag.endsWith('-size') && Number(value) === 1) continue;
    warn('flag.not-estimated', `${flag}: ${what} is not estimated yet.`, flag);
  }
  if (values.dataParallelSize > 1) {
    warn(
      'flag.not-estimated',
      `data-parallel-size ${values.dataParallelSize}: each copy is estimated as if it were alone on its GPUs.`,
      'data-parallel-size',
    );
  }
  if (values.quantization?.known === false) {
    warn(
      'quantization.not-covered',
      `The layout of ${values.quantization.method} weights is not covered; 16-bit weights are assumed, which is the upper end.`,
      deployment.flags['quantization'] === undefined ? undefined : 'quantization',
    );
  }
  return warnings;
}

function flagNotKnown(name: string, version: string): Problem | undefined {
  if (canonicalVllmFlag(name)?.name === name) return undefined;
  const path = ['flags', name];
  const removed = removedFlags.get(name);
  if (removed !== undefined) {
    return {
      code: 'flag.removed',
      message: `${name} is gone since vLLM ${removed}; ${version} does not start with it.`,
      path,
    };
  }
  const later = laterFlags.get(name);
  if (later !== undefined) {
    return {
      code: 'flag.later',
      message: `${name} came with vLLM ${later}; ${version} does not know it.`,
      path,
    };
  }
  const meant = closest(
    name,
    vllmFlags.map((flag) => flag.name),
  );
  return {
    code: 'flag.unknown',
    message: `vLLM ${version} has no option ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    path,
  };
}
