import type { Device } from '../../src/core/device/device.ts';
import { commandText, shellWord } from '../../src/core/engine/commandLine.ts';
import type { Deployment, FlagValue } from '../../src/core/engine/deployment.ts';
import { findEngine } from '../../src/core/engine/engines.ts';
import { serverArguments } from '../../src/core/engine/serverLaunches.ts';
import { vllmLaunch } from '../../src/core/engine/vllm/launch.ts';
import type { EstimateRequest } from '../../src/core/estimate/types.ts';

/**
 * The deployment as one would type it: for the server with its variables, for Python where it is the offline class. Of a program that
 * has no command of its own, the question to the loadline command.
 */
export function commandLine({ deployment, device, gpuCount }: EstimateRequest): string {
  const { engine, entrypoint, environment = {} } = deployment;
  if (findEngine(engine)?.isServer === false) return askedAgain(deployment, device, gpuCount);
  if (entrypoint === 'llm') return pythonCall(deployment);
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${shellWord(value)}`);
  return [...variables, commandText(serverArguments(vllmLaunch, deployment))].join(' ');
}

function askedAgain(
  { engine, engineVersion, model = '', flags }: Deployment,
  device: Device,
  gpuCount: number,
): string {
  const sets = Object.entries(flags).flatMap(([flag, value]) => ['--set', `${flag}=${String(value)}`]);
  return commandText([
    ...['loadline', 'fit', '--engine', engine],
    ...(engineVersion === undefined ? [] : ['--engine-version', engineVersion]),
    ...['--model', model, '--gpu', device.id, '--gpu-count', String(gpuCount)],
    ...sets,
  ]);
}

function pythonCall({ engine, model, flags }: Deployment): string {
  const isJson = (flag: string) => findEngine(engine)?.canonicalFlag(flag)?.kind === 'json';
  const fields = Object.entries(flags).map(
    ([flag, value]) => `${flag.replaceAll('-', '_')}=${isJson(flag) ? pythonOfJson(value) : python(value)}`,
  );
  return `LLM(${[...(model === undefined ? [] : [`model=${python(model)}`]), ...fields].join(', ')})`;
}

/** What the command line takes as JSON the class takes as a dictionary. */
function pythonOfJson(value: FlagValue): string {
  if (typeof value !== 'string') return python(value);
  try {
    return python(JSON.parse(value));
  } catch {
    return python(value);
  }
}

function python(value: unknown): string {
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value === null) return 'None';
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value ?? {}).map(([key, one]) => `${JSON.stringify(key)}: ${python(one)}`);
    return `{${entries.join(', ')}}`;
  }
  return JSON.stringify(value);
}
