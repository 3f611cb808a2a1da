import type { InlayHint, Range } from 'vscode-languageserver';
import { tightestOf } from '../../core/estimate/compare.ts';
import type { DeploymentEstimate } from '../../core/estimate/types.ts';
import type { OffsetRange } from '../../text/located.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../documentAnalysis.ts';
import { messages } from '../messages.ts';
import { rangesTouch } from '../places.ts';

/** Values that follow from others, beside those that they follow from. None unless the user asked for them. */
export function inlayHintsIn(analysis: DocumentAnalysis, range: Range): InlayHint[] {
  if (!analysis.settings.inlayHints.enabled) return [];
  return analysis.deployments
    .flatMap((deployment) => hintsOf(analysis, deployment))
    .filter(({ position }) => rangesTouch({ start: position, end: position }, range));
}

function hintsOf({ snapshot }: DocumentAnalysis, { located, estimate }: AnalysedDeployment): InlayHint[] {
  if (!isKnown(estimate)) return [];
  const at = (place: OffsetRange | undefined, words: Hint | undefined): InlayHint[] =>
    place && words
      ? [
          {
            position: snapshot.positionAt(place.end),
            label: words.label,
            paddingLeft: true,
            ...(words.tooltip === undefined ? {} : { tooltip: words.tooltip }),
          },
        ]
      : [];
  const value = (flag: string) => {
    const flags = located.flags;
    return Object.hasOwn(flags, flag) ? flags[flag]?.value : undefined;
  };
  return [
    ...at(located.model, weights(estimate)),
    ...at(value('gpu-memory-utilization') ?? value('kv-cache-memory-bytes'), {
      label: messages.hintKv(estimate.kv.tokens),
    }),
    ...at(value('max-model-len'), { label: messages.hintConcurrency(estimate) }),
    ...['dtype', 'kv-cache-dtype'].flatMap((flag) => at(value(flag), resolvedAuto(located, estimate, flag))),
  ];
}

interface Hint {
  readonly label: string;
  readonly tooltip?: string;
}

/** Weights, and the defaults that the engine fills in. */
function weights(estimate: DeploymentEstimate): Hint | undefined {
  const term = tightestOf(estimate)?.terms.find(({ id }) => id === 'weights');
  if (!term) return undefined;
  return {
    label: messages.hintWeights(term.bytes, estimate.perRank.length > 1),
    tooltip: messages.hintResolved(estimate.resolved),
  };
}

/** What `auto` comes to. */
function resolvedAuto(
  { deployment }: AnalysedDeployment['located'],
  { resolved }: DeploymentEstimate,
  flag: string,
): Hint | undefined {
  const type = flag === 'kv-cache-dtype' && resolved[flag] === 'auto' ? resolved['dtype'] : resolved[flag];
  return deployment.flags[flag] === 'auto' && type !== undefined && type !== 'auto'
    ? { label: messages.hintAuto(type) }
    : undefined;
}
