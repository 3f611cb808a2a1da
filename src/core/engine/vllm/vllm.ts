import type { Engine } from '../engine.ts';
import { evaluateVllm } from './evaluate.ts';
import { vllmFixCandidates } from './fixCandidates.ts';
import { canonicalVllmFlag, vllmFlags } from './flags.ts';
import { defaultProfile, supportedVllmVersions } from './versions/profiles.ts';

export const vllm: Engine = {
  name: 'vllm',
  label: 'vLLM',
  flags: vllmFlags,
  canonicalFlag: canonicalVllmFlag,
  defaultVersion: defaultProfile.version,
  supportedVersions: supportedVllmVersions,
  evaluate: evaluateVllm,
  fixCandidates: vllmFixCandidates,
};
