import { type CacheFormat, packedFormats, plainFormat } from '../../memory/kv/cacheFormat.ts';
import type { PlacedSpec } from '../../memory/kv/cacheSpec.ts';
import { COMPRESSED_BLOCK_TOKENS } from '../../memory/kv/compressedLatent.ts';
import { type LayerSpecInput, layerSpecs, leastCommonMultiple } from '../../memory/kv/layerSpecs.ts';
import { type KvLayout, kvLayout } from '../../memory/kv/layout.ts';
import type { StateDataType, StateInput } from '../../memory/kv/stateBytes.ts';
import type { PipelineStage } from '../../memory/pipeline.ts';
import {
  attentionOf,
  isAttention,
  type LatentAttention,
  type LayerFacts,
  type ModelFacts,
  type TokenMixer,
} from '../../model/facts.ts';
import { type CacheReads, cacheReads } from '../../speed/cacheReads.ts';
import type { KvFlags } from './kvFlags.ts';
import { kvRules, latentBlockTokens, stateCacheMode, statesArePaged } from './kvRules.ts';
import type { Speculation } from './speculation.ts';

/** What the layout of a model's KV cache depends on, beside the model. */
export interface KvPlanInput {
  /** `0.26.0`. */
  readonly version: string;
  readonly computeCapability: string;
  readonly tensorParallelSize: number;
  /** Bytes of an element of activations, and of the cache where no other type is asked for. */
  readonly elementBytes: 2 | 4;
  readonly contextParallelSize: number;
  readonly speculation: Speculation | undefined;
  readonly flags: KvFlags;
}

const plans = new WeakMap<ModelFacts, Map<string, KvLayout>>();
const MOST_PLANS_A_MODEL = 256;

/** The KV layout of a deployment. A model's layouts are kept: nothing here depends on how much memory there is. */
export function kvPlan(model: ModelFacts, stages: readonly PipelineStage[], input: KvPlanInput): KvLayout {
  let known = plans.get(model);
  if (known === undefined) {
    known = new Map();
    plans.set(model, known);
  }
  const key = keyOf(stages, input);
  let layout = known.get(key);
  if (layout === undefined) {
    layout = newPlan(model, stages, input);
    if (known.size >= MOST_PLANS_A_MODEL) known.clear();
    known.set(key, layout);
  }
  return layout;
}

function keyOf(stages: readonly PipelineStage[], input: KvPlanInput): string {
  const { flags, speculation } = input;
  const { format } = flags;
  const drafts =
    speculation === undefined
      ? ''
      : `${speculation.tokens} ${speculation.draftLayers} ${speculation.draft?.id}`;
  const cuts = stages.length === 1 ? '' : stages.map((stage) => stage.end).join();
  return `${input.version} ${input.computeCapability} ${input.tensorParallelSize} ${input.elementBytes} ${cuts} ${format?.elementBytes} ${format?.scaleBytesPerHead} ${format?.latentBytes} ${flags.blockSize} ${flags.stateBlockSize} ${flags.convDataType} ${flags.stateDataType} ${flags.stateCacheMode} ${flags.prefixCaching} ${flags.hybridManager} ${input.contextParallelSize} ${drafts} ${flags.attentionBackend}`;
}

function newPlan(model: ModelFacts, stages: readonly PipelineStage[], input: KvPlanInput): KvLayout {
  const minor = minorOf(input.version);
  const specs = specsOf(model, minor, input);
  return kvLayout(specs, stages, kvRules(minor, input.flags), input.contextParallelSize);
}

function specsOf(model: ModelFacts, minor: number, input: KvPlanInput): readonly PlacedSpec[] {
  const { flags } = input;
  const layers = draftsBeside(cachedLayers(model.layers, minor), input.speculation);
  const latent = firstLatent(layers);
  const computeMajor = Number.parseInt(input.computeCapability, 10);
  const sparse = latent?.indexerHeadSize !== undefined;
  const format = formatOf(input, minor, computeMajor, sparse);
  const preferred =
    latent === undefined
      ? 16
      : latent.compressRatio !== undefined
        ? COMPRESSED_BLOCK_TOKENS
        : latentBlockTokens(minor, computeMajor, sparse, format.elementBytes, flags.attentionBackend);
  // Where the backend takes one size only, what is written gives way to it.
  const written =
    flags.blockSize !== undefined && flags.blockSize % preferred === 0 ? flags.blockSize : undefined;
  const blockTokens = written ?? preferred;
  const mode = stateCacheMode(minor, model, flags);
  // Kernels that export a state from inside a prefill want a block more for it; FlashInfer's on 64 tokens.
  const checkpoints = minor >= 33 && mode === 'align';
  const exports = checkpoints && computeMajor >= 9 && hasKind(layers, 'gated-delta');
  const specInput: LayerSpecInput = {
    tensorParallelSize: input.tensorParallelSize,
    format,
    blockTokens,
    hybridBlockStep: leastCommonMultiple(
      hybridBlockStep(minor, computeMajor, model, latent !== undefined, blockTokens),
      exports ? CHECKPOINT_STEP : 1,
    ),
    stateChunkTokens: flags.stateBlockSize ?? DEFAULT_CHUNK_TOKENS,
    state: stateInput(model, input),
    stateCacheMode: mode,
    checkpointBlocks: exports || (checkpoints && hasKind(layers, 'mamba2')) ? 1 : 0,
  };
  return layerSpecs(layers, specInput);
}

/** `chunk_size` of every Mamba-2 model that is served so far, where a state is kept each block. */
const DEFAULT_CHUNK_TOKENS = 256;
/** FLASHINFER_GDN_CHECKPOINT_ALIGNMENT, v1/attention/backends/gdn_attn.py. */
const CHECKPOINT_STEP = 64;

/** Up to 0.19: 64 tokens for latents, and 32 for heads of 256 on data-centre Blackwell (0.13 to 0.18). */
function hybridBlockStep(
  minor: number,
  computeMajor: number,
  model: ModelFacts,
  latent: boolean,
  blockTokens: number,
): number {
  if (minor >= 28 && latent) return Math.max(128, blockTokens);
  if (minor >= 20) return blockTokens;
  if (latent) return 64;
  const attention = model.layers.map((layer) => attentionOf(layer)).find((found) => found !== undefined);
  return minor >= 13 && minor < 19 && computeMajor === 10 && attention?.headSize === 256 ? 32 : 16;
}

/** An fp8 cache of sparse attention is packed in 656 bytes a token where FlashMLA reads it: not on data-centre Blackwell. */
function formatOf(input: KvPlanInput, minor: number, computeMajor: number, sparse: boolean): CacheFormat {
  const format = input.flags.format ?? plainFormat(input.elementBytes);
  if (sparse && format.elementBytes === 1 && (computeMajor === 9 || minor < 19))
    return packedFormats.fp8_ds_mla;
  return format;
}

const readsOfLayout = new WeakMap<KvLayout, CacheReads>();

/** What a step reads of a request's cache in the deployment of this layout: `layout` is `kvPlan`'s of the same input. */
export function kvReads(model: ModelFacts, input: KvPlanInput, layout: KvLayout): CacheReads {
  let reads = readsOfLayout.get(layout);
  if (reads === undefined) {
    const sparse = firstLatent(model.layers)?.indexerHeadSize !== undefined;
    const computeMajor = Number.parseInt(input.computeCapability, 10);
    reads = cacheReads(model, {
      tensorParallelSize: input.tensorParallelSize,
      contextParallelSize: input.contextParallelSize,
      format: formatOf(input, minorOf(input.version), computeMajor, sparse),
      state: stateInput(model, input),
    });
    readsOfLayout.set(layout, reads);
  }
  return reads;
}

function stateInput(model: ModelFacts, input: KvPlanInput): StateInput {
  const { flags } = input;
  const minor = minorOf(input.version);
  const stateDataType = flags.stateDataType ?? stateTypeByFamily(model, minor);
  return {
    tensorParallelSize: input.tensorParallelSize,
    modelElementBytes: input.elementBytes,
    ...(flags.convDataType === undefined ? {} : { convDataType: flags.convDataType }),
    ...(stateDataType === undefined ? {} : { stateDataType }),
    followsFile: FOLLOWED.test(model.modelType),
    draftTokens: input.speculation?.tokens ?? 0,
    everyConvKeepsDrafts: minor >= 33,
  };
}

/** Families whose file says in which type states are kept; of others the engine does not read it. */
const FOLLOWED = /^(nemotron_h|qwen3_5)/;

/** Nemotron-H states its type in the file; where it does not, the engine's own default. */
function stateTypeByFamily(model: ModelFacts, minor: number): StateDataType | undefined {
  if (model.modelType !== 'nemotron_h') return undefined;
  const stated = model.layers.some(({ mixers }) =>
    mixers.some((mixer) => !isAttention(mixer) && mixer.stateDataType !== undefined),
  );
  if (stated) return undefined;
  return minor < 20 ? 'float16' : 'float32';
}

/** Layers as the release caches them: states outside before 0.10, latents as full heads of 256 before 0.7. */
function cachedLayers(layers: readonly LayerFacts[], minor: number): readonly LayerFacts[] {
  if (statesArePaged(minor)) return layers;
  return layers.map((layer) => ({
    ...layer,
    mixers: layer.mixers.filter(isAttention).map((mixer) =>
      mixer.kind === 'latent' && minor < 7
        ? {
            kind: 'full' as const,
            queryHeads: mixer.queryHeads,
            keyValueHeads: mixer.queryHeads,
            headSize: 256,
          }
        : mixer,
    ),
  }));
}

/** Layers that draft are cached on the last stage: a draft model's own, or one like the model's last attention for each head. */
function draftsBeside(
  layers: readonly LayerFacts[],
  speculation: Speculation | undefined,
): readonly LayerFacts[] {
  const last = layers.at(-1);
  if (last === undefined || speculation === undefined || speculation.draftLayers === 0) return layers;
  const attention = layers.map((layer) => attentionOf(layer)).findLast((found) => found !== undefined);
  const drafts =
    speculation.draft?.layers.flatMap((layer) => layer.mixers) ??
    (attention === undefined ? [] : new Array<TokenMixer>(speculation.draftLayers).fill(attention));
  return [...layers.slice(0, -1), { ...last, mixers: [...last.mixers, ...drafts] }];
}

function firstLatent(layers: readonly LayerFacts[]): LatentAttention | undefined {
  for (const layer of layers) {
    const attention = attentionOf(layer);
    if (attention?.kind === 'latent') return attention;
  }
  return undefined;
}

function hasKind(layers: readonly LayerFacts[], wanted: TokenMixer['kind']): boolean {
  return layers.some(({ mixers }) => mixers.some(({ kind }) => kind === wanted));
}

/** 26 of `0.26.1`. */
export function minorOf(version: string): number {
  const match = /^v?0\.(\d+)/.exec(version.trim());
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
}
