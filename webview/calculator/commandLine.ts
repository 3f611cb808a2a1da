import { commandText, engineArguments } from '../../src/core/engine/commandLine.ts';
import type { Deployment, FlagValue } from '../../src/core/engine/deployment.ts';

/** The deployment as one would type it: for the server, or for Python where it is the offline class. */
export function commandLine(deployment: Deployment): string {
  const { engine, entrypoint, model, flags } = deployment;
  if (entrypoint === 'llm') {
    const fields = Object.entries(flags).map(
      ([flag, value]) => `${flag.replaceAll('-', '_')}=${python(value)}`,
    );
    return `LLM(${[...(model === undefined ? [] : [`model=${python(model)}`]), ...fields].join(', ')})`;
  }
  return commandText(engineArguments(deployment, [engine, 'serve']));
}

function python(value: FlagValue): string {
  if (value === true) return 'True';
  if (value === false) return 'False';
  return JSON.stringify(value);
}
