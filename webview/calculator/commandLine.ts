import type { Deployment, FlagValue } from '../../src/core/engine/deployment.ts';

/** The deployment as one would type it: for the server, or for Python where it is the offline class. */
export function commandLine({ engine, entrypoint, model, flags }: Deployment): string {
  if (entrypoint === 'llm') {
    const fields = Object.entries(flags).map(
      ([flag, value]) => `${flag.replaceAll('-', '_')}=${python(value)}`,
    );
    return `LLM(${[...(model === undefined ? [] : [`model=${python(model)}`]), ...fields].join(', ')})`;
  }
  const words = Object.entries(flags).flatMap(([flag, value]) => flagWords(flag, value));
  return [engine, 'serve', ...(model === undefined ? [] : [model]), ...words].map(shellWord).join(' ');
}

function flagWords(flag: string, value: FlagValue): string[] {
  if (value === true) return [`--${flag}`];
  if (value === false) return [`--no-${flag}`];
  return [`--${flag}`, ...(Array.isArray(value) ? value.map(String) : [String(value)])];
}

/** For a person to paste into a POSIX shell; nothing of this is run from here. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function python(value: FlagValue): string {
  if (value === true) return 'True';
  if (value === false) return 'False';
  return JSON.stringify(value);
}
