import { shellScript } from './shellScript.ts';
import type { DocumentSource } from './source.ts';
import { vllmConfig } from './vllmConfig.ts';

/** Asked in order; the first that recognises a document reads it. */
export const documentSources: readonly DocumentSource[] = [vllmConfig, shellScript];
