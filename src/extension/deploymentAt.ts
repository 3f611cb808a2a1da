import type { PlainRange } from '../protocol/lsp.ts';

/** The deployment around a line, counted from 0. */
export function deploymentAt<T extends { readonly range: PlainRange }>(
  deployments: readonly T[],
  line: number,
): T | undefined {
  return deployments.find(({ range }) => range.start.line <= line && line <= range.end.line);
}
