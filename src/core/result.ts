/** A problem with an input, placed where it stands. Core throws none of these: it returns them. */
export interface Problem {
  /** Stable, greppable, never translated: `model.unknown-type`, `flag.not-a-number` … */
  readonly code: string;
  /** One sentence: what is wrong and what to do. */
  readonly message: string;
  /** Where in the input, as a path of keys: `['load', 0, 'concurrency']`. */
  readonly path?: readonly (string | number)[];
}

/** Each once: a parser and an estimate may both say the same of a model. */
export function distinctProblems(...lists: readonly (readonly Problem[])[]): readonly Problem[] {
  const byText = new Map(lists.flat().map((problem) => [`${problem.code} ${problem.message}`, problem]));
  return [...byText.values()];
}

export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function success<T>(value: T, warnings: readonly Problem[] = []): Result<T> {
  return { ok: true, value, warnings };
}

export function failure<T>(...problems: readonly Problem[]): Result<T> {
  return { ok: false, problems };
}
