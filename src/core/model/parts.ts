import type {
  FeedForward,
  HeadAttention,
  LatentAttention,
  LayerFacts,
  OuterWeightGroup,
  ParametersByKind,
  Sharding,
  TokenMixer,
  WeightGroup,
} from './facts.ts';
import type { ParameterKind } from './parameterKinds.ts';
import { PARAMETER_KINDS } from './parameterKinds.ts';

/** A layer's part with what it weighs. Families put layers together from these. */
export interface Mixer {
  readonly mixer: TokenMixer;
  readonly weights: readonly WeightGroup[];
}

export interface FeedForwardPart {
  readonly feedForward: FeedForward;
  readonly weights: readonly WeightGroup[];
}

/** A matrix `inputs x outputs`, with a bias of `outputs` where asked. */
export function linear(
  kind: ParameterKind,
  module: string,
  size: {
    readonly inputs: number;
    readonly outputs: number;
    readonly bias?: boolean;
    readonly sharding?: Sharding;
    /** How many of it. */
    readonly copies?: number;
  },
): WeightGroup[] {
  const { sharding = 'split', copies = 1 } = size;
  const groups: WeightGroup[] = [
    { kind, module, count: copies * size.inputs * size.outputs, sharding, matrix: true },
  ];
  if (size.bias) groups.push(vector(kind, module, copies * size.outputs, sharding));
  return groups;
}

/** Weights that no method quantises: norms, biases, gates, tables. */
export function vector(
  kind: ParameterKind,
  module: string,
  count: number,
  sharding: Sharding = 'replicated',
): WeightGroup {
  return { kind, module, count, sharding, matrix: false };
}

/** `count` norms over `size` elements, each with a bias where asked. */
export function norms(size: number, count = 1, bias = false): WeightGroup {
  return vector('norms', 'norm', size * count * (bias ? 2 : 1));
}

/** Attention with query, key, value and output projections; grouped queries where there are fewer KV heads. */
export function headAttention(
  hiddenSize: number,
  attention: HeadAttention,
  options: {
    readonly queryKeyValueBias?: boolean;
    readonly outputBias?: boolean;
    readonly module?: string;
    /** False where the layer has no key and value projections of its own. Default: as `sharesCache` says. */
    readonly keysAndValues?: boolean;
    /** True where values are the keys and have no projection (Gemma 4's global layers). */
    readonly valuesAreKeys?: boolean;
    /** A norm over each head's query and key (Qwen3), or over all heads at once (OLMo 2). */
    readonly queryKeyNorms?: 'head' | 'all-heads';
    /** Outputs that the query projection has more, biases too, to gate what attention returns: heads x head size (Qwen3-Next). */
    readonly outputGate?: number;
    /** Outputs of a projection of its own, without bias, for the same: heads x head size, or one a head. */
    readonly separateGate?: number;
    /** A learned attention sink for each query head (gpt-oss). */
    readonly sinks?: boolean;
  } = {},
): Mixer {
  const { queryHeads, keyValueHeads, headSize, valueHeadSize = headSize } = attention;
  const { module = 'self_attn', keysAndValues = attention.sharesCache !== true } = options;
  const { outputGate = 0, separateGate = 0, valuesAreKeys = false } = options;
  const bias = options.queryKeyValueBias ?? false;
  const input = { inputs: hiddenSize, bias };
  const weights = linear('attention', module, { ...input, outputs: queryHeads * headSize + outputGate });
  if (separateGate > 0) {
    weights.push(...linear('attention', module, { inputs: hiddenSize, outputs: separateGate }));
  }
  if (keysAndValues) {
    const outputs = keyValueHeads * (headSize + (valuesAreKeys ? 0 : valueHeadSize));
    weights.push(...linear('attention', module, { ...input, outputs, sharding: 'kv-heads' }));
  }
  weights.push(
    ...linear('attention', module, {
      inputs: queryHeads * valueHeadSize,
      outputs: hiddenSize,
    }),
  );
  // The output's bias is added once, after the ranks' parts were summed.
  if (options.outputBias) weights.push(vector('attention', module, hiddenSize));
  if (options.sinks) weights.push(vector('attention', module, queryHeads, 'split'));
  if (options.queryKeyNorms !== undefined) {
    const perHead = options.queryKeyNorms === 'head';
    const normed = (heads: number) => (perHead ? 1 : heads) * headSize;
    weights.push(norms(normed(queryHeads) + (keysAndValues ? normed(keyValueHeads) : 0)));
  }
  return { mixer: attention, weights };
}

/**
 * Multi-head latent attention: keys and values out of one compressed vector, which every rank holds whole, queries through a
 * compressed vector of `queryRank` or, without one, straight. Sparse attention's indexer is on every rank.
 */
export function latentAttention(
  hiddenSize: number,
  attention: LatentAttention,
  options: {
    /** `q_lora_rank`. */
    readonly queryRank?: number;
    /** Of the two compressing projections and the output: `attention_bias`. */
    readonly bias?: boolean;
    /** `index_n_heads`; its head size is the mixer's `indexerHeadSize`. */
    readonly indexerHeads?: number;
    readonly module?: string;
  } = {},
): Mixer {
  const { queryHeads, latentSize, rotarySize, headSize, valueHeadSize, indexerHeadSize = 0 } = attention;
  const { queryRank, bias = false, indexerHeads = 0, module = 'self_attn' } = options;
  const whole = { sharding: 'replicated', bias } as const;
  const queryOutputs = queryHeads * (headSize + rotarySize);
  const weights = [
    ...(queryRank === undefined
      ? linear('attention', module, { inputs: hiddenSize, outputs: queryOutputs })
      : [
          ...linear('attention', module, { inputs: hiddenSize, outputs: queryRank, ...whole }),
          norms(queryRank),
          ...linear('attention', module, { inputs: queryRank, outputs: queryOutputs }),
        ]),
    ...linear('attention', module, { inputs: hiddenSize, outputs: latentSize + rotarySize, ...whole }),
    norms(latentSize),
    ...linear('attention', module, {
      inputs: latentSize,
      outputs: queryHeads * (headSize + valueHeadSize),
    }),
    ...linear('attention', module, { inputs: queryHeads * valueHeadSize, outputs: hiddenSize }),
  ];
  if (bias) weights.push(vector('attention', module, hiddenSize));
  if (indexerHeads > 0) {
    const indexer = `${module}.indexer`;
    weights.push(
      ...linear('attention', indexer, {
        inputs: queryRank ?? hiddenSize,
        outputs: indexerHeads * indexerHeadSize,
        sharding: 'replicated',
      }),
      ...linear('attention', indexer, {
        inputs: hiddenSize,
        outputs: indexerHeadSize + indexerHeads,
        sharding: 'replicated',
      }),
      norms(indexerHeadSize, 1, true),
    );
  }
  return { mixer: attention, weights };
}

/**
 * A router, the experts it chooses from and what every token passes beside them. A bias that corrects the router's choice is a
 * buffer, not a parameter, and is not counted.
 */
export function routedExperts(
  hiddenSize: number,
  moe: {
    readonly experts: number;
    readonly activeExperts: number;
    /** Of one routed expert. */
    readonly width: number;
    readonly gated?: boolean;
    /** Biases of the experts' matrices (gpt-oss). */
    readonly bias?: boolean;
    readonly routerBias?: boolean;
    /** Choices of the router that compute nothing (LongCat). */
    readonly zeroExperts?: number;
    /** Width of all shared experts, or of the dense MLP beside, together; 0 or absent without any. */
    readonly sharedWidth?: number;
    readonly sharedBias?: boolean;
    /** A gate over the shared expert's output: hidden x 1 (Qwen2-MoE). */
    readonly sharedGate?: boolean;
    readonly module?: string;
  },
): FeedForwardPart {
  const { experts, activeExperts, width, gated = true, bias = false, routerBias = false } = moe;
  const { zeroExperts = 0, sharedWidth = 0, module = 'mlp' } = moe;
  const ofExperts = `${module}.experts`;
  const shape = { copies: experts, sharding: 'experts' } as const;
  const columns = gated ? 2 * width : width;
  const choices = experts + zeroExperts;
  const weights = [
    // Kept in full precision by the engine or by every quantised file.
    vector('router', `${module}.gate`, choices * (hiddenSize + (routerBias ? 1 : 0))),
    ...linear('routedExperts', ofExperts, { inputs: hiddenSize, outputs: columns, bias, ...shape }),
    ...linear('routedExperts', ofExperts, { inputs: width, outputs: hiddenSize, bias, ...shape }),
  ];
  if (sharedWidth > 0) {
    const shared = { width: sharedWidth, gated, bias: moe.sharedBias ?? false };
    const part = { ...shared, kind: 'sharedExperts', module: `${module}.shared_experts` } as const;
    weights.push(...denseMlp(hiddenSize, part).weights);
    if (moe.sharedGate) weights.push(vector('sharedExperts', `${module}.shared_expert_gate`, hiddenSize));
  }
  return {
    feedForward: { kind: 'experts', experts, activeExperts, width, gated, sharedWidth },
    weights,
  };
}

/** An MLP with gate, up and down matrices, or up and down alone. */
export function denseMlp(
  hiddenSize: number,
  mlp: {
    readonly width: number;
    readonly gated: boolean;
    readonly bias?: boolean;
    readonly kind?: ParameterKind;
    readonly module?: string;
  },
): FeedForwardPart {
  const { width, gated, bias = false, kind = 'mlp', module = 'mlp' } = mlp;
  return {
    feedForward: { kind: 'dense', width, gated },
    weights: [
      ...linear(kind, module, { inputs: hiddenSize, outputs: width, bias, copies: gated ? 2 : 1 }),
      ...linear(kind, module, { inputs: width, outputs: hiddenSize }),
      ...(bias ? [vector(kind, module, hiddenSize)] : []),
    ],
  };
}

/** One layer out of its parts; groups that are shared and stored alike are added up. */
export function layer(
  mixers: readonly Mixer[],
  feedForward: FeedForwardPart | undefined,
  ...others: readonly WeightGroup[]
): LayerFacts {
  return {
    mixers: mixers.map(({ mixer }) => mixer),
    feedForward: feedForward?.feedForward ?? { kind: 'none' },
    weights: merged([
      ...mixers.flatMap(({ weights }) => weights),
      ...(feedForward?.weights ?? []),
      ...others,
    ]),
  };
}

function merged(groups: readonly WeightGroup[]): readonly WeightGroup[] {
  const byKey = new Map<string, WeightGroup>();
  for (const group of groups) {
    if (group.count === 0) continue;
    const key = `${group.kind} ${group.module} ${group.sharding} ${group.matrix}`;
    const before = byKey.get(key);
    byKey.set(key, before === undefined ? group : { ...before, count: before.count + group.count });
  }
  return [...byKey.values()];
}

/** Embedding, head (left out where tied), and norms after the last layer. */
export function outerWeights(input: {
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  readonly tiedEmbeddings: boolean;
  /** Parameters of the norm after the last layer. */
  readonly finalNorm: number;
  /** Rows of the learned position embedding. */
  readonly positionRows?: number;
}): OuterWeightGroup[] {
  const { hiddenSize, vocabularySize, tiedEmbeddings, finalNorm, positionRows = 0 } = input;
  const table = { count: vocabularySize * hiddenSize, sharding: 'vocabulary', matrix: false } as const;
  const groups: OuterWeightGroup[] = [
    { kind: 'embedding', module: 'embed_tokens', stage: 'first', ...table },
    { ...norms(finalNorm), stage: 'last' },
  ];
  if (!tiedEmbeddings) groups.push({ kind: 'head', module: 'lm_head', stage: 'last', ...table });
  if (positionRows > 0) {
    groups.push({
      ...vector('positionEmbedding', 'embed_positions', positionRows * hiddenSize),
      stage: 'first',
    });
  }
  return groups;
}

/** Sums by kind over layers and what stands outside them. Weights that layers share are the family's to list once. */
export function parametersByKind(
  layers: readonly LayerFacts[],
  outer: readonly OuterWeightGroup[],
): ParametersByKind {
  const sums = Object.fromEntries(PARAMETER_KINDS.map((kind) => [kind, 0])) as Record<ParameterKind, number>;
  let total = 0;
  const add = (group: WeightGroup) => {
    sums[group.kind] += group.count;
    total += group.count;
  };
  for (const { weights } of layers) weights.forEach(add);
  outer.forEach(add);
  return { ...sums, total };
}

/** Parameters of one layer. */
export function layerParameters(facts: LayerFacts): number {
  return facts.weights.reduce((sum, { count }) => sum + count, 0);
}
