/** `docker run --gpus '"device=0,1"' -e A=b vllm/vllm-openai:v0.26.0 --model …`: an image, and the engine's arguments behind it. */
import type { TargetHint } from '../located.ts';
import type { ShellWord } from '../shellWords.ts';
import type { EnvironmentVariable } from './environment.ts';
import { engineOfImage, isProgram, type Launch } from './programs.ts';

export interface ContainerRun {
  /** Left out where the image does not start the engine itself. */
  readonly launch?: Launch;
  readonly engineVersion?: string;
  readonly environment: readonly EnvironmentVariable[];
  readonly hint?: TargetHint;
}

export function containerRun(text: string, words: readonly ShellWord[]): ContainerRun | undefined {
  const program = words.findIndex((word) => isProgram(text, word, /^(?:docker|podman|nerdctl)$/));
  if (program < 0 || words[program + 1]?.value !== 'run') return undefined;
  const at = words.findIndex(
    ({ value }, index) => index > program + 1 && !value.startsWith('-') && engineOfImage(value) !== undefined,
  );
  const image = words[at];
  const engine = image && engineOfImage(image.value);
  if (!image || !engine) return undefined;
  const options = words.slice(program + 2, at);
  const hint = gpusGiven(options);
  // With another entrypoint the words behind the image are its own.
  const replaced = options.some(({ value }) => value.startsWith('--entrypoint'));
  const launch: Launch = {
    engine: engine.engine,
    entrypoint: 'serve',
    head: { start: words[program]?.range.start ?? image.range.start, end: image.range.end },
    before: [],
    arguments: words.slice(at + 1),
    positionalModel: true,
  };
  return {
    ...(engine.startsEngine && !replaced ? { launch } : {}),
    ...(engine.version ? { engineVersion: engine.version } : {}),
    environment: environmentGiven(options),
    ...(hint ? { hint } : {}),
  };
}

function environmentGiven(options: readonly ShellWord[]): EnvironmentVariable[] {
  return options.flatMap((word, index) => {
    const option = /^(?:-e|--env)(?:=|$)/.exec(word.value)?.[0];
    if (option === undefined) return [];
    const given = option.endsWith('=') ? word : options[index + 1];
    const text = option.endsWith('=') ? word.value.slice(option.length) : given?.value;
    const equals = text?.indexOf('=') ?? -1;
    if (!given || text === undefined || equals < 0) return [];
    const name = text.slice(0, equals);
    return [
      given.unknown
        ? { name, range: given.range }
        : { name, value: text.slice(equals + 1), range: given.range },
    ];
  });
}

/** `--gpus 2`, `--gpus '"device=0,1"'`; `all` says no number. */
function gpusGiven(options: readonly ShellWord[]): TargetHint | undefined {
  const index = options.findIndex(({ value }) => /^--gpus(?:=|$)/.test(value));
  const given = options[index]?.value === '--gpus' ? options[index + 1] : options[index];
  if (!given || given.unknown) return undefined;
  const value = given.value.replace(/^--gpus=/, '').replaceAll('"', '');
  const gpuIds = /^device=(.+)$/.exec(value)?.[1]?.split(',');
  const count = gpuIds?.length ?? (/^\d+$/.test(value) ? Number(value) : undefined);
  return count ? { gpuCount: { count, range: given.range }, ...(gpuIds ? { gpuIds } : {}) } : undefined;
}
