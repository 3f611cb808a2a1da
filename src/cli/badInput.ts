import type { Problem } from '../core/result.ts';
import { lineColumn } from '../text/lineColumn.ts';
import type { LocatedProblem } from '../text/located.ts';

/** Input that a command cannot use. Each line stands for itself: `plan.sweep.yaml:3:1: …`, `--gpu: …`. */
export class BadInput extends Error {
  readonly lines: readonly string[];

  constructor(...lines: readonly string[]) {
    super(lines.join('\n'));
    this.name = 'BadInput';
    this.lines = lines;
  }
}

/** `file:line:column: message [code]`, as compilers print it: editors and terminals make a link of it. */
export function locatedLine(file: string, text: string, problem: LocatedProblem): string {
  const { line, column } = lineColumn(text, problem.range.start);
  return `${file}:${line}:${column}: ${problem.message} [${problem.code}]`;
}

export function problemLine(where: string, problem: Problem): string {
  return `${where}: ${problem.message} [${problem.code}]`;
}
