import type { Engine } from '../engine.ts';
import { staticBatchFixCandidates, staticBatchMemoryEdits, staticBatchVariations } from './edits.ts';
import { evaluateStaticBatch } from './evaluate.ts';
import {
  canonicalStaticBatchFlag,
  staticBatchFlags,
  usualStaticBatchValues,
  versionedStaticBatchFlags,
} from './flags.ts';
import { defaultStaticBatchVersion, staticBatchVersions } from './resolve.ts';

/**
 * A program that generates one batch at a time with a cache that grows by concatenation: Hugging Face transformers,
 * DeepSpeed-inference, Triton's python backend. Versions are those of transformers.
 */
export const staticBatch: Engine = {
  name: 'static-batch',
  label: 'Static batch (transformers)',
  isServer: false,
  flags: staticBatchFlags,
  flagsOf: () => versionedStaticBatchFlags,
  replacementOf: () => undefined,
  defaultNote: () => undefined,
  usualValues: usualStaticBatchValues,
  logLines: () => [],
  canonicalFlag: canonicalStaticBatchFlag,
  defaultVersion: defaultStaticBatchVersion,
  supportedVersions: staticBatchVersions,
  evaluate: evaluateStaticBatch,
  fixCandidates: staticBatchFixCandidates,
  memoryEdits: staticBatchMemoryEdits,
  variations: staticBatchVariations,
};
