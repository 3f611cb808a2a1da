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

/** What is assumed of a checkpoint whose file does not say its bits: 4 bits in groups of 128, as is usual for the two. */
const usualBytes = 0.52;
const usualMethods = new Set(['awq', 'gptq', 'awq_marlin', 'gptq_marlin']);

/**
 * The linear layers' quantisation: what the checkpoint says wins, and `--quantization fp8` quantises a 16-bit one while it loads.
 */
export function quantizedWeights(
  deployment: Deployment,
  model: ModelFacts,
  elementBytes: number,
): QuantizedWeights | undefined {
  if (model.quantization !== undefined) {
    return model.quantization.bytesPerWeight !== undefined
      ? {
          method: model.quantization.method,
          bytesPerWeight: model.quantization.bytesPerWeight,
          band: { below: 0.02, above: 0.02 },
          known: true,
        }
      : assumed(model.quantization.method, elementBytes);
  }
  const written = Object.hasOwn(deployment.flags, 'quantization')
    ? deployment.flags['quantization']
    : undefined;
  if (typeof written !== 'string' || written === 'None' || written === 'none') return undefined;
  if (written === 'fp8') {
    return { method: written, bytesPerWeight: 1, band: { below: 0.01, above: 0.01 }, known: true };
  }
  return assumed(written, elementBytes);
}

function assumed(method: string, elementBytes: number): QuantizedWeights {
  return usualMethods.has(method)
    ? { method, bytesPerWeight: usualBytes, band: { below: 0.1, above: 0.1 }, known: true }
    : // No method stores more than what it quantises.
      { method, bytesPerWeight: elementBytes, band: { below: 0.75, above: 0 }, known: false };
}
