import { readFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { configWords, deepestInclude, includedFiles, includeFolder } from './configText.ts';
import type { Destination } from './destination.ts';
import { RemoteError } from './host.ts';
import { matchesPatterns } from './knownHosts.ts';

/** Each occurrence counts; of all others the first one does. */
const repeated: ReadonlySet<string> = new Set(['identityfile', 'certificatefile']);
/** The rest of the line is for a shell. */
const commands: ReadonlySet<string> = new Set(['proxycommand', 'localcommand', 'remotecommand']);
/** Whichever comes first shuts the other out. */
const exclusive: Readonly<Record<string, string>> = {
  proxyjump: 'proxycommand',
  proxycommand: 'proxyjump',
};

/**
 * The settings of a host as `ssh -G` prints them, by our own reading of the config: for machines without an ssh binary.
 * Host, Match (by host, originalhost, user and localuser) and Include as OpenSSH reads them. Nothing is run: a `Match exec`
 * does not match, nor does what a second pass of OpenSSH would add (`final`, `canonical`). RemoteError `config` where the
 * file asked for cannot be read.
 */
export async function evaluateConfigFiles(
  destination: Destination,
  environment: NodeJS.ProcessEnv,
  configFile?: string,
): Promise<string> {
  const home = environment['HOME'] ?? homedir();
  const reader = new ConfigReader(destination, environment, home);
  if (configFile === undefined) {
    await reader.read(join(home, '.ssh', 'config'), 'user');
    await reader.read('/etc/ssh/ssh_config', 'system');
  } else if (!(await reader.read(configFile, 'user')))
    throw new RemoteError('config', destination.host, `Cannot read the SSH config ${configFile}.`);
  return reader.text();
}

class ConfigReader {
  readonly #settings = new Map<string, string[]>();
  readonly #destination: Destination;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #home: string;

  constructor(destination: Destination, environment: NodeJS.ProcessEnv, home: string) {
    this.#destination = destination;
    this.#environment = environment;
    this.#home = home;
    if (destination.user !== null) this.#settings.set('user', [destination.user]);
    if (destination.port !== null) this.#settings.set('port', [String(destination.port)]);
  }

  /** False where there is no such file. */
  async read(file: string, of: 'user' | 'system', isActive = true, depth = 0): Promise<boolean> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch {
      return false;
    }
    let applies = isActive;
    for (const line of text.split(/\r?\n/)) {
      const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
      const key = keyword.toLowerCase();
      if (key === '') continue;
      const words = configWords(rest);
      if (key === 'host') applies = isActive && matchesPatterns(words.join(','), this.#destination.host);
      else if (key === 'match') applies = isActive && this.#matches(words);
      else if (key === 'include') {
        if (depth >= deepestInclude) continue;
        for (const word of words)
          for (const included of await includedFiles(word, includeFolder(of, this.#home), this.#home))
            await this.read(included, of, applies, depth + 1);
      } else if (applies) this.#set(key, commands.has(key) ? rest : words.join(' '));
    }
    return true;
  }

  text(): string {
    const hostname = this.#hostname();
    const lines = [...this.#settings].flatMap(([key, values]) => values.map((value) => `${key} ${value}`));
    return [`hostname ${hostname}`, ...lines.filter((line) => !line.startsWith('hostname '))].join('\n');
  }

  #set(key: string, value: string): void {
    const present = this.#settings.get(key);
    if (repeated.has(key)) this.#settings.set(key, [...(present ?? []), value]);
    else if (present === undefined && !this.#settings.has(exclusive[key] ?? ''))
      this.#settings.set(key, [value]);
  }

  #hostname(): string {
    const written = this.#settings.get('hostname')?.[0];
    const { host } = this.#destination;
    return written?.replace(/%([h%])/g, (_all, token) => (token === 'h' ? host : '%')) ?? host;
  }

  #matches(words: readonly string[]): boolean {
    const rest = [...words];
    for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
      const isNegated = word.startsWith('!');
      const criterion = word.replace(/^!/, '').toLowerCase();
      const holds = criterion === 'all' || this.#holds(criterion, rest.shift());
      if (holds === undefined || holds === isNegated) return false;
    }
    return words.length > 0;
  }

  /** undefined: not known without running something. */
  #holds(criterion: string, patterns: string | undefined): boolean | undefined {
    const values: Readonly<Record<string, string>> = {
      host: this.#hostname(),
      originalhost: this.#destination.host,
      user: this.#settings.get('user')?.[0] ?? userInfo().username,
      localuser: this.#environment['USER'] ?? userInfo().username,
    };
    const value = values[criterion];
    return value === undefined || patterns === undefined ? undefined : matchesPatterns(patterns, value);
  }
}
