/** `vllm serve …` and `python -m vllm.entrypoints.openai.api_server …` in shell scripts. */
import { type Engine, findEngine } from '../../core/engine/engine.ts';
import { findDirectives } from '../directives.ts';
import type { DocumentDeployments, LocatedDeployment, OffsetRange, UnresolvedPart } from '../located.ts';
import { type ShellCommand, type ShellWord, splitCommands } from '../shellWords.ts';
import { readFlagName, type WrittenFlag } from '../writtenFlags.ts';
import { assembleDeployment, directiveProblems, type FoundDeployment } from './assemble.ts';
import { type DocumentSource, extensionOf } from './source.ts';

const shellExtensions = ['sh', 'bash', 'zsh', 'ksh'];
const launchInText = /\bvllm["']?(?:[ \t]|\\\r?\n)+serve\b|\bvllm\.entrypoints\.(?:openai\.)?api_server\b/;
const apiServerModule = /^vllm\.entrypoints\.(?:openai\.)?api_server$/;

/** Programs that run the command behind them. Before anything else (`echo vllm serve`) it is only text. */
const launchers = new Set(
  (
    'exec nohup env time command setsid sudo doas numactl taskset nice ionice stdbuf timeout chrt xargs srun mpirun ' +
    'mpiexec torchrun uv uvx poetry pipenv pdm hatch rye conda mamba micromamba docker podman nerdctl singularity ' +
    'apptainer nsys ncu ray kubectl ssh tini dumb-init gosu'
  ).split(' '),
);
const reservedWords = new Set(['if', 'then', 'else', 'elif', 'while', 'until', 'do', '!', '{', 'function']);

export const shellScript: DocumentSource = {
  name: 'shell-script',
  recognises({ path, languageId }, head) {
    const shell =
      languageId === 'shellscript' ||
      shellExtensions.includes(extensionOf(path)) ||
      /^#!.*\b(?:ba|da|k|z)?sh\b/.test(head);
    return shell && launchInText.test(head);
  },
  read: readShellScript,
};

function readShellScript(text: string): DocumentDeployments {
  const engine = findEngine('vllm');
  if (!engine) return { deployments: [], problems: [] };
  const directives = findDirectives(text);
  const deployments: LocatedDeployment[] = [];
  for (const command of splitCommands(text)) {
    const launch = findLaunch(text, command);
    if (!launch) continue;
    const found = readLaunch(text, engine, launch);
    deployments.push(assembleDeployment(text, engine, directives, found));
  }
  return { deployments, problems: directiveProblems(directives) };
}

interface Launch {
  /** The engine's own program and its sub-command. */
  readonly head: OffsetRange;
  readonly arguments: readonly ShellWord[];
  /** `vllm serve` takes the model as its first plain word, the module by `--model` alone. */
  readonly positionalModel: boolean;
}

function findLaunch(text: string, { words }: ShellCommand): Launch | undefined {
  for (const [index, word] of words.entries()) {
    const next = words[index + 1];
    if (!next) return undefined;
    const serve = next.value === 'serve' && isProgram(text, word, /^vllm$/);
    const module = word.value === '-m' && apiServerModule.test(next.value);
    if (!serve && !module) continue;
    const start = serve ? index : words.findIndex((each) => isProgram(text, each, /^(?:python|pypy)[\d.]*$/));
    const first = words[start < 0 || start > index ? index : start];
    if (!first || !isLaunched(words.slice(0, words.indexOf(first)))) return undefined;
    return {
      head: { start: first.range.start, end: next.range.end },
      arguments: words.slice(index + 2),
      positionalModel: serve,
    };
  }
  return undefined;
}

/** Compares the last part of a path; `"$VENV"/bin/vllm` counts, since its last part is written out. */
function isProgram(text: string, word: ShellWord, name: RegExp): boolean {
  const written = word.unknown
    ? text.slice(word.range.start, word.range.end).replace(/["']$/, '')
    : word.value;
  const slash = written.lastIndexOf('/');
  return (!word.unknown || slash >= 0) && name.test(written.slice(slash + 1));
}

function isLaunched(before: readonly ShellWord[]): boolean {
  const head = before.find(({ value }) => !reservedWords.has(value) && !/^[A-Za-z_]\w*\+?=/.test(value));
  return head === undefined || launchers.has(head.value.slice(head.value.lastIndexOf('/') + 1));
}

function readLaunch(text: string, engine: Engine, launch: Launch): FoundDeployment {
  const reader = new ArgumentReader(text, engine, launch);
  reader.readAll();
  const last = launch.arguments.at(-1)?.range.end ?? launch.head.end;
  return {
    entrypoint: 'serve',
    range: { start: launch.head.start, end: last },
    ...(reader.model ? { model: reader.model } : {}),
    written: reader.written,
    insertion: { offset: last, style: 'shell', indent: continuationIndent(text, launch.head.start, last) },
    unresolved: reader.unresolved,
  };
}

/** Indent of the command's last line where it runs over several, else none: a new flag then stands on the same line. */
function continuationIndent(text: string, start: number, end: number): string {
  const lineStart = text.lastIndexOf('\n', end - 1) + 1;
  return lineStart <= start ? '' : (/^[ \t]*/.exec(text.slice(lineStart, end))?.[0] ?? '');
}

/** Walks the arguments as argparse would, with the engine's table to say which flags take values. */
class ArgumentReader {
  readonly #text: string;
  readonly #engine: Engine;
  readonly #words: readonly ShellWord[];
  readonly #positionalModel: boolean;
  #next = 0;
  model: FoundDeployment['model'];
  readonly written: WrittenFlag[] = [];
  readonly unresolved: UnresolvedPart[] = [];

  constructor(text: string, engine: Engine, launch: Launch) {
    this.#text = text;
    this.#engine = engine;
    this.#words = launch.arguments;
    this.#positionalModel = launch.positionalModel;
  }

  readAll(): void {
    for (let word = this.#take(); word; word = this.#take()) {
      if (isFlag(word)) this.#flag(word);
      else if (word.unknown) this.#expansion(word);
      else if (this.#positionalModel && !this.model) this.model = { range: word.range, value: word.value };
    }
  }

  #take(): ShellWord | undefined {
    const word = this.#words[this.#next];
    this.#next += 1;
    return word;
  }

  /** `$MODEL` stands for the model; `"$@"` and `$EXTRA` for any number of arguments. */
  #expansion(word: ShellWord): void {
    const text = this.#source(word.range);
    if (this.#positionalModel && !this.model && !/[@*]|ARG|OPT|FLAG|EXTRA/i.test(text)) {
      this.model = { range: word.range };
    } else this.unresolved.push({ text, range: word.range, why: 'expanded-later' });
  }

  #flag(word: ShellWord): void {
    const equals = word.value.indexOf('=');
    const optimization = /^-O(?!=)(?=.)/.test(word.value);
    const nameLength = equals >= 0 ? equals : optimization ? 2 : word.value.length;
    const name = word.value.slice(0, nameLength);
    const key = { start: word.range.start, end: word.offsets[nameLength] ?? word.range.end };
    if (nameLength < word.value.length) {
      const valueAt = equals >= 0 ? equals + 1 : nameLength;
      const start = equals >= 0 ? (word.offsets[equals] ?? key.end) + 1 : key.end;
      const valueRange = { start, end: word.range.end };
      this.#add(name, key, valueRange, [word.value.slice(valueAt)], word.unknown);
      return;
    }
    const values = this.#valuesOf(name);
    const first = values[0];
    const last = values.at(-1);
    const valueRange = first && last ? { start: first.range.start, end: last.range.end } : undefined;
    this.#add(
      name,
      key,
      valueRange,
      values.map(({ value }) => value),
      values.some(({ unknown }) => unknown),
    );
  }

  #add(
    name: string,
    key: OffsetRange,
    valueRange: OffsetRange | undefined,
    values: readonly string[],
    expandedLater: boolean,
  ): void {
    const bare = name.replace(/^-+/, '');
    if (bare === 'model' && valueRange) {
      const [value] = values;
      this.model = { range: valueRange, ...(expandedLater || value === undefined ? {} : { value }) };
    } else if (bare === 'config') {
      const range = valueRange ?? key;
      this.unresolved.push({ text: this.#source(range), range, why: 'other-file' });
    } else {
      this.written.push({ name, key, ...(valueRange ? { valueRange } : {}), values, expandedLater });
    }
  }

  /**
   * The words that belong to a flag without `=`. A number is one word. Text and JSON may be several (`nargs='+'`), and a
   * word behind a switch is a mistake to report; but while the model is still missing the next plain word may be it.
   */
  #valuesOf(name: string): ShellWord[] {
    const definition = readFlagName(this.#engine, name).definition;
    const modelMayFollow = this.#positionalModel && !this.model;
    const single = definition?.kind === 'integer' || definition?.kind === 'number';
    if (definition?.kind === 'switch' && modelMayFollow) return [];
    const values: ShellWord[] = [];
    for (;;) {
      const word = this.#words[this.#next];
      if (!word || isFlag(word)) return values;
      // A whole expansion behind a switch or behind a complete value stands for further arguments.
      if (word.unknown && (definition?.kind === 'switch' || values.length > 0)) return values;
      values.push(word);
      this.#next += 1;
      if (single || modelMayFollow || definition?.kind === 'switch') return values;
    }
  }

  #source(range: OffsetRange): string {
    return this.#text.slice(range.start, range.end);
  }
}

/** argparse takes `-1` for a number, not for a flag. A flag whose very name holds an expansion cannot be read as one. */
function isFlag(word: ShellWord): boolean {
  return /^--?[A-Za-z]/.test(word.value) && (!word.unknown || word.value.includes('='));
}
