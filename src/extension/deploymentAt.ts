import type { DocumentEstimate } from '../protocol/lsp.ts';

/** The deployment around a line, counted from 0. */
export function deploymentAt(
  deployments: readonly DocumentEstimate[],
  line: number,
): DocumentEstimate | undefined {
  return deployments.find(({ range }) => range.start.line <= line && line <= range.end.line);
}
