import { kebab, optionWords, type ServerLaunch } from '../serverLaunch.ts';

/** The model is named by each request, and loaded with the first. */
export const transformersLaunch: ServerLaunch = {
  name: 'transformers',
  label: 'transformers serve',
  command: ['transformers', 'serve'],
  imageCommand: ['transformers', 'serve'],
  modelWords: () => [],
  flagWords: optionWords,
  flagName: kebab,
  ownFlags: new Map(),
  parallelFlags: [],
  takesTokenIds: false,
  verified: true,
  documentation: 'https://huggingface.co/docs/transformers/serving',
};
