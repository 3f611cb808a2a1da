import type { EngineEvaluation } from '../engine/engine.ts';
import type { CrossCheck } from './types.ts';
import { gib } from './words.ts';

/**
 * The cloud guides' rule: weights take 80 % of the memory that is needed, and the KV cache 20 %, up to 35 % for long contexts. It
 * knows no context, no batch and no engine; given beside the estimate so that plans made by it can be compared.
 * Source: Google Cloud, "Optimize LLM serving on GKE" (weights = parameters x bytes, 80/20 to 65/35).
 */
export function crossChecks({ perRank }: EngineEvaluation): readonly CrossCheck[] {
  let weights = 0;
  let total = 0;
  for (const rank of perRank) {
    weights += rank.terms.find(({ id }) => id === 'weights')?.bytes ?? 0;
    total += rank.totalBytes;
  }
  const rule = (name: string, part: number): CrossCheck => {
    const bytes = weights / part;
    const percent = Math.round(part * 100);
    return {
      name,
      bytes,
      text: `By the ${percent}/${100 - percent} rule ${gib(weights)} GiB of weights need ${gib(bytes)} GiB; the GPUs have ${gib(total)}: ${bytes <= total ? 'enough' : 'too little'}.`,
    };
  };
  return [rule('weights-80-20', 0.8), rule('weights-65-35', 0.65)];
}
