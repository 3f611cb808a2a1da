import { type Hover, MarkupKind, type Position } from 'vscode-languageserver';
import { findEngine } from '../../core/engine/engine.ts';
import type { DeploymentEstimate } from '../../core/estimate/types.ts';
import type { LocatedDeployment, OffsetRange } from '../../text/located.ts';
import { unreadArguments } from '../../text/unresolved.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../analysis.ts';
import { messages } from '../messages.ts';
import { firstLine, flagPlace, rangeIn } from '../places.ts';

interface HoveredPart {
  readonly deployment: AnalysedDeployment;
  readonly range: OffsetRange;
  /** Left out on the model and on the first line. */
  readonly flag?: string;
}

/** On a flag, the model or the first line: what it is, the verdict, and the terms with how each is known. */
export function hoverAt(analysis: DocumentAnalysis, position: Position): Hover | null {
  const part = partAt(analysis, analysis.snapshot.offsetAt(position));
  if (!part) return null;
  return {
    contents: { kind: MarkupKind.Markdown, value: sections(part).join('\n\n') },
    range: rangeIn(analysis.snapshot, part.range),
  };
}

function partAt({ snapshot, deployments }: DocumentAnalysis, offset: number): HoveredPart | undefined {
  const holds = (range: OffsetRange | undefined): range is OffsetRange =>
    range !== undefined && offset >= range.start && offset <= range.end;
  for (const deployment of deployments) {
    const { located } = deployment;
    for (const [flag, { key, value }] of Object.entries(located.flags)) {
      const range = flagPlace(snapshot, located, flag);
      if (holds(range) || holds(key) || holds(value)) return { deployment, range: range ?? key, flag };
    }
    if (holds(located.model)) return { deployment, range: located.model };
    const line = firstLine(snapshot, located);
    if (holds(line)) return { deployment, range: line };
  }
  return undefined;
}

function sections({ deployment, flag }: HoveredPart): string[] {
  const { estimate, request, located } = deployment;
  const about = flag === undefined ? [] : flagSection(deployment, flag);
  if (!isKnown(estimate) || !request) return [...about, messages.hoverUnknown(estimate.verdict.reason)];
  return [
    ...about,
    messages.hoverVerdict(estimate, request.device.label),
    ...memorySections(estimate, located),
    ...unreadArguments(located).map(({ text }) => messages.alsoArguments(text)),
    ...notesOf(estimate),
    messages.hoverFooter(estimate, findEngine(estimate.engine)?.label ?? estimate.engine),
  ];
}

function flagSection({ estimate, located }: AnalysedDeployment, flag: string): string[] {
  const { engine: name, engineVersion } = located.deployment;
  const engine = findEngine(name);
  const definition = engine?.canonicalFlag(flag);
  if (!definition) return [];
  const inUse = isKnown(estimate) ? estimate.resolved[flag] : located.deployment.flags[flag];
  const note = engine?.defaultNote(definition.name, engineVersion);
  return [
    messages.hoverFlag(definition.name, definition.description, inUse),
    ...(note === undefined ? [] : [note]),
  ];
}

function memorySections(estimate: DeploymentEstimate, { flags }: LocatedDeployment): string[] {
  const [fullest] = estimate.perRank.toSorted((a, b) => a.availableKvBytes - b.availableKvBytes);
  if (!fullest) return [];
  const requestingFlag = ['kv-cache-memory-bytes', 'gpu-memory-utilization'].find((flag) => flag in flags);
  const table = [
    messages.hoverTermsHeading(estimate.perRank.length > 1),
    messages.hoverRequested(fullest, requestingFlag),
    ...fullest.terms.map(messages.hoverTerm),
  ];
  return [table.join('\n'), messages.hoverKv(estimate, fullest.availableKvBytes)];
}

/** Warnings that are no diagnostic: what the estimate does not cover. */
function notesOf({ warnings }: DeploymentEstimate): string[] {
  return warnings.length === 0
    ? []
    : [warnings.map(({ message }) => `- ${messages.problem(message)}`).join('\n')];
}
