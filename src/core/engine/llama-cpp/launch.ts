import { kebab, negatableWords, reasons, type ServerLaunch } from '../serverLaunch.ts';

/** Short options that are usual; the server takes them with one dash alone. */
const shortNames: ReadonlyMap<string, string> = new Map([
  ['c', 'ctx-size'],
  ['np', 'parallel'],
  ['ngl', 'n-gpu-layers'],
  ['b', 'batch-size'],
  ['ub', 'ubatch-size'],
  ['fa', 'flash-attn'],
  ['ctk', 'cache-type-k'],
  ['ctv', 'cache-type-v'],
  ['t', 'threads'],
  ['m', 'model'],
]);

/** The model is a GGUF file on the host. */
export const llamaCppLaunch: ServerLaunch = {
  name: 'llama-cpp',
  label: 'llama.cpp',
  command: ['llama-server'],
  // The entry point of its server image is llama-server.
  imageCommand: [],
  modelWords: (model) => ['--model', model],
  flagWords: negatableWords,
  flagName: (written) => shortNames.get(written) ?? kebab(written),
  ownFlags: new Map([
    ['api-key', reasons.key],
    ['api-key-file', reasons.key],
    ['model', reasons.model],
    ['metrics', 'the agent turns the metrics on itself'],
  ]),
  parallelFlags: [],
  takesTokenIds: true,
  verified: false,
  documentation: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md',
};
