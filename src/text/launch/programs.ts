/** Which words start an inference engine, and which container images do. */
import type { Entrypoint } from '../../core/engine/deployment.ts';
import type { OffsetRange } from '../located.ts';
import type { ShellWord } from '../shellWords.ts';

export interface Launch {
  readonly engine: string;
  readonly entrypoint: Entrypoint;
  /** The engine's own program and its sub-command; empty where a container's image brings them. */
  readonly head: OffsetRange;
  /** What stands before it: variables, launchers. */
  readonly before: readonly ShellWord[];
  readonly arguments: readonly ShellWord[];
  /** `vllm serve` takes the model as its first plain word, the module by `--model` alone. */
  readonly positionalModel: boolean;
  /** `vllm bench` has options of its own beside the engine's. */
  readonly benchmark?: boolean;
  /** The user's own program, of which a comment says the engine: options that the engine's table lacks are its own. */
  readonly ownProgram?: boolean;
}

/** Programs that run the command behind them. Before anything else (`echo vllm serve`) it is only text. */
const launchers = new Set(
  (
    'exec nohup env time command setsid sudo doas numactl taskset nice ionice stdbuf timeout chrt xargs srun mpirun ' +
    'mpiexec torchrun uv uvx poetry pipenv pdm hatch rye conda mamba micromamba docker podman nerdctl singularity ' +
    'apptainer nsys ncu ray kubectl ssh tini dumb-init gosu'
  ).split(' '),
);
const reservedWords = new Set(['if', 'then', 'else', 'elif', 'while', 'until', 'do', '!', '{', 'function']);

const vllmModule = /^vllm\.entrypoints\.(?:openai\.)?api_server$/;
const vllmCommandModule = /^vllm\.entrypoints\.cli\.main$/;
/** Engines that are recognised and not estimated. */
const otherPrograms: readonly {
  readonly engine: string;
  readonly program: RegExp;
  readonly module?: RegExp;
}[] = [
  { engine: 'sglang', program: /^sglang$/, module: /^sglang\.launch_server$/ },
  { engine: 'tgi', program: /^text-generation-launcher$/ },
  { engine: 'trtllm', program: /^trtllm-serve$/ },
  { engine: 'llama.cpp', program: /^llama-server$/ },
];

/** The engine that these words start, or undefined. */
export function findLaunch(text: string, words: readonly ShellWord[]): Launch | undefined {
  for (const index of words.keys()) {
    const found = launchAt(text, words, index);
    if (!found) continue;
    const before = words.slice(0, found.first);
    const first = words[found.first];
    const last = words[found.argumentsAt - 1];
    if (!first || !last || !isLaunched(before)) return undefined;
    const { engine, entrypoint, positionalModel, benchmark } = found;
    return {
      engine,
      entrypoint,
      head: { start: first.range.start, end: last.range.end },
      before,
      arguments: words.slice(found.argumentsAt),
      positionalModel,
      ...(benchmark ? { benchmark } : {}),
    };
  }
  return undefined;
}

interface FoundProgram {
  readonly engine: string;
  readonly entrypoint: Entrypoint;
  readonly positionalModel: boolean;
  readonly benchmark?: boolean;
  readonly first: number;
  readonly argumentsAt: number;
}

function launchAt(text: string, words: readonly ShellWord[], index: number): FoundProgram | undefined {
  const word = words[index];
  const next = words[index + 1];
  if (!word) return undefined;
  const python = (): number => {
    const found = words.findIndex((each) => isProgram(text, each, /^(?:python|pypy)[\d.]*$/));
    return found < 0 || found > index ? index : found;
  };
  if (word.value === '-m' && next) {
    if (vllmModule.test(next.value)) return vllm(python(), index + 2, false);
    if (vllmCommandModule.test(next.value)) return vllmCommand(words, python(), index + 2);
    const other = otherPrograms.find(({ module }) => module?.test(next.value));
    return other && otherEngine(other.engine, python(), index + 2);
  }
  if (next && isProgram(text, word, /^vllm$/)) return vllmCommand(words, index, index + 1);
  const other = otherPrograms.find(({ program }) => isProgram(text, word, program));
  if (other?.engine === 'sglang') {
    return next?.value === 'serve' ? otherEngine(other.engine, index, index + 2) : undefined;
  }
  return other && otherEngine(other.engine, index, index + 1);
}

function vllmCommand(words: readonly ShellWord[], first: number, at: number): FoundProgram | undefined {
  const command = words[at]?.value;
  if (command === 'serve') return vllm(first, at + 1, true);
  const benchmark = words[at + 1]?.value;
  // Both build vLLM's offline class; `bench serve` talks to a server that runs elsewhere.
  if (command !== 'bench' || (benchmark !== 'throughput' && benchmark !== 'latency')) return undefined;
  const asynchronous = words.some(({ value }) => value === '--async-engine');
  return {
    ...vllm(first, at + 2, false),
    entrypoint: asynchronous ? 'serve' : 'llm',
    benchmark: true,
  };
}

function vllm(first: number, argumentsAt: number, positionalModel: boolean): FoundProgram {
  return { engine: 'vllm', entrypoint: 'serve', positionalModel, first, argumentsAt };
}

function otherEngine(engine: string, first: number, argumentsAt: number): FoundProgram {
  return { engine, entrypoint: 'serve', positionalModel: false, first, argumentsAt };
}

/** Compares the last part of a path; `"$VENV"/bin/vllm` counts, since its last part is written out. */
export function isProgram(text: string, word: ShellWord, name: RegExp): boolean {
  const written = word.unknown
    ? text.slice(word.range.start, word.range.end).replace(/["']$/, '')
    : word.value;
  const slash = written.lastIndexOf('/');
  return (!word.unknown || slash >= 0) && name.test(written.slice(slash + 1));
}

export function isLaunched(before: readonly ShellWord[]): boolean {
  const head = before.find(({ value }) => !reservedWords.has(value) && !isAssignment(value));
  return head === undefined || launchers.has(head.value.slice(head.value.lastIndexOf('/') + 1));
}

export function isAssignment(value: string): boolean {
  return /^[A-Za-z_]\w*\+?=/.test(value);
}

export interface EngineImage {
  readonly engine: string;
  /** From the tag: `v0.26.0-cu129` gives `0.26.0`, `latest` and `nightly` themselves. */
  readonly version?: string;
  /** Whether the image starts the engine itself, so that a container's arguments are the engine's. */
  readonly startsEngine: boolean;
}

/** What an image runs, by its name; undefined where it is none that we know. */
export function engineOfImage(image: string): EngineImage | undefined {
  const [, name = '', tag = ''] = /^([^@]*?)(?::([\w][\w.-]*))?(?:@.*)?$/.exec(image.trim()) ?? [];
  const numbered = /^v?(\d+\.\d+(?:\.\d+)?(?:\.post\d+)?)(?![\d.]*\d)/.exec(tag)?.[1];
  const version = numbered ?? /^(?:latest|nightly)(?![\w.])/.exec(tag)?.[0];
  if (/(?:^|\/)(?:[\w.-]*-)?vllm(?:[-_][\w.-]*)?$/i.test(name)) {
    const startsEngine = /vllm-openai|vllm\/vllm/i.test(name);
    // Only vLLM's own images count their tags as vLLM does.
    const official = /(?:^|\/)vllm\/vllm-/i.test(name) || /(?:^|\/)vllm-openai(?:[-_]|$)/i.test(name);
    return { engine: 'vllm', startsEngine, ...(official && version ? { version } : {}) };
  }
  const other = otherImages.find(([, pattern]) => pattern.test(name));
  return other && { engine: other[0], startsEngine: other[0] === 'tgi' || other[0] === 'llama.cpp' };
}

const otherImages: readonly (readonly [string, RegExp])[] = [
  ['sglang', /(?:^|\/)sglang(?:[-_][\w.-]*)?$/i],
  ['tgi', /(?:^|\/)text-generation-inference$/i],
  ['trtllm', /tensorrt-?llm|(?:^|\/)trtllm/i],
  ['llama.cpp', /(?:^|\/)llama\.cpp$/i],
];
