import { kebab, optionWords, reasons, type ServerLaunch } from '../serverLaunch.ts';

const command = ['python3', '-m', 'sglang.launch_server'];

export const sglangLaunch: ServerLaunch = {
  name: 'sglang',
  label: 'SGLang',
  command,
  imageCommand: command,
  modelWords: (model) => ['--model-path', model],
  flagWords: optionWords,
  flagName: kebab,
  ownFlags: new Map([
    ['api-key', reasons.key],
    ['model-path', reasons.model],
    ['model', reasons.model],
    ['enable-metrics', 'the agent turns the metrics on itself'],
  ]),
  parallelFlags: [
    ['tp-size', 'tp', 'tensor-parallel-size'],
    ['pp-size', 'pp', 'pipeline-parallel-size'],
    ['dp-size', 'dp', 'data-parallel-size'],
  ],
  takesTokenIds: true,
  verified: false,
  documentation: 'https://docs.sglang.ai/advanced_features/server_arguments.html',
};
