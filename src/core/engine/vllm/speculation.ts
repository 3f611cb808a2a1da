import type { ModelFacts } from '../../model/facts.ts';
import type { FlagValue } from '../deployment.ts';
import { wholeNumber } from '../flagValues.ts';
import { jsonFlag } from './jsonFlag.ts';

/** What proposes tokens ahead, and what of it takes memory. */
export interface Speculation {
  readonly method: string;
  /** Tokens proposed a step; 0 where nothing says it. */
  readonly tokens: number;
  /** The draft model, where it is one that is known. */
  readonly draft?: ModelFacts;
  /** Layers of its own that keep keys and values beside the model's: the draft's, or one for each further-token head. */
  readonly draftLayers: number;
  /** False where the draft takes memory that is not known. */
  readonly known: boolean;
  /** GPUs that the draft is split over; 0: as the model. */
  readonly tensorParallelSize: number;
}

const withoutWeights = new Set(['ngram', 'ngram_gpu', 'suffix']);

/**
 * `--speculative-config`. Further-token heads (`mtp` and its older names by family) are the model's own; n-grams take none; any
 * other method loads a model, whose facts are those of `draft` or not known.
 */
export function readSpeculation(
  value: FlagValue | undefined,
  model: ModelFacts,
  draft: ModelFacts | undefined,
): Speculation | undefined {
  const config = jsonFlag(value);
  if (config === undefined) return undefined;
  const name = config['model'];
  const written = typeof config['method'] === 'string' ? config['method'] : undefined;
  const method = written ?? (typeof name === 'string' && !name.startsWith('ngram') ? 'draft_model' : 'ngram');
  const tokens = wholeNumber((config['num_speculative_tokens'] as FlagValue | undefined) ?? '') ?? 0;
  const tensorParallelSize =
    wholeNumber((config['draft_tensor_parallel_size'] as FlagValue | undefined) ?? '') ?? 0;
  const base = { method, tokens, tensorParallelSize };
  if (withoutWeights.has(method)) return { ...base, draftLayers: 0, known: true };
  if (method === 'mtp' || method.endsWith('_mtp')) {
    const { draftLayers } = model;
    return { ...base, draftLayers: draftLayers?.count ?? 0, known: draftLayers !== undefined };
  }
  if (draft === undefined) return { ...base, draftLayers: 0, known: false };
  return { ...base, draft, draftLayers: draft.layers.length, known: true };
}
