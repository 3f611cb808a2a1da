import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** OpenSSH's own limit. */
const deepestInclude = 16;

/**
 * The host names that an SSH config gives settings for, in order of appearance, each once: `Host` patterns with wildcards
 * and negations are left out, `Include` is followed. A file that cannot be read gives none. (`ssh -G` cannot enumerate.)
 */
export async function listHostAliases(
  configFile = join(homedir(), '.ssh', 'config'),
): Promise<readonly string[]> {
  const aliases = new Set<string>();
  await collectAliases(configFile, aliases, 0);
  return [...aliases];
}

async function collectAliases(file: string, aliases: Set<string>, depth: number): Promise<void> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return;
  }
  for (const line of text.split(/\r?\n/)) {
    const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)\s*[=\s]\s*(.*?)\s*$/.exec(line) ?? [];
    const words = [...rest.matchAll(/"([^"]*)"|([^\s"#]+)|(#.*)/g)]
      .map(([, quoted, plain]) => quoted ?? plain)
      .filter((word) => word !== undefined && word !== '');
    if (keyword.toLowerCase() === 'host')
      for (const word of words) if (word !== undefined && !/[*?!]/.test(word)) aliases.add(word);
    if (keyword.toLowerCase() === 'include' && depth < deepestInclude)
      for (const word of words)
        for (const included of await includedFiles(word ?? '', file))
          await collectAliases(included, aliases, depth + 1);
  }
}

/** Relative names stand beside the config that was given, as they do beside ~/.ssh/config. Sorted, as glob(7) does. */
async function includedFiles(pattern: string, from: string): Promise<readonly string[]> {
  const expanded = pattern.startsWith('~/') ? join(homedir(), pattern.slice(2)) : pattern;
  const path = isAbsolute(expanded) ? expanded : join(dirname(from), expanded);
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
