import { type ConfigFields, LIMITS } from './configFields.ts';
import type { OuterWeightGroup, WeightGroup } from './facts.ts';
import type { ParameterKind } from './parameterKinds.ts';
import { linear, vector } from './parts.ts';

/**
 * A model that also sees or hears: the text model of another family, and towers beside it. Counts are of the parameters; the
 * engine may pad heads or fuse matrices. Towers are on every rank of the first stage.
 */
export interface TowerFamily {
  /** `model_type` of config.json. */
  readonly modelType: string;
  readonly aliases?: readonly string[];
  /** The usual entry of `architectures`. */
  readonly architecture: string;
  readonly otherArchitectures?: readonly string[];
  /** Family of the text model where its section does not name one that is known. */
  readonly textModelType: string;
  /** What the configuration class takes of the text model where a key is absent, sizes too: files of such models leave them out. */
  readonly textDefaults?: Readonly<Record<string, unknown>>;
  /** Whether the head is tied where neither part of the file says. */
  readonly tiedEmbeddings?: boolean;
  /** `text` are the text model's fields, in their section or not. */
  towers(whole: ConfigFields, text: ConfigFields): readonly WeightGroup[];
}

/** Weights of towers among those that stand outside the layers. */
export function towerWeights(groups: readonly WeightGroup[]): readonly OuterWeightGroup[] {
  return groups.filter(({ count }) => count > 0).map((group) => ({ ...group, stage: 'first' }));
}

/** Shape of a vision transformer's layers. */
export interface EncoderSizes {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly width: number;
}

/** Layers of an encoder: attention without grouped queries, an MLP, two norms. */
export function encoderLayers(
  module: string,
  { layers, hiddenSize, width }: EncoderSizes,
  options: {
    readonly kind?: ParameterKind;
    readonly gatedMlp?: boolean;
    readonly mlpBias?: boolean;
    readonly queryKeyValueBias?: boolean;
    readonly outputBias?: boolean;
    /** Heads x head size; left out: the hidden size. */
    readonly attentionWidth?: number;
    /** Of keys and of values where their heads are fewer. */
    readonly keyValueWidth?: number;
    /** Layer norms with a bias rather than RMS norms. */
    readonly normBias?: boolean;
    /** Vectors of a layer beside these: scales, norms over queries and keys. */
    readonly others?: number;
  } = {},
): WeightGroup[] {
  const { kind = 'vision', gatedMlp = false, mlpBias = true, normBias = true, others = 0 } = options;
  const { queryKeyValueBias = true, outputBias = true, attentionWidth = hiddenSize } = options;
  const { keyValueWidth = attentionWidth } = options;
  const outputBiases = (outputBias ? hiddenSize : 0) + (mlpBias ? hiddenSize : 0);
  return [
    ...linear(kind, module, {
      inputs: hiddenSize,
      outputs: attentionWidth + 2 * keyValueWidth,
      bias: queryKeyValueBias,
      copies: layers,
    }),
    ...linear(kind, module, { inputs: attentionWidth, outputs: hiddenSize, copies: layers }),
    ...linear(kind, module, {
      inputs: hiddenSize,
      outputs: width,
      bias: mlpBias,
      copies: (gatedMlp ? 2 : 1) * layers,
    }),
    ...linear(kind, module, { inputs: width, outputs: hiddenSize, copies: layers }),
    vector(kind, module, layers * (outputBiases + 2 * hiddenSize * (normBias ? 2 : 1) + others)),
  ];
}

/** A projection that every rank holds whole. */
export function projection(
  module: string,
  inputs: number,
  outputs: number,
  bias: boolean,
  kind: ParameterKind = 'vision',
): WeightGroup[] {
  return linear(kind, module, { inputs, outputs, bias, sharding: 'replicated' });
}

/** Two projections, usually with an activation between them. The engine splits them in some models; in others every rank has them. */
export function projector(
  module: string,
  [inputs, between, outputs]: readonly [inputs: number, between: number, outputs: number],
  options: {
    readonly bias: boolean;
    readonly sharding: 'split' | 'replicated';
    /** What the second takes in, where the activation halves it. */
    readonly secondInputs?: number;
  },
): WeightGroup[] {
  const { bias, sharding, secondInputs = between } = options;
  return [
    ...linear('vision', module, { inputs, outputs: between, bias, sharding }),
    ...linear('vision', module, { inputs: secondInputs, outputs, sharding }),
    // The second's bias is added once, after the ranks' parts were summed.
    ...(bias ? [towerVector(module, outputs)] : []),
  ];
}

/** Vectors and tables of a tower: embeddings, norms. */
export function towerVector(module: string, count: number): WeightGroup {
  return vector('vision', module, count);
}

/** Side of an image or patch in pixels: some files list both sides. */
export function side(fields: ConfigFields, name: string): number {
  const value = fields.value(name);
  return Array.isArray(value) && value.length > 0
    ? fields.withValues({ [name]: value[0] as unknown }).count(name, LIMITS.width)
    : fields.count(name, LIMITS.width);
}

/** Patches of a square image. */
export function patchCount(vision: ConfigFields): number {
  return Math.floor(side(vision, 'image_size') / side(vision, 'patch_size')) ** 2;
}

/** Values of a square patch, over all channels. */
export function patchValues(vision: ConfigFields): number {
  return (
    vision.countOr(['num_channels', 'in_channels', 'in_chans'], 3, LIMITS.width) *
    side(vision, 'patch_size') ** 2
  );
}
