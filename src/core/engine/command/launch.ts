import { kebab, optionWords, type ServerLaunch } from '../serverLaunch.ts';

/** Any server with an OpenAI route. Its command says where the model goes; flags of the plan follow it. */
export const commandLaunch: ServerLaunch = {
  name: 'command',
  label: 'a plain command',
  command: [],
  imageCommand: [],
  modelWords: () => [],
  flagWords: optionWords,
  flagName: kebab,
  ownFlags: new Map(),
  parallelFlags: [],
  takesTokenIds: false,
  verified: true,
  documentation: "the plan's launch.command",
};
