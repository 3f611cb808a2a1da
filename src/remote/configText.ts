/** What is the same wherever an SSH config is read by us: words of a line, and the files that an Include names. */

import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

/** OpenSSH's own limit. */
export const deepestInclude = 16;

/** Blank-separated, quoted where they hold blanks; a word that begins with `#` begins a comment. */
export function configWords(text: string): readonly string[] {
  const words: string[] = [];
  for (const [, quoted, plain, comment] of text.matchAll(/"([^"]*)"|([^\s"#][^\s"]*)|(#.*)/g)) {
    if (comment !== undefined) break;
    const word = quoted ?? plain ?? '';
    if (word !== '') words.push(word);
  }
  return words;
}

/**
 * Where a relative name of an Include stands: in ~/.ssh, whatever file of the user's names it (one given by `-F` too), and
 * beside the system's own config (OpenSSH's ssh_config(5)).
 */
export function includeFolder(of: 'user' | 'system', home: string): string {
  return of === 'system' ? '/etc/ssh' : join(home, '.ssh');
}

/** `~` and wildcards; a relative name stands in `folder`. Sorted, as glob(7) does. */
export async function includedFiles(
  pattern: string,
  folder: string,
  home: string,
): Promise<readonly string[]> {
  const expanded = pattern.startsWith('~/') ? join(home, pattern.slice(2)) : pattern;
  const path = isAbsolute(expanded) ? expanded : join(folder, expanded);
  let found = [''];
  for (const part of path.split('/')) {
    if (!/[*?]/.test(part)) {
      found = found.map((folder) => (folder === '' && part === '' ? '' : `${folder}/${part}`));
      continue;
    }
    const matches = globPart(part);
    const next: string[] = [];
    for (const folder of found)
      for (const name of await names(folder === '' ? '/' : folder))
        if (matches.test(name)) next.push(`${folder}/${name}`);
    found = next;
  }
  return found;
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return [];
  }
}

function globPart(part: string): RegExp {
  const source = part
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${part.startsWith('.') ? '' : '(?!\\.)'}${source}$`);
}
