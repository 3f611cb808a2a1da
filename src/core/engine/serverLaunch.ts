import type { FlagValue } from './deployment.ts';

/** How the server of an engine is started by words. What the host adds (port, key) comes from the agent. */
export interface ServerLaunch {
  /** As a plan names it. */
  readonly name: string;
  readonly label: string;
  /** Start of the command line. */
  readonly command: readonly string[];
  /** The same within the engine's own image, whose entry point may be the rest of it. */
  readonly imageCommand: readonly string[];
  modelWords(model: string): readonly string[];
  flagWords(flag: string, value: FlagValue): readonly string[];
  /** A flag as a person writes it (`--tp_size`, `ctx_size`), without dashes in front, as the server has it. */
  flagName(written: string): string;
  /** Flags that Loadline sets itself, beside those that it sets for every engine; with the reason. */
  readonly ownFlags: ReadonlyMap<string, string>;
  /** Flags whose product is the number of GPUs, each by all its names; the first of them is tensor parallel. */
  readonly parallelFlags: readonly (readonly string[])[];
  /** False where its completions route takes text alone. */
  readonly takesTokenIds: boolean;
  /** True where a start by these words was seen with the real engine. */
  readonly verified: boolean;
  /** What the words follow where they were not seen. */
  readonly documentation: string;
}

/** `--flag value`; a switch is there or not. A value that begins with a dash is joined to its flag, so that it is not taken for one. */
export function optionWords(flag: string, value: FlagValue): readonly string[] {
  if (value === true) return [`--${flag}`];
  if (value === false) return [];
  if (Array.isArray(value)) return [`--${flag}`, ...value.map(String)];
  const text = String(value);
  return text.startsWith('-') ? [`--${flag}=${text}`] : [`--${flag}`, text];
}

/** The same for servers whose switches are turned off by `--no-flag`. */
export function negatableWords(flag: string, value: FlagValue): readonly string[] {
  return value === false ? [`--no-${flag}`] : optionWords(flag, value);
}

export function kebab(written: string): string {
  return written.replaceAll('_', '-');
}

export const reasons = {
  address: 'the engine listens on loopback only, and the agent sets that itself',
  port: 'the agent chooses a free port itself',
  key: 'a key here would stand in process lists and logs; where the engine takes one in its environment, the agent makes it',
  model: 'write the model at the top of the plan',
} as const;
