/** `vllm serve …`, `python -m vllm.entrypoints…`, `docker run … vllm/vllm-openai …` in shell scripts; programs that a comment gives an engine. */

import { findEngine } from '../../core/engine/engines.ts';
import { type Directive, directivesFor, findDirectives } from '../directives.ts';
import { containerRun } from '../launch/containerRun.ts';
import type { EnvironmentVariable } from '../launch/environment.ts';
import { deepspeedGpus, hasNoProgram, namesOwnProgram, ownLaunch } from '../launch/ownProgram.ts';
import { findLaunch, type Launch } from '../launch/programs.ts';
import type { DocumentDeployments, LocatedDeployment, Writing } from '../located.ts';
import { type ShellCommand, type ShellVariables, splitCommands } from '../shellWords.ts';
import { assembleDeployment, directiveProblems, type FoundDeployment } from './assemble.ts';
import { assignedVariable, commandInsertion, lineStartAt, readLaunch } from './launchText.ts';
import { type DocumentSource, extensionOf } from './source.ts';

const shellExtensions = ['sh', 'bash', 'zsh', 'ksh', 'slurm', 'sbatch'];
const launchInText =
  /\bvllm["']?(?:[ \t]|\\\r?\n)+(?:serve|bench)\b|\bvllm\.entrypoints\.|\bvllm\/vllm-|\bvllm-openai\b|\bsglang\.launch_server\b|\bsglang\b["']?[ \t]+serve\b|\btext-generation-(?:launcher|inference)\b|\btrtllm-serve\b|\bllama-server\b/;

export const shellScript: DocumentSource = {
  name: 'shell-script',
  recognises({ path, languageId }, text) {
    const shell =
      languageId === 'shellscript' ||
      shellExtensions.includes(extensionOf(path)) ||
      /^#!.*\b(?:ba|da|k|z)?sh\b/.test(text.slice(0, 200));
    return shell && (launchInText.test(text) || namesOwnProgram(text));
  },
  read: readShellScript,
};

const writing: Writing = { style: 'shell', quoting: 'none' };

function readShellScript(text: string): DocumentDeployments {
  const directives = findDirectives(text);
  const deployments: LocatedDeployment[] = [];
  const exported: EnvironmentVariable[] = [];
  for (const command of splitCommands(text, setVariables(text))) {
    exported.push(...exportedBy(command));
    const found = readCommand(text, command, exported) ?? readOwnProgram(text, command, directives, exported);
    if (found) deployments.push(assembleDeployment(text, directives, found));
  }
  return { deployments, problems: directiveProblems(directives) };
}

const declarations = new Set(['export', 'local', 'readonly', 'declare', 'typeset']);

/** Variables that the script sets once; one that is set again, looped over or read in is whatever it is by then. */
function setVariables(text: string): ShellVariables {
  const values = new Map<string, string | undefined>();
  const set = (name: string, value?: string) => values.set(name, values.has(name) ? undefined : value);
  for (const { words } of splitCommands(text)) {
    for (const [index, word] of words.entries()) {
      const [assigned] = assignedVariable(word);
      if (assigned) set(assigned.name, word.value.includes('+=') ? undefined : assigned.value);
      else if (['for', 'read', 'select'].includes(word.value)) {
        for (const { value } of words.slice(index + 1)) values.set(value, undefined);
      } else if (!declarations.has(word.value)) break;
    }
  }
  return values;
}

function exportedBy({ words: [first, ...rest] }: ShellCommand): EnvironmentVariable[] {
  return first?.value === 'export' ? rest.flatMap(assignedVariable) : [];
}

function readCommand(
  text: string,
  { words }: ShellCommand,
  exported: readonly EnvironmentVariable[],
): FoundDeployment | undefined {
  const container = containerRun(text, words);
  const launch = findLaunch(text, words) ?? container?.launch;
  if (!launch) return undefined;
  const read = readLaunch(text, launch, writing);
  return {
    ...read,
    ...placesOf(text, launch, writing),
    // A container sees what it is given, not what the script has.
    environment: [...(container?.environment ?? exported), ...(read.environment ?? [])],
    ...(container?.engineVersion ? { engineVersion: container.engineVersion } : {}),
    ...(container?.hint ? { hint: container.hint } : {}),
  };
}

function placesOf(text: string, launch: Launch, written: Writing) {
  const insertion = commandInsertion(text, launch, written);
  const range = { start: launch.head.start, end: insertion.offset };
  const lineStart = lineStartAt(text, range.start);
  // Inside a continued line a comment would end the command.
  const inside = /\\\r?\n$/.test(text.slice(0, lineStart));
  return { range, insertion, ...(inside ? {} : { commentAt: lineStart }) };
}

const ownWriting: Writing = { ...writing, ownProgram: true };

/** A Python program below a comment that says which engine it is. One with none of its options and no model sets something up. */
function readOwnProgram(
  text: string,
  { words, range }: ShellCommand,
  directives: readonly Directive[],
  exported: readonly EnvironmentVariable[],
): FoundDeployment | undefined {
  if (directives.length === 0) return undefined;
  const { engines, model } = directivesFor(text, directives, range);
  const [named] = engines;
  const launch = named && hasNoProgram(named) ? ownLaunch(text, words, named) : undefined;
  if (!launch) return undefined;
  const read = readLaunch(text, launch, ownWriting);
  if (read.written.length === 0 && !read.model && !model) return undefined;
  const split = deepspeedGpus(text, words, launch);
  return {
    ...read,
    ...placesOf(text, launch, ownWriting),
    environment: [...exported, ...(read.environment ?? [])],
    ...(split ? splitOver(split, read) : {}),
  };
}

/** DeepSpeed-inference splits layers over the GPUs of its launcher, unless the program is told how. */
function splitOver(
  { key, value }: NonNullable<ReturnType<typeof deepspeedGpus>>,
  { written, engine = '' }: Pick<FoundDeployment, 'written' | 'engine'>,
): Pick<FoundDeployment, 'written' | 'hint'> {
  const hint = { gpuCount: { count: Number(value.value), range: value.range } };
  const flag = 'tensor-parallel-size';
  if (written.some(({ name }) => findEngine(engine)?.canonicalFlag(name)?.name === flag)) {
    return { written, hint };
  }
  const whole = { start: key.range.start, end: value.range.end };
  const given = {
    key: key.range,
    valueRange: value.range,
    whole,
    writing: ownWriting,
    values: [value.value],
  };
  return { written: [{ name: flag, ...given }, ...written], hint };
}
