import { optionWords, reasons, type ServerLaunch } from '../serverLaunch.ts';

export const trtllmLaunch: ServerLaunch = {
  name: 'trtllm',
  label: 'TensorRT-LLM',
  command: ['trtllm-serve'],
  imageCommand: ['trtllm-serve'],
  modelWords: (model) => [model],
  flagWords: optionWords,
  // Its options are written with underscores.
  flagName: (written) => written.replaceAll('-', '_'),
  ownFlags: new Map([['model', reasons.model]]),
  parallelFlags: [['tp_size'], ['pp_size']],
  takesTokenIds: true,
  verified: false,
  documentation: 'https://nvidia.github.io/TensorRT-LLM/commands/trtllm-serve/trtllm-serve.html',
};
