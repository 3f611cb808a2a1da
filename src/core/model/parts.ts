import type {
  FeedForward,
  HeadAttention,
  LayerFacts,
  OuterWeightGroup,
  ParameterKind,
  ParametersByKind,
  Sharding,
  TokenMixer,
  WeightGroup,
} from './facts.ts';
import { PARAMETER_KINDS } from './facts.ts';

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
  } = {},
): Mixer {
  const { queryHeads, keyValueHeads, headSize, valueHeadSize = headSize } = attention;
  const { module = 'self_attn', keysAndValues = attention.sharesCache !== true } = options;
  const bias = options.queryKeyValueBias ?? false;
  const input = { inputs: hiddenSize, bias };
  const weights = linear('attention', module, { ...input, outputs: queryHeads * headSize });
  if (keysAndValues) {
    const outputs = keyValueHeads * (headSize + valueHeadSize);
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
  return { mixer: attention, weights };
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
