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
    ['master-port', reasons.port],
    ['shard-uds-path', reasons.address],
  ]),
  parallelFlags: [['num-shard']],
  takesTokenIds: false,
  verified: false,
  documentation: 'https://huggingface.co/docs/text-generation-inference/reference/launcher',
};
