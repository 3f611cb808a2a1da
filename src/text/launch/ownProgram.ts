/** Programs of the user's own that a comment calls a batch engine: `python generate.py …`, `accelerate launch …`, `deepspeed …`. */
import { findEngine } from '../../core/engine/engines.ts';
import type { NamedEngine } from '../directives.ts';
import type { ShellWord } from '../shellWords.ts';
import { isLaunched, isProgram, type Launch } from './programs.ts';

const starters = /^(?:python|pypy)[\d.]*$|^(?:accelerate|deepspeed|torchrun)$/;
/** Modules that set a program up, or test it. */
const otherModules = /^(?:pip|venv|virtualenv|ensurepip|build|pytest|unittest|http\.server)(?:\.|$)/;

/** Whether an engine is started by programs of the user's own: it has no server, so no program's name tells. */
export function hasNoProgram({ name }: NamedEngine): boolean {
  return findEngine(name)?.isServer === false;
}

/** Whether a comment names such an engine. A search for words, no parse. */
export function namesOwnProgram(text: string): boolean {
  if (!text.includes('loadline:')) return false;
  return [...text.matchAll(/#[ \t]*loadline:[^\r\n]*?\bengine=["']?([\w.-]+)/g)].some(([, name = '']) =>
    hasNoProgram({ name }),
  );
}

/** The Python program that these words start, as a launch of that engine; undefined where they start none. */
export function ownLaunch(
  text: string,
  words: readonly ShellWord[],
  { name }: NamedEngine,
): Launch | undefined {
  const starter = words.findIndex((word) => isProgram(text, word, starters));
  const at = programAt(text, words, starter);
  const program = words[at];
  const first = words[starter >= 0 && starter < at ? starter : at];
  if (!program || !first) return undefined;
  const before = words.slice(0, words.indexOf(first));
  if (!isLaunched(before)) return undefined;
  return {
    engine: name,
    entrypoint: 'llm',
    head: { start: first.range.start, end: program.range.end },
    before,
    arguments: words.slice(at + 1),
    positionalModel: false,
    ownProgram: true,
  };
}

/** Index of the script, or of the module behind `-m`. */
function programAt(text: string, words: readonly ShellWord[], starter: number): number {
  const script = words.findIndex(({ range }) => /\.py["']?$/.test(text.slice(range.start, range.end)));
  if (script >= 0 || starter < 0) return script;
  const module =
    words.findIndex(({ value }, index) => index > starter && /^(?:-m|--module)$/.test(value)) + 1;
  const name = words[module]?.value;
  return module === 0 || name === undefined || otherModules.test(name) ? -1 : module;
}

/** `deepspeed --num_gpus 4`: each layer is split over them. Its option and the number behind it. */
export function deepspeedGpus(
  text: string,
  words: readonly ShellWord[],
  { head }: Launch,
): { readonly key: ShellWord; readonly value: ShellWord } | undefined {
  const inside = words.filter(({ range }) => range.start >= head.start && range.end <= head.end);
  if (!inside[0] || !isProgram(text, inside[0], /^deepspeed$/)) return undefined;
  const at = inside.findIndex(({ value }) => /^--num[-_]gpus$/.test(value));
  const [key, value] = [inside[at], inside[at + 1]];
  return key && value && /^\d+$/.test(value.value) ? { key, value } : undefined;
}
