import type { ConfigFields } from './configFields.ts';
import type { DecoderShape } from './decoderShape.ts';

/** One architecture family: how its config.json names things and what it leaves unsaid. */
export interface ModelFamily {
  /** `model_type` of config.json. */
  readonly modelType: string;
  /** The usual entry of `architectures`. */
  readonly architecture: string;
  /** Problems are collected in `fields`; the shape is used only where there are none. */
  shape(fields: ConfigFields): DecoderShape;
  /** Longest context that the weights were made for, before rope scaling. */
  maxPositionEmbeddings(fields: ConfigFields): number;
}
