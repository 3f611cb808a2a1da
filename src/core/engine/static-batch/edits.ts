import type { EstimateRequest } from '../../estimate/types.ts';
import { modelTraits } from '../../memory/layerGroups.ts';
import type { FlagValue } from '../deployment.ts';
import type { EngineEvaluation, FixCandidate } from '../engine.ts';

const MOST_GPUS = 8;

/** Edits that may make the batch fit, smallest first: fewer requests, a shorter prompt, smaller weights, more GPUs. */
export function staticBatchFixCandidates(
  request: EstimateRequest,
  evaluation: EngineEvaluation,
): readonly FixCandidate[] {
  const { obstacle, kv } = evaluation;
  if (obstacle?.kind === 'flag-value') return [];
  if (obstacle?.kind === 'parallelism') {
    return ['tensor-parallel-size', 'pipeline-parallel-size'].map((flag) => edit(request, flag, 1));
  }
  const candidates: FixCandidate[] = [];
  if (kv.maxConcurrency >= 1) {
    // Where it is tight, some room beside.
    const batch = obstacle === undefined ? Math.floor(0.8 * kv.maxConcurrency) : kv.maxConcurrency;
    if (batch >= 1) candidates.push(edit(request, 'batch-size', batch));
  }
  return [...candidates, ...staticBatchMemoryEdits(request, evaluation)];
}

/** Edits that free memory, gentlest first. */
export function staticBatchMemoryEdits(
  request: EstimateRequest,
  { resolved, kv }: EngineEvaluation,
): readonly FixCandidate[] {
  const edits: FixCandidate[] = [];
  const longest = kv.largestMaxModelLen - Number(resolved['max-new-tokens']);
  if (longest >= 1 && longest < Number(resolved['prompt-length'])) {
    edits.push(edit(request, 'prompt-length', longest));
  }
  if (request.model.quantization === undefined) {
    edits.push(edit(request, 'load-in-8bit', true), edit(request, 'load-in-4bit', true));
  }
  const { queryHeads } = modelTraits(request.model);
  const tensor = Number(resolved['tensor-parallel-size']);
  const pipeline = Number(resolved['pipeline-parallel-size']);
  for (let size = tensor * 2; size <= MOST_GPUS; size *= 2) {
    if (queryHeads % size === 0) edits.push(edit(request, 'tensor-parallel-size', size, size * pipeline));
  }
  for (let size = pipeline * 2; size <= MOST_GPUS; size *= 2) {
    edits.push(edit(request, 'pipeline-parallel-size', size, size * tensor));
  }
  const { flags } = request.deployment;
  return edits.filter(({ flag, to }) => flags[flag] !== to && !(excludes(flag) in flags));
}

/** One change to each flag that moves the largest batch. */
export function staticBatchVariations(
  request: EstimateRequest,
  evaluation: EngineEvaluation,
): readonly FixCandidate[] {
  const { resolved } = evaluation;
  const half = (flag: string) => edit(request, flag, Math.max(1, Math.floor(Number(resolved[flag]) / 2)));
  const seen = new Set<string>();
  return [
    half('prompt-length'),
    half('max-new-tokens'),
    ...staticBatchMemoryEdits(request, evaluation).filter(({ flag }) => !seen.has(flag) && seen.add(flag)),
  ];
}

function excludes(flag: string): string {
  return flag === 'load-in-8bit' ? 'load-in-4bit' : flag === 'load-in-4bit' ? 'load-in-8bit' : '';
}

function edit(
  { deployment, gpuCount }: EstimateRequest,
  flag: string,
  to: FlagValue,
  gpus = gpuCount,
): FixCandidate {
  return { flag, from: deployment.flags[flag] ?? null, to, gpuCount: Math.max(gpuCount, gpus) };
}
