import { kebab, negatableWords, reasons, type ServerLaunch } from '../serverLaunch.ts';

const tls = 'the engine listens on loopback only, where nothing needs TLS';

export const vllmLaunch: ServerLaunch = {
  name: 'vllm',
  label: 'vLLM',
  command: ['vllm', 'serve'],
  // The entry point of vllm/vllm-openai is `vllm serve`.
  imageCommand: [],
  modelWords: (model) => [model],
  flagWords: negatableWords,
  flagName: kebab,
  ownFlags: new Map([
    ['uds', 'the engine listens on a port of loopback, which the agent chooses'],
    ['headless', 'without its server an engine cannot be measured'],
    ['ssl-', tls],
    ['enable-ssl-refresh', tls],
    ['api-key', reasons.key],
    ['model', reasons.model],
    ['config', 'write its flags into the plan, so that predictions and cells know of them'],
  ]),
  parallelFlags: [
    ['tensor-parallel-size'],
    ['pipeline-parallel-size'],
    ['data-parallel-size'],
    ['prefill-context-parallel-size'],
  ],
  takesTokenIds: true,
  verified: true,
  documentation: 'vllm/entrypoints/cli/serve.py, vLLM 0.26.0',
};
