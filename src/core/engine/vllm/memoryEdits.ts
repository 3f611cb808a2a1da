import type { EstimateRequest } from '../../estimate/types.ts';
import type { FlagValue } from '../deployment.ts';
import type { EngineEvaluation, FixCandidate } from '../engine.ts';
import { wholeNumber } from '../flagValues.ts';
import { tensorSizes } from './fixCandidates.ts';
import { gainsByFp8Cache, takesFp8Cache } from './kvDataType.ts';

/** The most that leaves room for graphs and the CUDA context. */
const FULLEST_UTILIZATION = 0.95;

/** Edits that free memory for the KV cache or make it hold more, gentlest first. Two of them may do what one does not. */
export function vllmMemoryEdits(
  request: EstimateRequest,
  evaluation: EngineEvaluation,
): readonly FixCandidate[] {
  const edits = new Edits(request, evaluation);
  const fp8 = Number.parseFloat(request.device.computeCapability) >= 8.9;
  if (edits.number('gpu-memory-utilization') < FULLEST_UTILIZATION && edits.budgeted) {
    edits.add('gpu-memory-utilization', FULLEST_UTILIZATION);
  }
  if (edits.number('max-num-batched-tokens') > 2048) edits.add('max-num-batched-tokens', 2048);
  if (edits.number('max-num-seqs') > 128) edits.add('max-num-seqs', 128);
  if (gainsByFp8Cache(request) && !edits.text('kv-cache-dtype').startsWith('fp8'))
    edits.add('kv-cache-dtype', 'fp8');
  if (evaluation.resolved['enforce-eager'] === false) edits.add('enforce-eager', true);
  if (fp8 && edits.unquantized) edits.add('quantization', 'fp8');
  for (const size of tensorSizes(request)) {
    if (size > evaluation.speed.tensorParallelSize) edits.addTensorParallel(size);
  }
  return edits.made;
}

/** One step of each flag that moves the size of the KV cache, both ways where both are usual. */
export function vllmVariations(
  request: EstimateRequest,
  evaluation: EngineEvaluation,
): readonly FixCandidate[] {
  const edits = new Edits(request, evaluation);
  const { resolved, kv, speed } = evaluation;
  for (const name of ['max-num-seqs', 'max-num-batched-tokens']) {
    const value = edits.number(name);
    if (value >= 2) edits.add(name, Math.floor(value / 2));
    edits.add(name, value * 2);
  }
  if (edits.budgeted) {
    const share = edits.number('gpu-memory-utilization');
    for (const step of [-0.05, -0.01, 0.01, 0.05]) {
      const to = Math.round((share + step) * 100) / 100;
      if (to > 0 && to <= 1) edits.add('gpu-memory-utilization', to);
    }
  }
  if (edits.text('kv-cache-dtype').startsWith('fp8')) edits.add('kv-cache-dtype', 'auto');
  else if (takesFp8Cache(request)) edits.add('kv-cache-dtype', 'fp8');
  edits.add('enforce-eager', resolved['enforce-eager'] !== true);
  if (edits.unquantized) edits.add('quantization', 'fp8');
  edits.add('block-size', edits.number('block-size') * 2);
  if (kv.maxModelLen >= 2) edits.add('max-model-len', Math.floor(kv.maxModelLen / 2));
  if (kv.maxModelLen * 2 <= request.model.maxPositionEmbeddings)
    edits.add('max-model-len', kv.maxModelLen * 2);
  for (const size of tensorSizes(request)) {
    if (size === speed.tensorParallelSize * 2 || size * 2 === speed.tensorParallelSize) {
      edits.addTensorParallel(size);
    }
  }
  return edits.made;
}

/** Collects edits of one deployment, each with the value that it replaces. */
class Edits {
  readonly made: FixCandidate[] = [];
  readonly #request: EstimateRequest;
  readonly #evaluation: EngineEvaluation;

  constructor(request: EstimateRequest, evaluation: EngineEvaluation) {
    this.#request = request;
    this.#evaluation = evaluation;
  }

  /** Whether the share of the GPU decides about the cache. */
  get budgeted(): boolean {
    return this.#evaluation.resolved['kv-cache-memory-bytes'] === undefined;
  }

  get unquantized(): boolean {
    const { model, deployment } = this.#request;
    return model.quantization === undefined && deployment.flags['quantization'] === undefined;
  }

  number(name: string): number {
    const value = this.#evaluation.resolved[name] ?? 0;
    return typeof value === 'number' ? value : (wholeNumber(value) ?? 0);
  }

  text(name: string): string {
    return String(this.#evaluation.resolved[name] ?? 'auto');
  }

  add(flag: string, to: FlagValue, gpuCount = this.#request.gpuCount): void {
    const from = this.#request.deployment.flags[flag] ?? null;
    if (from !== to) this.made.push({ flag, from, to, gpuCount });
  }

  addTensorParallel(size: number): void {
    const { pipelineParallelSize } = this.#evaluation.speed;
    this.add('tensor-parallel-size', size, Math.max(this.#request.gpuCount, size * pipelineParallelSize));
  }
}
