/** A launch in words -> a deployment: what shell scripts, containers and Dockerfiles share. */
import { findEngine } from '../../core/engine/engines.ts';
import { ArgumentReader } from '../launch/argumentReader.ts';
import type { EnvironmentVariable } from '../launch/environment.ts';
import { isAssignment, type Launch } from '../launch/programs.ts';
import type { Insertion, OffsetRange, Writing } from '../located.ts';
import type { ShellWord } from '../shellWords.ts';
import { unknownUnit } from '../templates.ts';
import type { FoundDeployment } from './assemble.ts';

/** Reads the arguments of a launch; where a container's image brings the program, `head` is empty. */
export function readLaunch(
  text: string,
  launch: Launch,
  writing: Writing,
): Pick<FoundDeployment, 'engine' | 'entrypoint' | 'model' | 'written' | 'unresolved' | 'environment'> {
  const { entrypoint, engine: name } = launch;
  const environment = launch.before.flatMap(assignedVariable);
  const engine = findEngine(name);
  if (!engine) return { engine: name, entrypoint, written: [], unresolved: [], environment };
  const reader = new ArgumentReader(text, engine, launch, writing);
  reader.readAll();
  const { model, written, unresolved } = reader;
  return { engine: name, entrypoint, ...(model ? { model } : {}), written, unresolved, environment };
}

/** Where a new argument of a command goes: behind the last, on a line of its own where the command runs over lines. */
export function commandInsertion(text: string, launch: Launch, writing: Writing): Insertion {
  const words = launch.arguments;
  const offset = words.at(-1)?.range.end ?? launch.head.end;
  return { offset, writing, separator: separatorBefore(text, launch.head.start, words) };
}

/** What stands before the first word of the command's last line; a blank where it has one line. */
function separatorBefore(text: string, start: number, words: readonly ShellWord[]): string {
  const last = words.at(-1);
  if (!last) return ' ';
  const lineStart = text.lastIndexOf('\n', last.range.start - 1) + 1;
  if (lineStart <= start) return ' ';
  const first = words.find(({ range }) => range.start >= lineStart);
  const indent = /^[ \t]*/.exec(text.slice(lineStart, first?.range.start ?? lineStart))?.[0] ?? '';
  const lineEnd = /(\\?)(\r?\n)$/.exec(text.slice(0, lineStart));
  return `${lineEnd?.[1] ? ' \\' : ''}${lineEnd?.[2] ?? '\n'}${indent}`;
}

/** `A=b` before a command. */
export function assignedVariable(word: ShellWord): EnvironmentVariable[] {
  if (!isAssignment(word.value)) return [];
  const equals = word.value.indexOf('=');
  const name = word.value.slice(0, equals).replace(/\+$/, '');
  return [variable(name, word.unknown ? undefined : word.value.slice(equals + 1), word.range)];
}

export function variable(name: string, value: string | undefined, range: OffsetRange): EnvironmentVariable {
  return value === undefined || value.includes(unknownUnit) ? { name, range } : { name, value, range };
}

/** Start of the line that an offset stands on. */
export function lineStartAt(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}
