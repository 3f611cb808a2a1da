import type { Engine } from '../engine.ts';
import { evaluateVllm } from './evaluate.ts';
import { vllmFixCandidates } from './fixCandidates.ts';
import { canonicalVllmFlag, flagsOfRelease, vllmFlags } from './flags/catalogue.ts';
import { defaultNote } from './flags/check.ts';
import { vllmReplacement } from './flags/renames.ts';
import { usualVllmValues } from './flags/usualValues.ts';
import { vllmLogLines } from './logLines.ts';
import { vllmMemoryEdits, vllmVariations } from './memoryEdits.ts';
import { defaultProfile, supportedVllmVersions } from './versions/profiles.ts';
import { matchRelease } from './versions/releases.ts';

export const vllm: Engine = {
  name: 'vllm',
  label: 'vLLM',
  isServer: true,
  flags: vllmFlags,
  flagsOf: (version) => flagsOfRelease(matchRelease(version).release),
  replacementOf: (name, version) => vllmReplacement(name, matchRelease(version).release),
  defaultNote: (name, version) => defaultNote(name, matchRelease(version).release),
  usualValues: usualVllmValues,
  logLines: vllmLogLines,
  canonicalFlag: canonicalVllmFlag,
  defaultVersion: defaultProfile.version,
  supportedVersions: supportedVllmVersions,
  evaluate: evaluateVllm,
  fixCandidates: vllmFixCandidates,
  memoryEdits: vllmMemoryEdits,
  variations: vllmVariations,
};
