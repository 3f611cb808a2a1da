import type { EngineEvaluation, Obstacle } from '../engine/engine.ts';
import type { EstimateRequest, RankEstimate } from '../estimate/types.ts';
import { grouped } from '../estimate/words.ts';
import { attentionOf } from '../model/facts.ts';
import { GiB } from '../units.ts';

/** Every line starts with this, so that no log of a rehearsal can be taken for an engine's. */
export const SIMULATED_PREFIX = '(simulated)';

/** `round(bytes / 2^30, 2)` as Python prints it: `15.0`, `111.61`. */
function loggedGib(bytes: number): string {
  const rounded = Math.round((bytes / GiB) * 100) / 100;
  return Number.isInteger(rounded) ? rounded.toFixed(1) : String(rounded);
}

function termBytes(rank: RankEstimate | undefined, id: string): number {
  return rank?.terms.find((term) => term.id === id)?.bytes ?? 0;
}

/** The rank with the least room: the one whose words the engine's start ends with. */
export function tightestRank(evaluation: EngineEvaluation): RankEstimate | undefined {
  let tightest: RankEstimate | undefined;
  for (const rank of evaluation.perRank) {
    if (tightest === undefined || rank.availableKvBytes < tightest.availableKvBytes) tightest = rank;
  }
  return tightest;
}

/** GPU memory left when graphs are captured; negative where capture runs out of it. Bytes. */
export function captureHeadroomBytes(rank: RankEstimate): number {
  return (
    rank.totalBytes - rank.requestedBytes - termBytes(rank, 'context') - termBytes(rank, 'graphs-uncharged')
  );
}

/** What every start says first. */
export function openingLines(request: EstimateRequest, evaluation: EngineEvaluation): string[] {
  return [
    'rehearsal: no engine runs and no GPU is used; a start of one to three minutes is compressed to a second',
    `INFO Initializing a V1 LLM engine (v${evaluation.engineVersion}) with model='${request.deployment.model ?? request.model.id}', max_seq_len=${evaluation.kv.maxModelLen}, tensor_parallel_size=${evaluation.speed.tensorParallelSize}`,
  ];
}

/** From loaded weights to the size of the cache. */
export function profilingLines(evaluation: EngineEvaluation): string[] {
  const rank = tightestRank(evaluation);
  if (rank === undefined) return [];
  return [
    `INFO Model loading took ${loggedGib(termBytes(rank, 'weights'))} GiB`,
    `INFO Available KV cache memory: ${loggedGib(rank.availableKvBytes)} GiB`,
  ];
}

export function readyLines(evaluation: EngineEvaluation): string[] {
  const { kv } = evaluation;
  const graphs = termBytes(tightestRank(evaluation), 'graphs-uncharged');
  return [
    `INFO GPU KV cache size: ${grouped(kv.tokens)} tokens`,
    `INFO Maximum concurrency for ${grouped(kv.maxModelLen)} tokens per request: ${kv.maxConcurrency.toFixed(2)}x`,
    ...(graphs > 0 ? [`INFO Graph capturing finished, took ${loggedGib(graphs)} GiB`] : []),
  ];
}

export function outOfMemoryLines(rank: RankEstimate, wantedBytes: number, freeBytes: number): string[] {
  return [
    `ERROR torch.OutOfMemoryError: CUDA out of memory. Tried to allocate ${loggedGib(wantedBytes)} GiB. GPU 0 has a total capacity of ${loggedGib(rank.totalBytes)} GiB of which ${loggedGib(Math.max(0, freeBytes))} GiB is free.`,
  ];
}

/** The engine's own words for a start that it refuses. */
export function refusalLines(
  request: EstimateRequest,
  evaluation: EngineEvaluation,
  obstacle: Obstacle,
): string[] {
  const rank = tightestRank(evaluation);
  const { kv } = evaluation;
  if (rank === undefined) return [`ERROR ValueError: ${obstacle.reason}`];
  const utilization = evaluation.resolved['gpu-memory-utilization'];
  switch (obstacle.kind) {
    case 'free-memory':
      return [
        `ERROR ValueError: Free memory on device cuda:0 (${loggedGib(rank.totalBytes - termBytes(rank, 'context'))}/${loggedGib(rank.totalBytes)} GiB) on startup is less than desired GPU memory utilization (${String(utilization)}, ${loggedGib(rank.requestedBytes)} GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.`,
      ];
    case 'no-kv-memory':
      return [
        ...profilingLines(evaluation),
        'ERROR ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.',
      ];
    case 'max-model-len':
      return [
        ...profilingLines(evaluation),
        `ERROR ValueError: To serve at least one request with the model's max seq len (${kv.maxModelLen}), (${loggedGib(kv.oneRequestBytes)} GiB KV cache is needed, which is larger than the available KV cache memory (${loggedGib(rank.availableKvBytes)} GiB). Based on the available memory, the estimated maximum model length is ${kv.largestMaxModelLen}. Try increasing \`gpu_memory_utilization\` or decreasing \`max_model_len\` when initializing the engine.`,
      ];
    case 'context-length':
      return [
        `ERROR ValueError: User-specified max_model_len (${kv.maxModelLen}) is greater than the derived max_model_len (max_position_embeddings=${request.model.maxPositionEmbeddings} in model's config.json). To allow overriding this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1.`,
      ];
    case 'data-type':
      return [
        `ERROR ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your ${request.device.label} GPU has compute capability ${request.device.computeCapability}. You can use float16 instead by explicitly setting the \`dtype\` flag in CLI, for example: --dtype=half.`,
      ];
    case 'parallelism': {
      const heads = attentionOf(request.model.layers[0])?.queryHeads ?? 0;
      const size = evaluation.speed.tensorParallelSize;
      return heads % size !== 0
        ? [
            `ERROR ValueError: Total number of attention heads (${heads}) must be divisible by tensor parallel size (${size}).`,
          ]
        : [`ERROR ValueError: ${obstacle.reason}`];
    }
    default:
      return [`ERROR ValueError: ${obstacle.reason}`];
  }
}
