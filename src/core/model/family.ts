import type { ConfigFields } from './configFields.ts';
import type { DraftLayers, LayerFacts, OuterWeightGroup } from './facts.ts';

/** What a family makes of a config.json: the model, layer by layer. `parts.ts` has the pieces. */
export interface ModelShape {
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  readonly layers: readonly LayerFacts[];
  readonly outerWeights: readonly OuterWeightGroup[];
  readonly draftLayers?: DraftLayers;
  readonly tiedEmbeddings: boolean;
  /** Width of a row of the rotary position table: usually the head size; 0 without one. */
  readonly rotarySize: number;
}

/** One architecture family: how its config.json names things and what it leaves unsaid. */
export interface ModelFamily {
  /** `model_type` of config.json. */
  readonly modelType: string;
  /** Other values of `model_type` that are read alike: text parts, later releases. */
  readonly aliases?: readonly string[];
  /** The usual entry of `architectures`. */
  readonly architecture: string;
  /** Other entries of `architectures` that are read alike. */
  readonly otherArchitectures?: readonly string[];
  /**
   * What the family's configuration class takes where a key is absent, by the names of config.json. The sizes that every file states
   * are left out: without them there is no model.
   */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** Where the text model's fields are nested: `text_config`. Left out where they are at the top. */
  readonly textSection?: string;
  /**
   * Problems are collected in `fields`; the shape is used only where there are none. `fields` are the text model's, `whole` the
   * whole file's: the same where nothing is nested.
   */
  shape(fields: ConfigFields, whole: ConfigFields): ModelShape;
  /** Longest context that the weights were made for, before rope scaling. Left out where it has one of the usual names. */
  maxPositionEmbeddings?(fields: ConfigFields): number;
}
