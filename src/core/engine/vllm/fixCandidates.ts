import { blockedByMemory } from '../../estimate/blocked.ts';
import type { EstimateRequest } from '../../estimate/types.ts';
import { modelTraits } from '../../memory/layerGroups.ts';
import type { EngineEvaluation, FixCandidate } from '../engine.ts';
import { wholeNumber } from '../flagValues.ts';
import { gainsByFp8Cache, unquantizedCache } from './kvDataType.ts';

const HIGHEST_UTILIZATION = 0.97;
const MOST_TENSOR_PARALLEL = 8;

/**
 * Edits that may make it fit, smallest first: a shorter context, an fp8 cache, more (or less) of the GPU's memory, a smaller step,
 * fp8 weights, more GPUs. Each is only proposed; whether it helps is for the caller to evaluate.
 */
export function vllmFixCandidates(
  request: EstimateRequest,
  evaluation: EngineEvaluation,
): readonly FixCandidate[] {
  const { obstacle } = evaluation;
  const candidates: FixCandidate[] = [];
  const propose = (flag: string, to: string | number | boolean, gpuCount = request.gpuCount) => {
    const from = request.deployment.flags[flag] ?? null;
    if (from !== to) candidates.push({ flag, from, to, gpuCount });
  };
  if (obstacle?.kind === 'flag-value') return [];
  if (obstacle?.kind === 'parallelism') {
    for (const size of tensorSizes(request)) {
      if (size <= request.gpuCount) propose('tensor-parallel-size', size);
    }
    return candidates.reverse();
  }

  const { kv } = evaluation;
  if (obstacle?.kind === 'refused-flag') return refusedBatch(request, evaluation);
  if (obstacle?.kind === 'mamba-blocks' && kv.numBlocks > 0) propose('max-num-seqs', kv.numBlocks);
  if (obstacle?.kind === 'kv-data-type') {
    if (gainsByFp8Cache(request)) propose('kv-cache-dtype', 'fp8');
    propose('kv-cache-dtype', unquantizedCache(request));
    return candidates;
  }
  if (obstacle?.kind === 'context-length' || obstacle?.kind === 'data-type') {
    if (obstacle.kind === 'data-type') propose('dtype', 'float16');
    // The longest that the model allows may still be longer than what fits.
    else if (kv.largestMaxModelLen > 0) propose('max-model-len', kv.largestMaxModelLen);
    return candidates;
  }
  if (obstacle?.kind === 'max-model-len' && kv.largestMaxModelLen >= kv.blockSize) {
    propose('max-model-len', kv.largestMaxModelLen);
  } else if (obstacle === undefined) {
    const roomy = Math.floor((kv.largestMaxModelLen * 0.95) / kv.blockSize) * kv.blockSize;
    if (roomy > 0 && roomy < kv.maxModelLen) propose('max-model-len', roomy);
  }
  const fp8 = Number.parseFloat(request.device.computeCapability) >= 8.9;
  if (gainsByFp8Cache(request) && !String(evaluation.resolved['kv-cache-dtype']).startsWith('fp8')) {
    propose('kv-cache-dtype', 'fp8');
  }
  for (const utilization of utilizations(evaluation)) propose('gpu-memory-utilization', utilization);
  if (obstacle === undefined && evaluation.resolved['enforce-eager'] === false) {
    propose('enforce-eager', true);
  }
  if (blockedByMemory(obstacle)) {
    const tokens = wholeNumber(evaluation.resolved['max-num-batched-tokens'] ?? 0) ?? 0;
    if (tokens > 2048) propose('max-num-batched-tokens', 2048);
    if (
      fp8 &&
      request.model.quantization === undefined &&
      request.deployment.flags['quantization'] === undefined
    ) {
      propose('quantization', 'fp8');
    }
    for (const size of tensorSizes(request)) {
      if (size > evaluation.speed.tensorParallelSize) {
        propose(
          'tensor-parallel-size',
          size,
          Math.max(request.gpuCount, size * evaluation.speed.pipelineParallelSize),
        );
      }
    }
  }
  return candidates;
}

/** A step that takes what it must: every sequence, or a whole prompt. */
function refusedBatch(request: EstimateRequest, { resolved }: EngineEvaluation): readonly FixCandidate[] {
  const number = (name: string) => wholeNumber(resolved[name] ?? 0) ?? 0;
  const from = (flag: string) => request.deployment.flags[flag] ?? null;
  const edit = (flag: string, to: number | boolean): FixCandidate => ({
    flag,
    from: from(flag),
    to,
    gpuCount: request.gpuCount,
  });
  const tokens = number('max-num-batched-tokens');
  const seqs = number('max-num-seqs');
  if (tokens < seqs) return [edit('max-num-seqs', tokens), edit('max-num-batched-tokens', seqs)];
  return [
    edit('enable-chunked-prefill', true),
    edit('max-num-batched-tokens', number('max-model-len')),
    edit('max-model-len', tokens),
  ];
}

/** Powers of two that the heads and the vocabulary can be split over. */
export function tensorSizes({ model }: EstimateRequest): number[] {
  const { queryHeads, keyValueHeads, latent } = modelTraits(model);
  const sizes: number[] = [];
  for (let size = 1; size <= MOST_TENSOR_PARALLEL; size *= 2) {
    const kvFits = latent || keyValueHeads % size === 0 || size % keyValueHeads === 0;
    if (queryHeads % size === 0 && kvFits) sizes.push(size);
  }
  return sizes;
}

/** Upwards where memory is short, downwards where too much is asked for; in hundredths, nearest first. */
function utilizations(evaluation: EngineEvaluation): number[] {
  const current = Number(evaluation.resolved['gpu-memory-utilization']);
  const asked = evaluation.obstacle;
  const rank = evaluation.perRank[0];
  if (
    rank === undefined ||
    asked?.kind === 'weights' ||
    evaluation.resolved['kv-cache-memory-bytes'] !== undefined
  ) {
    return [];
  }
  const hundredths = (value: number) => Math.round(value * 100) / 100;
  let uncharged = 0;
  for (const term of rank.terms) if (!term.charged) uncharged += term.highBytes;
  const free = rank.freeBytes ?? rank.totalBytes;
  const safe = Math.floor(100 * ((free - uncharged) / rank.totalBytes)) / 100;
  if (asked === undefined) return safe > 0 && safe < current ? [safe] : [];
  if (asked.kind === 'free-memory') return safe > 0 ? [safe] : [];
  const short =
    asked.kind === 'max-model-len'
      ? evaluation.kv.oneRequestBytes - rank.availableKvBytes
      : -rank.availableKvBytes;
  const needed = hundredths(Math.ceil(100 * (current + short / rank.totalBytes)) / 100);
  return [needed, hundredths(needed + 0.02)].filter(
    (value) => value > current && value <= HIGHEST_UTILIZATION,
  );
}
