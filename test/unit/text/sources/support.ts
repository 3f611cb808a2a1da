import { expect } from 'vitest';
import { findDeployments } from '../../../../src/text/deployments.ts';
import type { FlagChange } from '../../../../src/text/edits.ts';
import { flagEdits } from '../../../../src/text/edits.ts';
import type { DocumentDeployments, LocatedDeployment, OffsetRange } from '../../../../src/text/located.ts';

export function read(text: string, path: string): DocumentDeployments {
  const found = findDeployments(text, { path });
  if (!found) throw new Error(`${path} is not recognised`);
  return found;
}

export function only(text: string, path: string): LocatedDeployment {
  const { deployments } = read(text, path);
  expect(deployments).toHaveLength(1);
  const [deployment] = deployments;
  if (!deployment) throw new Error('no deployment');
  return deployment;
}

export function slice(text: string, range: OffsetRange | undefined): string | undefined {
  return range && text.slice(range.start, range.end);
}

/** Flags with what stands at their value's place. */
export function places(text: string, { flags }: LocatedDeployment): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(flags).map(([name, { value }]) => [name, slice(text, value)]));
}

export function edited(text: string, deployment: LocatedDeployment, ...changes: FlagChange[]): string {
  return flagEdits(text, deployment, changes)
    .toSorted((a, b) => b.range.start - a.range.start || b.range.end - a.range.end)
    .reduce(
      (sofar, { range, newText }) => sofar.slice(0, range.start) + newText + sofar.slice(range.end),
      text,
    );
}
