import { type ParseArgsConfig, parseArgs } from 'node:util';
import { closest } from '../core/closest.ts';
import { BadInput } from './badInput.ts';

type OptionKinds = Readonly<
  Record<
    string,
    { readonly type: 'string' | 'boolean'; readonly multiple?: boolean; readonly short?: string }
  >
>;

export interface ParsedOptions {
  readonly files: readonly string[];
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  isSet(name: string): boolean;
  /** A whole number of at least `least`. */
  whole(name: string, least: number): number | undefined;
  /** A number above 0, written in decimals. */
  positive(name: string): number | undefined;
}

/** Options of a command. Throws BadInput for one that it does not have, with the nearest that it has. */
export function parseOptions(command: string, argv: readonly string[], kinds: OptionKinds): ParsedOptions {
  const config: ParseArgsConfig = {
    args: [...argv],
    options: { ...kinds, json: { type: 'boolean' } },
    allowPositionals: true,
    strict: true,
  };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs(config);
  } catch (error) {
    throw new BadInput(unusable(command, error, [...Object.keys(kinds), 'json']));
  }
  const { values, positionals } = parsed;
  for (const [name, value] of Object.entries(values)) {
    if ([value].flat().includes('')) throw new BadInput(`--${name}: its value is empty.`);
  }
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined);
  return {
    files: positionals,
    text,
    texts: (name) => (Array.isArray(values[name]) ? values[name].map(String) : []),
    isSet: (name) => values[name] === true,
    whole: (name, least) => {
      const given = text(name);
      if (given === undefined) return undefined;
      const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
      if (Number.isSafeInteger(value) && value >= least) return value;
      throw new BadInput(`--${name}: a whole number of at least ${least}, not "${given}".`);
    },
    positive: (name) => {
      const given = text(name);
      if (given === undefined) return undefined;
      const value = /^\d+(\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
      if (value > 0 && value <= Number.MAX_SAFE_INTEGER) return value;
      throw new BadInput(`--${name}: a number above 0, not "${given}".`);
    },
  };
}

function unusable(command: string, error: unknown, known: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, empty] =
    /^Option '(?:-\w, )?--([\w-]+)[^']*' argument (?:missing|is ambiguous)/.exec(message) ?? [];
  if (empty !== undefined)
    return `loadline ${command}: --${empty} takes a value. One that begins with a dash is written --${empty}=-….`;
  const [, unknown] = /Unknown option '--?([^']+)'/.exec(message) ?? [];
  if (unknown === undefined) return `loadline ${command}: ${message}`;
  const near = closest(unknown, known) ?? known.find((name) => name.startsWith(`${unknown}-`));
  const hint = near === undefined ? `\`loadline help ${command}\` lists them.` : `Did you mean --${near}?`;
  return `loadline ${command}: there is no option --${unknown}. ${hint}`;
}
