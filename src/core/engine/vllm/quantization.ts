import type { ModelFacts } from '../../model/facts.ts';
import type { Deployment } from '../deployment.ts';

export interface QuantizedWeights {
  readonly method: string;
  readonly bytesPerWeight: number;
  /** How far below and above it may be, as parts of it. */
  readonly band: { readonly below: number; readonly above: number };
  /** False where the method's layout is not known and 16-bit weights are assumed. */
  readonly known: boolean;
}

/**
 * Bytes of a weight by methods with one layout: an element and its part of the scales. 4-bit floats: half a byte, and a 1-byte scale
 * for 16 (NVFP4) or 32 (MXFP4); bitsandbytes: a 4-byte maximum for 64.
 */
const layouts: ReadonlyMap<string, number> = new Map([
  ['fp8', 1],
  ['fbgemm_fp8', 1],
  ['ptpc_fp8', 1],
  ['modelopt', 1],
  ['experts_int8', 1],
  ['tpu_int8', 1],
  ['modelopt_fp4', 0.5 + 1 / 16],
  ['nvfp4', 0.5 + 1 / 16],
  ['mxfp4', 0.5 + 1 / 32],
  ['gpt_oss_mxfp4', 0.5 + 1 / 32],
  ['petit_nvfp4', 0.5 + 1 / 16],
  ['bitsandbytes', 0.5 + 4 / 64],
]);

/** What is assumed of a checkpoint whose file does not say its bits: 4 bits in groups of 128, as is usual for them. */
const usualBytes = 0.52;
const usualMethods = new Set(['awq', 'gptq', 'awq_marlin', 'gptq_marlin', 'auto-round', 'inc']);

export interface ExpertPadding {
  readonly widthMultiple: number;
  readonly hiddenMultiple: number;
}

/**
 * What the kernels of 4-bit floats pad an expert to: Triton's on Hopper its width alone; FlashInfer's on data-centre Blackwell, and
 * Marlin's elsewhere, the hidden width as well. Source: vLLM 0.26, layers/fused_moe/oracle/mxfp4.py,
 * mxfp4_round_up_hidden_size_and_intermediate_size.
 */
export function expertPadding(
  method: string | undefined,
  computeCapability: string,
): ExpertPadding | undefined {
  if (!padsExperts(method)) return undefined;
  const major = Number.parseInt(computeCapability, 10);
  return { widthMultiple: major === 10 ? 256 : 128, hiddenMultiple: major === 9 ? 1 : 256 };
}

/** The 4-bit floats whose kernels pad an expert's width. */
export function padsExperts(method: string | undefined): boolean {
  return method === 'mxfp4' || method === 'gpt_oss_mxfp4';
}

/**
 * The linear layers' quantisation: what the checkpoint says wins, and `--quantization fp8` quantises a 16-bit one while it loads.
 */
export function quantizedWeights(
  deployment: Deployment,
  model: ModelFacts,
  elementBytes: number,
): QuantizedWeights | undefined {
  if (model.quantization !== undefined) {
    const { method, bytesPerWeight } = model.quantization;
    return bytesPerWeight === undefined
      ? assumed(method, elementBytes)
      : { method, bytesPerWeight, band: { below: 0.02, above: 0.02 }, known: true };
  }
  const written = Object.hasOwn(deployment.flags, 'quantization')
    ? deployment.flags['quantization']
    : undefined;
  if (typeof written !== 'string' || written === 'None' || written === 'none') return undefined;
  return assumed(written, elementBytes);
}

function assumed(method: string, elementBytes: number): QuantizedWeights {
  const bytes = layouts.get(method);
  if (bytes !== undefined) {
    return { method, bytesPerWeight: bytes, band: { below: 0.01, above: 0.01 }, known: true };
  }
  return usualMethods.has(method)
    ? { method, bytesPerWeight: usualBytes, band: { below: 0.1, above: 0.1 }, known: true }
    : // No method stores more than what it quantises.
      { method, bytesPerWeight: elementBytes, band: { below: 0.75, above: 0 }, known: false };
}
