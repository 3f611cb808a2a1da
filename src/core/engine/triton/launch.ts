import { kebab, reasons, type ServerLaunch } from '../serverLaunch.ts';

/** The model is a repository on the host, whose model.json holds the arguments of its vLLM backend. */
export const tritonLaunch: ServerLaunch = {
  name: 'triton',
  label: 'Triton',
  command: ['tritonserver'],
  imageCommand: ['tritonserver'],
  modelWords: (model) => [`--model-repository=${model}`],
  flagWords: (flag, value) =>
    (Array.isArray(value) ? (value as readonly unknown[]) : [value]).map((one) => `--${flag}=${String(one)}`),
  flagName: kebab,
  ownFlags: new Map([
    ['http-address', reasons.address],
    ['http-port', reasons.port],
    ['grpc-address', reasons.address],
    ['grpc-port', reasons.port],
    ['metrics-address', reasons.address],
    ['metrics-port', reasons.port],
    ['model-repository', reasons.model],
    ['model-store', reasons.model],
  ]),
  parallelFlags: [],
  verified: false,
  documentation: "Triton's vLLM backend (triton-inference-server/vllm_backend, README.md)",
};
