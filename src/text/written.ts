/** Values as each place takes them, so that they are read again as the very same. */
import { shellWord } from '../core/engine/commandLine.ts';
import type { LocatedDeployment, Writing } from './located.ts';

export type FlagTo = string | number | boolean;

/** Underscores where the document's other keys have them. */
export function pairKey(
  text: string,
  deployment: LocatedDeployment,
  { style }: Writing,
  flag: string,
): string {
  // JSON's keys are arguments of a Python class.
  const key = style === 'json' || underscores(text, deployment) > 0 ? flag.replaceAll('-', '_') : flag;
  return style === 'json' ? JSON.stringify(key) : key;
}

/** An option of the user's own program: where nothing tells, as Python's own names are. */
export function ownOption(text: string, deployment: LocatedDeployment, flag: string): string {
  return underscores(text, deployment) < 0 ? flag : flag.replaceAll('-', '_');
}

/** How many more of the document's keys have underscores than have dashes. */
function underscores(text: string, { flags }: LocatedDeployment): number {
  const keys = Object.values(flags).map(({ key }) => text.slice(key.start, key.end).replace(/^-+/, ''));
  const count = (pattern: RegExp) => keys.filter((key) => pattern.test(key)).length;
  return count(/_/) - count(/-/);
}

export function pairValue({ style }: Writing, to: FlagTo): string {
  if (typeof to !== 'string') return String(to);
  return style === 'json' ? JSON.stringify(to) : yamlString(to);
}

/** Plain where every YAML reader takes it for this very string, else quoted; JSON's quotes are YAML's. */
function yamlString(value: string): string {
  const plain = /^[A-Za-z/][\w./@-]*$/.test(value);
  const special = /^(?:y|yes|n|no|true|false|on|off|null|nan|inf)$/i.test(value);
  return plain && !special ? value : JSON.stringify(value);
}

/** An item of a list of arguments with its quotes. Numbers are quoted: Kubernetes takes strings alone. */
export function itemText(writing: Writing, value: string): string {
  const escaped = escapeVariables(writing, value);
  if (writing.quoting === 'double') return JSON.stringify(escaped);
  if (writing.quoting === 'single' && !/[\r\n]/.test(escaped)) return `'${escaped.replaceAll("'", "''")}'`;
  return isPlainItem(escaped) ? escaped : JSON.stringify(escaped);
}

/** Text inside an item's quotes; undefined where it must have other quotes. */
export function textWithin(writing: Writing, value: string): string | undefined {
  const escaped = escapeVariables(writing, value);
  if (writing.quoting === 'double') return JSON.stringify(escaped).slice(1, -1);
  if (/[\r\n]/.test(escaped)) return undefined;
  if (writing.quoting === 'single') return escaped.replaceAll("'", "''");
  return /^[\w./@+-]*$/.test(escaped) ? escaped : undefined;
}

function isPlainItem(value: string): boolean {
  return /^--?[A-Za-z][\w.-]*(?:=[\w./@+-]+)?$/.test(value) || yamlString(value) === value;
}

/** A word of a shell command, written into whatever the command stands in. */
export function inShell(writing: Writing, value: string): string {
  if (writing.quoting === 'plain') return escapeVariables(writing, plainShellWord(value));
  const word = escapeVariables(writing, shellWord(value));
  if (writing.quoting === 'double') return JSON.stringify(word).slice(1, -1);
  return writing.quoting === 'single' ? word.replaceAll("'", "''") : word;
}

/** YAML ends a plain scalar at `: ` and ` #`: neither comes out of this. */
function plainShellWord(value: string): string {
  if (value === '') return "''";
  return [...value]
    .map((character) => {
      if (character === ':') return "':'";
      return /[\w@%+=./-]/.test(character) ? character : `\\${character}`;
    })
    .join('');
}

function escapeVariables({ interpolated }: Writing, value: string): string {
  if (interpolated === 'compose') return value.replaceAll('$', '$$$$');
  return interpolated === 'kubernetes' ? value.replaceAll('$(', '$$$$(') : value;
}
