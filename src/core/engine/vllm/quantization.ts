import type { ModelFacts } from '../../model/facts.ts';
import type { Deployment } from '../deployment.ts';

export interface QuantizedWeights {
  readonly method: string;
  readonly bytesPerWeight: number;
  /** Relative half width of the band: 0 where the layout is known. */
  readonly band: number;
  /** False where the method's layout is not known and 16-bit weights are assumed. */
  readonly known: boolean;
}

/** What is assumed of a checkpoint whose file does not say its bits: 4 bits in groups of 128, as is usual for the two. */
const usualBytes: Readonly<Record<string, number>> = {
  awq: 0.52,
  gptq: 0.52,
  awq_marlin: 0.52,
  gptq_marlin: 0.52,
};

/**
 * The linear layers' quantisation: what the checkpoint says wins, and `--quantization fp8` quantises a 16-bit one while it loads.
 */
export function quantizedWeights(
  deployment: Deployment,
  model: ModelFacts,
  elementBytes: number,
): QuantizedWeights | undefined {
  if (model.quantization !== undefined) {
    return model.bytesPerQuantizedWeight !== undefined
      ? {
          method: model.quantization,
          bytesPerWeight: model.bytesPerQuantizedWeight,
          band: 0.02,
          known: true,
        }
      : assumed(model.quantization, elementBytes);
  }
  const written = Object.hasOwn(deployment.flags, 'quantization')
    ? deployment.flags['quantization']
    : undefined;
  if (typeof written !== 'string' || written === 'None' || written === 'none') return undefined;
  if (written === 'fp8') return { method: written, bytesPerWeight: 1, band: 0.01, known: true };
  return assumed(written, elementBytes);
}

function assumed(method: string, elementBytes: number): QuantizedWeights {
  const usual = usualBytes[method];
  return usual === undefined
    ? { method, bytesPerWeight: elementBytes, band: 0.75, known: false }
    : { method, bytesPerWeight: usual, band: 0.1, known: true };
}
