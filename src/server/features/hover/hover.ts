import { type Hover, MarkupKind, type Position } from 'vscode-languageserver';
import { findDevice } from '../../../core/device/catalogue.ts';
import { findEngine } from '../../../core/engine/engines.ts';
import { tightestOf } from '../../../core/estimate/compare.ts';
import { estimateSensitivity } from '../../../core/estimate/sensitivity.ts';
import type { DeploymentEstimate, EstimateRequest } from '../../../core/estimate/types.ts';
import { unreadArguments } from '../../../text/unresolved.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../../documentAnalysis.ts';
import { hoverMessages } from '../../hoverMessages.ts';
import { measuredTerms } from '../../measured.ts';
import { messages } from '../../messages.ts';
import { rangeIn } from '../../places.ts';
import { type HoveredPart, hoveredPart } from './hoveredPart.ts';

/** On a flag, the model, the GPU or the first line: what it is, the verdict, and the terms with how each is known. */
export function hoverAt(analysis: DocumentAnalysis, position: Position): Hover | null {
  const part = hoveredPart(analysis, analysis.snapshot.offsetAt(position));
  const value = part ? sections(part).join('\n\n') : '';
  if (!part || value === '') return null;
  return {
    contents: { kind: MarkupKind.Markdown, value },
    range: rangeIn(analysis.snapshot, part.range),
  };
}

function sections(part: HoveredPart): string[] {
  const { estimate, request, located, live } = part.deployment;
  if (part.kind === 'gpu') return gpuSections(part);
  const about = part.kind === 'flag' ? flagSections(part.deployment, part.flag) : [];
  if (part.kind === 'model' && request) about.push(hoverMessages.model(request.model));
  if (!isKnown(estimate) || !request) return [...about, hoverMessages.unknown(estimate.verdict.reason)];
  if (part.kind === 'model') about.push(hoverMessages.modelSource(request.model));
  return [
    ...about,
    hoverMessages.verdict(estimate, request.device.label),
    ...memorySections(estimate, request, part.deployment),
    ...(live ? [hoverMessages.live(live, Date.now())] : []),
    ...unreadArguments(located).map(({ text }) => messages.alsoArguments(text)),
    ...notesOf(estimate),
    hoverMessages.footer(estimate, findEngine(estimate.engine)?.label ?? estimate.engine, live),
  ];
}

function gpuSections({
  deployment: { estimate, request, live },
  gpu,
}: HoveredPart & { kind: 'gpu' }): string[] {
  const device = findDevice(gpu);
  if (!device) return [];
  const verdict = isKnown(estimate) && request ? [hoverMessages.verdict(estimate, request.device.label)] : [];
  const age = live ? [hoverMessages.live(live, Date.now())] : [];
  return [hoverMessages.device(device), ...verdict, ...age];
}

function flagSections({ estimate, located, request }: AnalysedDeployment, flag: string): string[] {
  const { engine: name, engineVersion } = located.deployment;
  const engine = findEngine(name);
  const definition = engine?.canonicalFlag(flag);
  if (!engine || !definition) return [];
  const known = isKnown(estimate) ? estimate : undefined;
  const inUse = known ? known.resolved[flag] : located.deployment.flags[flag];
  const version = known?.engineVersion ?? engineVersion ?? engine.defaultVersion;
  const versioned = engine.flagsOf(version).find((each) => each.name === definition.name);
  const note = engine.defaultNote(definition.name, version);
  const effects =
    known && request ? estimateSensitivity(request).filter((effect) => effect.flag === flag) : [];
  return [
    hoverMessages.flag(definition.name, definition.description, inUse),
    ...(versioned ? [hoverMessages.flagDefault(versioned, engine.label, version)] : []),
    ...(note === undefined ? [] : [note]),
    ...(effects.length > 0
      ? [[hoverMessages.effectsHeading(), ...effects.map(hoverMessages.effect)].join('\n')]
      : []),
  ];
}

function memorySections(
  estimate: DeploymentEstimate,
  request: EstimateRequest,
  { located: { flags }, live }: AnalysedDeployment,
): string[] {
  const fullest = tightestOf(estimate);
  if (!fullest) return [];
  const requestingFlag = ['kv-cache-memory-bytes', 'gpu-memory-utilization'].find((flag) => flag in flags);
  const measured = measuredTerms(request, estimate);
  const table = [
    hoverMessages.termsHeading(estimate.perRank.length > 1),
    hoverMessages.requested(fullest, requestingFlag, live),
    ...(live?.freeBytes === undefined ? [] : [hoverMessages.free(live.freeBytes, live.host)]),
    ...fullest.terms.map((term) => hoverMessages.term(term, measured.has(term.id))),
  ];
  return [table.join('\n'), hoverMessages.kv(estimate, fullest.availableKvBytes)];
}

/** Warnings, those too that are no diagnostic: what the estimate does not cover; and rules of thumb beside it. */
function notesOf({ warnings, crossChecks = [] }: DeploymentEstimate): string[] {
  const notes = [
    ...warnings.map(({ message }) => messages.problem(message)),
    ...crossChecks.map(({ text }) => text),
  ];
  return notes.length === 0 ? [] : [notes.map(hoverMessages.note).join('\n')];
}
