import type { Deployment, FlagValue } from './deployment.ts';

/**
 * The words that start an engine, for the agent to run without a shell. `command` is what the user starts it by.
 * A value that begins with a dash is joined to its flag, so that it is not taken for one. A model or an item of a list cannot be:
 * whoever runs the words has refused such ones (a plan's are, in planSchema.ts).
 */
export function engineArguments(
  { model, flags }: Deployment,
  command: readonly string[] = ['vllm', 'serve'],
): readonly string[] {
  const words = Object.entries(flags).flatMap(([flag, value]) => flagWords(flag, value));
  return [...command, ...(model === undefined ? [] : [model]), ...words];
}

/** A command line to read, or to paste into a POSIX shell: quoted only where it must be. What is run goes through src/remote/quote.ts. */
export function commandText(argv: readonly string[]): string {
  return argv.map(shellWord).join(' ');
}

/** A word as one would type it into a POSIX shell: bare where that is safe, else in single quotes. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function flagWords(flag: string, value: FlagValue): readonly string[] {
  if (value === true) return [`--${flag}`];
  if (value === false) return [`--no-${flag}`];
  if (Array.isArray(value)) return [`--${flag}`, ...value.map(String)];
  const text = String(value);
  return text.startsWith('-') ? [`--${flag}=${text}`] : [`--${flag}`, text];
}
