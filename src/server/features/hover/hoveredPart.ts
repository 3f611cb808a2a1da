import type { OffsetRange } from '../../../text/located.ts';
import type { AnalysedDeployment, DocumentAnalysis } from '../../documentAnalysis.ts';
import { firstLine, flagPlace } from '../../places.ts';

/** What stands under the pointer. */
export type HoveredPart = { readonly deployment: AnalysedDeployment; readonly range: OffsetRange } & (
  | { readonly kind: 'flag'; readonly flag: string }
  /** As named in a comment, a label or a limit. */
  | { readonly kind: 'gpu'; readonly gpu: string }
  | { readonly kind: 'model' }
  | { readonly kind: 'head' }
);

/** The GPU of a comment belongs to the first deployment that it is about. */
export function hoveredPart(
  { snapshot, deployments }: DocumentAnalysis,
  offset: number,
): HoveredPart | undefined {
  const holds = (range: OffsetRange | undefined): range is OffsetRange =>
    range !== undefined && offset >= range.start && offset <= range.end;
  for (const deployment of deployments) {
    const { located } = deployment;
    for (const [flag, { key, value }] of Object.entries(located.flags)) {
      const range = flagPlace(snapshot, located, flag);
      if (holds(range) || holds(key) || holds(value)) {
        return { kind: 'flag', deployment, range: range ?? key, flag };
      }
    }
    if (holds(located.model)) return { kind: 'model', deployment, range: located.model };
    const { target, hint } = located;
    if (target && holds(target.range))
      return { kind: 'gpu', deployment, range: target.range, gpu: target.gpu };
    if (hint?.gpu && holds(hint.gpu.range)) {
      return { kind: 'gpu', deployment, range: hint.gpu.range, gpu: hint.gpu.name };
    }
    const line = firstLine(snapshot, located);
    if (holds(line)) return { kind: 'head', deployment, range: line };
  }
  return undefined;
}
