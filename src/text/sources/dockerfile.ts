/** Dockerfiles: what CMD and ENTRYPOINT start, in exec and in shell form, on the image that FROM names. */

import { findDirectives } from '../directives.ts';
import { type EmbeddedText, embed, embeddedCommands } from '../embeddedText.ts';
import { jsonWords } from '../jsonWords.ts';
import { startsEngine } from '../launch/mention.ts';
import { engineOfImage, findLaunch, isProgram, type Launch } from '../launch/programs.ts';
import type { DocumentDeployments, LocatedDeployment, Writing } from '../located.ts';
import type { ShellWord } from '../shellWords.ts';
import { assembleDeployment, directiveProblems, type FoundDeployment } from './assemble.ts';
import { itemInsertion } from './container.ts';
import { type Instruction, readStages, type Stage } from './dockerfileStages.ts';
import { commandInsertion, lineStartAt, readLaunch } from './launchText.ts';
import { type DocumentSource, extensionOf, fileNameOf } from './source.ts';

export const dockerfile: DocumentSource = {
  name: 'dockerfile',
  recognises({ path, languageId }, text) {
    const name = fileNameOf(path);
    const named =
      /^(?:dockerfile|containerfile)(?:\.|$)/.test(name) ||
      ['dockerfile', 'containerfile'].includes(extensionOf(path));
    return (languageId === 'dockerfile' || named) && startsEngine(text);
  },
  read: readDockerfile,
};

function readDockerfile(text: string): DocumentDeployments {
  const directives = findDirectives(text);
  const deployments: LocatedDeployment[] = [];
  for (const stage of readStages(text)) {
    const found = readStage(text, stage);
    if (found) deployments.push(assembleDeployment(text, directives, found));
  }
  return { deployments, problems: directiveProblems(directives) };
}

interface Command {
  readonly instruction: Instruction;
  readonly words: readonly ShellWord[];
  readonly writing: Writing;
  /** Where a script is run, its other commands. */
  readonly script?: EmbeddedText;
}

function readStage(text: string, stage: Stage): FoundDeployment | undefined {
  const program = stage.entrypoint && commandOf(text, stage.entrypoint);
  const given = stage.command && commandOf(text, stage.command);
  const image = engineOfImage(stage.image);
  const last = given ?? program;
  if (!last) return undefined;
  // A program in shell form takes no arguments from CMD.
  const words = program?.script
    ? []
    : [...(program?.words ?? []), ...(given?.script ? [] : (given?.words ?? []))];
  const implied: Launch | undefined =
    image?.startsEngine && !program && given && !given.script
      ? {
          engine: image.engine,
          entrypoint: 'serve',
          head: { start: given.instruction.start, end: given.instruction.start },
          before: [],
          arguments: given.words,
          positionalModel: true,
        }
      : undefined;
  const list = findLaunch(text, words) ?? (looksLikeArguments(given) ? implied : undefined);
  const scripted = list ? undefined : inScript(text, program?.script ? program : last, words);
  const launch = list ?? scripted?.launch;
  if (!launch) return undefined;
  const writing = scripted?.writing ?? last.writing;
  const insertion = scripted
    ? commandInsertion(text, launch, writing)
    : itemInsertion(text, last.words, writing);
  const read = readLaunch(text, launch, writing);
  const start = (program ?? last).instruction.start;
  // What a RUN installs stands over what the image came with.
  const installed = launch.engine === 'vllm' ? stage.installedVllm : undefined;
  const engineVersion = installed ?? (image?.engine === launch.engine ? image?.version : undefined);
  return {
    ...read,
    range: { start, end: Math.max(last.instruction.end, start) },
    commentAt: lineStartAt(text, start),
    ...(insertion ? { insertion } : {}),
    environment: [...stage.environment, ...(read.environment ?? [])],
    ...(engineVersion ? { engineVersion } : {}),
  };
}

/** `CMD ["bash"]` on an engine's image starts no engine. */
function looksLikeArguments(given: Command | undefined): boolean {
  const first = given?.words[0];
  return first !== undefined && (first.value.startsWith('-') || first.value.includes('/'));
}

function inScript(
  text: string,
  command: Command,
  words: readonly ShellWord[],
): { readonly launch: Launch; readonly writing: Writing } | undefined {
  const shell = words.findIndex((word) => isProgram(text, word, /^(?:ba|da|k|z|a)?sh$/));
  const option = words.findIndex(({ value }, index) => index > shell && /^-[a-z]*c$/.test(value));
  const nested = shell >= 0 && option >= 0 ? words[option + 1] : undefined;
  const script: EmbeddedText | undefined =
    command.script ??
    (nested?.item && { value: nested.value, starts: nested.offsets, ends: nested.item.ends });
  if (!script) return undefined;
  const writing: Writing = { style: 'shell', quoting: command.script ? 'none' : 'double' };
  for (const { words: each } of embeddedCommands(script)) {
    const launch = findLaunch(text, each);
    if (launch) return { launch, writing };
  }
  return undefined;
}

function commandOf(text: string, instruction: Instruction): Command {
  const { start, end } = instruction.arguments;
  if (text.charAt(start) === '[') {
    const words = jsonWords(text, start, end);
    if (words) return { instruction, words, writing: { style: 'items', quoting: 'double' } };
  }
  const written = embed(text, start, end);
  // Comment lines inside a continued instruction are none of the command.
  const value = written.value.replace(/^[ \t]*#[^\n]*(?:\n|$)/gm, (line) =>
    line.replace(/[^\r\n]/g, ' ').replace(/\r?\n$/, (newline) => ' '.repeat(newline.length)),
  );
  return {
    instruction,
    words: [],
    writing: { style: 'shell', quoting: 'none' },
    script: { ...written, value },
  };
}
