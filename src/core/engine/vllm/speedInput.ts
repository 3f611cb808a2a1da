import type { EstimateLoad, EstimateRequest, KvEstimate } from '../../estimate/types.ts';
import type { ModelFacts } from '../../model/facts.ts';
import type { CacheReads } from '../../speed/cacheReads.ts';
import type { ComputeType, ExpertReads, SpeedInput } from '../../speed/speedInput.ts';
import type { ResolvedVllm } from './resolved.ts';
import type { StageMemory } from './stageMemory.ts';

/** What speed is computed from. Weights are those of memory, as they are stored there: what is loaded is what a step reads. */
export function vllmSpeedInput(
  request: EstimateRequest,
  resolved: ResolvedVllm,
  memories: readonly StageMemory[],
  beside: { readonly kv: KvEstimate; readonly cache: CacheReads; readonly load: EstimateLoad },
): SpeedInput {
  const { model, device } = request;
  const { kv, cache, load } = beside;
  // A token passes every stage in turn: the bytes of all of them are read, each by its own GPUs.
  let denseBytes = 0;
  let expertBytes = 0;
  let headBytes = 0;
  for (const { weights, terms } of memories) {
    // Where a header or the user says the bytes, every part has its share of the difference.
    const known = terms.find(({ id }) => id === 'weights')?.bytes ?? weights.bytes;
    // No more is kept in host memory than there is.
    const offloaded = Math.min(resolved.offloadBytes, weights.layersBytes);
    const scale = weights.bytes > 0 ? (known + offloaded) / weights.bytes : 1;
    denseBytes += scale * (weights.layersBytes - weights.expertsBytes);
    expertBytes += scale * weights.expertsBytes;
    headBytes += scale * (weights.headBytes || (model.tiedEmbeddings ? weights.embeddingBytes : 0));
  }
  const { parameters } = model;
  const { linear, expert } = computeTypes(request, resolved);
  const last = memories.length - 1;
  return {
    engine: 'vllm',
    model,
    device,
    gpuCount: request.gpuCount,
    load,
    dense: {
      bytes: denseBytes,
      parameters: parameters.attention + parameters.mlp + parameters.sharedExperts + parameters.router,
      computeType: linear,
    },
    experts: expertReads(request, resolved, expertBytes, expert),
    head: {
      bytes: headBytes,
      parameters: model.vocabularySize * model.hiddenSize,
      computeType: resolved.computeType,
    },
    cache,
    hostBytes: Math.min(resolved.offloadBytes, memories[last]?.weights.layersBytes ?? 0) * memories.length,
    kvTokens: kv.tokens,
    tensorParallelSize: resolved.tensorParallelSize,
    pipelineParallelSize: memories.length,
    dataParallelSize: resolved.dataParallelSize,
    maxNumSeqs: resolved.maxNumSeqs,
    maxNumBatchedTokens: resolved.maxNumBatchedTokens,
    eager: resolved.graphs.piecewise + resolved.graphs.full === 0,
    asyncScheduling: resolved.asyncScheduling,
    speculative: resolved.speculation !== undefined,
  };
}

function expertReads(
  { model }: EstimateRequest,
  resolved: ResolvedVllm,
  bytes: number,
  computeType: ComputeType,
): ExpertReads | undefined {
  if (bytes === 0) return undefined;
  const found = expertsOf(model);
  if (found === undefined) return undefined;
  return {
    bytes,
    parameters: model.parameters.routedExperts,
    computeType,
    experts: found.experts,
    activeExperts: found.activeExperts,
    ranks: resolved.tensorParallelSize * resolved.dataParallelSize,
    layers: found.layers,
  };
}

interface ModelExperts {
  readonly experts: number;
  readonly activeExperts: number;
  readonly layers: number;
}

const expertsOfModel = new WeakMap<ModelFacts, ModelExperts>();

/** The experts of the first layer that has them, and how many layers have. */
function expertsOf(model: ModelFacts): ModelExperts | undefined {
  let known = expertsOfModel.get(model);
  if (known === undefined) {
    const kinds = model.layers.map(({ feedForward }) => feedForward).filter(({ kind }) => kind === 'experts');
    const [first] = kinds;
    if (first?.kind !== 'experts') return undefined;
    known = { experts: first.experts, activeExperts: first.activeExperts, layers: kinds.length };
    expertsOfModel.set(model, known);
  }
  return known;
}

/** Methods whose activations are 8 bit as well; others unpack their weights to 16 bit before they multiply. */
const fp8Methods = new Set(['fp8', 'fbgemm_fp8', 'ptpc_fp8', 'modelopt', 'compressed-tensors', 'quark']);

/**
 * What products run in. 8-bit floats and 4-bit ones where the card multiplies them; a card that cannot, and every method of 4-bit
 * integers, stores them so and multiplies 16 bit (Marlin).
 */
function computeTypes(
  { model, device }: EstimateRequest,
  { quantization, quantizedWeightBytes, computeType }: ResolvedVllm,
): { readonly linear: ComputeType; readonly expert: ComputeType } {
  const narrow = narrowType(quantization, quantizedWeightBytes, model.quantization?.weightFormat);
  const type = narrow !== undefined && device.flopsPerSecond[narrow] !== undefined ? narrow : computeType;
  const kinds = model.quantization?.kinds;
  return {
    linear: kinds === undefined || kinds.includes('mlp') || kinds.includes('attention') ? type : computeType,
    expert: type,
  };
}

function narrowType(
  method: string | undefined,
  bytes: number | undefined,
  format: string | undefined,
): 'fp8' | 'fp4' | undefined {
  if (method === undefined || bytes === undefined) return undefined;
  if (format === 'nvfp4' || format === 'mxfp4' || method.includes('fp4')) return 'fp4';
  const eightBits = bytes >= 0.99 && bytes < 1.2 && format !== 'int8';
  return eightBits && (fp8Methods.has(method) || format === 'fp8' || format === 'mxfp8') ? 'fp8' : undefined;
}
