import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { configWords, deepestInclude, includedFiles, includeFolder } from './configText.ts';

/**
 * The host names that an SSH config gives settings for, in order of appearance, each once: `Host` patterns with wildcards
 * and negations are left out, `Include` is followed. A file that cannot be read gives none. (`ssh -G` cannot enumerate.)
 */
export async function listHostAliases(configFile?: string, home = homedir()): Promise<readonly string[]> {
  const aliases = new Set<string>();
  await collectAliases(configFile ?? join(home, '.ssh', 'config'), home, aliases, 0);
  return [...aliases];
}

async function collectAliases(
  file: string,
  home: string,
  aliases: Set<string>,
  depth: number,
): Promise<void> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return;
  }
  for (const line of text.split(/\r?\n/)) {
    const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)\s*[=\s]\s*(.*?)\s*$/.exec(line) ?? [];
    const words = configWords(rest);
    if (keyword.toLowerCase() === 'host')
      for (const word of words) if (!/[*?!]/.test(word)) aliases.add(word);
    if (keyword.toLowerCase() === 'include' && depth < deepestInclude)
      for (const word of words)
        for (const included of await includedFiles(word, includeFolder('user', home), home))
          await collectAliases(included, home, aliases, depth + 1);
  }
}
