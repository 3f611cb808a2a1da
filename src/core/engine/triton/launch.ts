import { kebab, optionWords, reasons, type ServerLaunch } from '../serverLaunch.ts';

/** Where the server's image has its OpenAI frontend. */
const command = ['python3', '/opt/tritonserver/python/openai/openai_frontend/main.py'];

/** Behind its OpenAI frontend. The model is a repository on the host, whose model.json holds what its vLLM backend is given. */
export const tritonLaunch: ServerLaunch = {
  name: 'triton',
  label: 'Triton (vLLM backend)',
  command,
  imageCommand: command,
  modelWords: (model) => ['--model-repository', model],
  flagWords: optionWords,
  flagName: kebab,
  ownFlags: new Map([
    ['openai-port', reasons.port],
    ['openai-restricted-api', reasons.key],
    ['model-repository', reasons.model],
  ]),
  parallelFlags: [],
  takesTokenIds: false,
  verified: false,
  documentation:
    'https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/client_guide/openai_readme.html',
};
