import type { EngineEvaluation } from '../engine/engine.ts';
import type { Problem } from '../result.ts';
import type { RankEstimate, Verdict } from './types.ts';
import { gib, grouped } from './words.ts';

/** Left beyond one full-length request, as a part of the pool, under which a deployment is tight. */
const TIGHT_PART = 0.05;

/**
 * The verdict without its fixes. *Tight*: less than 5 % of the KV pool is left beyond one full-length request, or what is not
 * charged, at the upper end of its band, is more than the memory outside the request.
 */
export function judge(evaluation: EngineEvaluation): Omit<Verdict, 'fixes'> {
  const { obstacle, kv } = evaluation;
  if (obstacle !== undefined) {
    return {
      outcome: obstacle.kind === 'flag-value' ? 'unknown' : 'does-not-fit',
      reason: obstacle.reason,
      causeFlag: obstacle.causeFlag,
    };
  }
  if (evaluation.staticBatch !== undefined) return evaluation.staticBatch.verdict;
  const pool = kv.numBlocks > 0 ? kv.oneRequestBytes * kv.maxConcurrency : 0;
  const left = pool - kv.oneRequestBytes;
  const capacity = `${kv.maxConcurrency.toFixed(2)}x at ${grouped(kv.maxModelLen)} tokens, KV cache of ${grouped(kv.tokens)} tokens`;
  if (left < TIGHT_PART * pool) {
    return {
      outcome: 'tight',
      reason: `${capacity}: only ${gib(Math.max(0, left))} GiB of KV are left beyond one full-length request`,
      causeFlag: 'max-model-len',
    };
  }
  const crowded = evaluation.perRank.find((rank) => unchargedHighBytes(rank) > outsideBytes(rank));
  if (crowded !== undefined) {
    return {
      outcome: 'tight',
      reason: `${capacity}, but ${unchargedWords(crowded)} take up to ${gib(unchargedHighBytes(crowded))} GiB beside it and ${gib(Math.max(0, outsideBytes(crowded)))} are outside the request: it may run out of memory at capture`,
      causeFlag: 'gpu-memory-utilization',
    };
  }
  return { outcome: 'fits', reason: capacity };
}

/**
 * A warning where the bands of the charged terms decide whether one full-length request fits: the verdict may turn out the other
 * way. Undefined where they do not.
 */
export function bandWarning(evaluation: EngineEvaluation): Problem | undefined {
  const { obstacle, kv } = evaluation;
  if (evaluation.staticBatch !== undefined) return undefined;
  const aboutLength = obstacle === undefined || obstacle.kind === 'max-model-len';
  if (!aboutLength || evaluation.resolved['kv-cache-memory-bytes'] !== undefined) return undefined;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  for (const rank of evaluation.perRank) {
    let below = 0;
    let above = 0;
    for (const term of rank.terms) {
      if (!term.charged) continue;
      below += term.highBytes - term.bytes;
      above += term.bytes - term.lowBytes;
    }
    low = Math.min(low, rank.availableKvBytes - below);
    high = Math.min(high, rank.availableKvBytes + above);
  }
  if (low >= kv.oneRequestBytes || high < kv.oneRequestBytes) return undefined;
  return {
    code: 'verdict.within-band',
    message: `Too close to call: one request of ${grouped(kv.maxModelLen)} tokens needs ${gib(kv.oneRequestBytes)} GiB of KV, and between ${gib(Math.max(0, low))} and ${gib(high)} GiB will be available.`,
  };
}

const unchargedNames: Readonly<Record<string, string>> = {
  'graphs-uncharged': 'CUDA graphs',
  'sampler-state': "the sampler's counts",
  context: 'the CUDA context',
};

/** `CUDA graphs and the CUDA context`: what is not subtracted from the KV cache. */
function unchargedWords(rank: RankEstimate): string {
  const names = rank.terms.filter(({ charged }) => !charged).map(({ id }) => unchargedNames[id] ?? id);
  const last = names.pop() ?? 'nothing';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
}

/** What the engine uses beyond its request, at the upper end. */
export function unchargedHighBytes(rank: RankEstimate): number {
  let bytes = 0;
  for (const term of rank.terms) if (!term.charged) bytes += term.highBytes;
  return bytes;
}

/** Memory of the GPU that the engine did not ask for, and nobody else has. */
export function outsideBytes(rank: RankEstimate): number {
  return (rank.freeBytes ?? rank.totalBytes) - rank.requestedBytes;
}
