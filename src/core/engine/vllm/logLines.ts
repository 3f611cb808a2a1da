import type { DeploymentEstimate } from '../../estimate/types.ts';
import { grouped } from '../../estimate/words.ts';
import { GiB } from '../../units.ts';
import { matchRelease, releaseIndex } from './versions/releases.ts';

/**
 * The lines in which vLLM's log says the same, in its words and its rounding, so that the two can be laid side by side.
 * Sources: v1/worker/gpu_worker.py; v1/core/kv_cache_utils.py. From 0.28 size and concurrency are one line.
 */
export function vllmLogLines(estimate: DeploymentEstimate): readonly string[] {
  const { release } = matchRelease(estimate.engineVersion);
  const since = (version: '0.15.1' | '0.28.0') => release >= releaseIndex(version);
  const { tokens, maxConcurrency, maxModelLen } = estimate.kv;
  const available = Math.min(...estimate.perRank.map((rank) => rank.availableKvBytes)) / GiB;
  // Python's `%s` of a rounded number drops trailing zeros, but keeps one decimal.
  const short = String(Math.round(available * 100) / 100);
  const size = `GPU KV cache size: ${grouped(tokens)} tokens`;
  const concurrency = `Maximum concurrency for ${grouped(maxModelLen)} tokens per request: ${maxConcurrency.toFixed(2)}x`;
  return [
    `Available KV cache memory: ${since('0.15.1') ? (short.includes('.') ? short : `${short}.0`) : available.toFixed(2)} GiB`,
    ...(since('0.28.0') ? [`${size}, ${concurrency}`] : [size, concurrency]),
  ];
}
