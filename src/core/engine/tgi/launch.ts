import { kebab, optionWords, reasons, type ServerLaunch } from '../serverLaunch.ts';

export const tgiLaunch: ServerLaunch = {
  name: 'tgi',
  label: 'TGI',
  command: ['text-generation-launcher'],
  // The entry point of its image is the launcher.
  imageCommand: [],
  modelWords: (model) => ['--model-id', model],
  flagWords: optionWords,
  flagName: kebab,
  ownFlags: new Map([
    ['hostname', reasons.address],
    ['api-key', reasons.key],
    ['model-id', reasons.model],
    ['prometheus-port', reasons.port],
  ]),
  parallelFlags: [['num-shard']],
  verified: false,
  documentation: "TGI's launcher arguments (docs/source/reference/launcher.md)",
};
