import { compose } from './compose.ts';
import { dockerfile } from './dockerfile.ts';
import { helmValues } from './helmValues.ts';
import { kubernetes } from './kubernetes.ts';
import { shellScript } from './shellScript.ts';
import type { DocumentSource } from './source.ts';
import { tritonConfig } from './tritonConfig.ts';
import { tritonModel } from './tritonModel.ts';
import { vllmConfig } from './vllmConfig.ts';

/** Asked in order; the first that recognises a document reads it. */
export const documentSources: readonly DocumentSource[] = [
  vllmConfig,
  compose,
  kubernetes,
  helmValues,
  dockerfile,
  shellScript,
  tritonModel,
  tritonConfig,
];
