/** A Dockerfile's stages: the image of each, its variables, and the instructions that say what it starts. */
import type { EnvironmentVariable } from '../launch/environment.ts';
import type { OffsetRange } from '../located.ts';
import { splitCommands } from '../shellWords.ts';
import { unknownUnit } from '../templates.ts';
import { assignedVariable, variable } from './launchText.ts';

export interface Instruction {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Behind the name, continued lines included. */
  readonly arguments: OffsetRange;
}

export interface Stage {
  /** Offset of its FROM. */
  readonly start: number;
  /** With its variables filled in, where their defaults say them. */
  readonly image: string;
  readonly environment: readonly EnvironmentVariable[];
  readonly entrypoint?: Instruction;
  readonly command?: Instruction;
  /** Of vLLM, where a RUN installs that release. */
  readonly installedVllm?: string;
}

export function readStages(text: string): Stage[] {
  const stages: Stage[] = [];
  const named = new Map<string, number>();
  const defaults = new Map<string, string>();
  for (const instruction of instructions(text)) {
    const body = text.slice(instruction.arguments.start, instruction.arguments.end);
    const last = stages.at(-1);
    if (instruction.name === 'ARG') {
      const [, name = '', value = ''] = /^(\w+)=["']?([^"'\s]*)/.exec(body) ?? [];
      if (name) defaults.set(name, value);
    } else if (instruction.name === 'FROM') {
      const [, image = '', name] = /^(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?/i.exec(body) ?? [];
      // A stage built on another begins with what that one has.
      const base = stages[named.get(image) ?? -1];
      if (name) named.set(name, stages.length);
      stages.push({
        ...(base ?? { image: filled(image, defaults), environment: [] }),
        start: instruction.start,
      });
    } else if (last) {
      const at = stages.length - 1;
      if (instruction.name === 'ENV') {
        stages[at] = { ...last, environment: [...last.environment, ...variablesOf(text, instruction)] };
      } else if (instruction.name === 'RUN') {
        const installedVllm = /\bvllm(?:\[[\w,-]*\])?==([\d.]+\w*)/.exec(body)?.[1];
        if (installedVllm) stages[at] = { ...last, installedVllm };
      } else if (instruction.name === 'CMD') stages[at] = { ...last, command: instruction };
      else if (instruction.name === 'ENTRYPOINT') {
        // Docker forgets the base's CMD where an ENTRYPOINT is set.
        const { command, ...rest } = last;
        const own = command !== undefined && command.start > last.start;
        stages[at] = { ...rest, entrypoint: instruction, ...(own ? { command } : {}) };
      }
    }
  }
  return stages;
}

function filled(image: string, defaults: ReadonlyMap<string, string>): string {
  return image.replace(/\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)/g, (_, braced, fallback, bare) => {
    return defaults.get(braced ?? bare) ?? fallback ?? unknownUnit;
  });
}

function variablesOf(text: string, { arguments: { start, end } }: Instruction): EnvironmentVariable[] {
  const body = text.slice(start, end);
  const old = /^(\w+)[ \t]+(?![^\s=]*=)(\S.*)$/.exec(body);
  if (old) return [variable(old[1] ?? '', old[2]?.trim(), { start, end })];
  return splitCommands(body)
    .flatMap(({ words }) => words)
    .flatMap((word) => assignedVariable(word))
    .map((each) => ({ ...each, range: { start: start + each.range.start, end: start + each.range.end } }));
}

/** Logical lines, with their continuations. */
function instructions(text: string): Instruction[] {
  const found: Instruction[] = [];
  for (let at = 0; at < text.length; ) {
    const [, indent = '', name, blank = ''] =
      /^([ \t]*)([A-Za-z]+)?([ \t]*)/.exec(text.slice(at, at + 200)) ?? [];
    const end = logicalLineEnd(text, at);
    if (name !== undefined) {
      const start = at + indent.length;
      const from = start + name.length + blank.length;
      const to = Math.max(from, at + text.slice(at, end).trimEnd().length);
      found.push({
        name: name.toUpperCase(),
        start,
        end: to,
        arguments: { start: Math.min(from, to), end: to },
      });
      at = end + 1;
    } else at = lineEndAt(text, at) + 1;
  }
  return found;
}

function logicalLineEnd(text: string, from: number): number {
  let end = lineEndAt(text, from);
  let continued = endsInBackslash(text, from, end);
  while (continued && end < text.length) {
    const start = end + 1;
    end = lineEndAt(text, start);
    const line = text.slice(start, end);
    // Comments and empty lines inside do not end it.
    continued = /^[ \t\r]*(?:#.*)?$/.test(line) || endsInBackslash(text, start, end);
  }
  return end;
}

function endsInBackslash(text: string, start: number, end: number): boolean {
  return /\\[ \t]*\r?$/.test(text.slice(start, end));
}

function lineEndAt(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline;
}
