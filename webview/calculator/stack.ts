import { estimate } from '../../src/core/estimate/estimate.ts';
import type { DeploymentEstimate, EstimateRequest } from '../../src/core/estimate/types.ts';
import { GiB } from '../../src/core/units.ts';
import { element } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import { drawnSegment, limitMark, type Segment, segmentsOf } from './memoryBar.ts';

/** A deployment on a GPU that others are on too. */
export interface Stacked {
  readonly source: string;
  readonly estimate: DeploymentEstimate;
}

/** Whether two deployments may be on one GPU: of the same kind, and no variable says that they see others. */
export function mayShareGpu(a: EstimateRequest, b: EstimateRequest): boolean {
  if (a.device.id !== b.device.id) return false;
  const [left, right] = [visibleGpus(a), visibleGpus(b)];
  return left === undefined || right === undefined || left.some((gpu) => right.includes(gpu));
}

function visibleGpus({ deployment }: EstimateRequest): readonly string[] | undefined {
  const written = deployment.environment?.['CUDA_VISIBLE_DEVICES'];
  return written === undefined || written === 'all' ? undefined : written.split(',').map((gpu) => gpu.trim());
}

/** Whether the file itself puts all of them on one GPU: each names it, and no other. */
export function areOnOneGpu(requests: readonly EstimateRequest[]): boolean {
  const [first, ...others] = requests.map(visibleGpus);
  return (
    first?.length === 1 &&
    others.length > 0 &&
    others.every((gpus) => gpus?.length === 1 && gpus[0] === first[0])
  );
}

export function stackedEstimates(
  current: Stacked,
  request: EstimateRequest,
  siblings: readonly { readonly source: string; readonly request: EstimateRequest | null }[],
): readonly Stacked[] {
  const others = siblings.flatMap(({ source, request: other }) =>
    other === null || !mayShareGpu(request, other) ? [] : [{ source, estimate: estimateOf(other) }],
  );
  return [current, ...others];
}

/** Others stay as they are while a slider moves. */
const known = new WeakMap<EstimateRequest, DeploymentEstimate>();

function estimateOf(request: EstimateRequest): DeploymentEstimate {
  const made = known.get(request) ?? estimate(request, { fixes: false });
  known.set(request, made);
  return made;
}

/** One bar of one GPU with all of them, and the sentence whether it holds them. */
export function stackedBar(all: readonly Stacked[], format: Formatter): HTMLElement {
  const parts = all.flatMap(({ source, estimate: { perRank } }) => {
    const [rank] = perRank;
    return rank === undefined ? [] : [{ source, rank, segments: withoutSpare(segmentsOf(rank)) }];
  });
  const total = parts[0]?.rank.totalBytes ?? 0;
  const asked = parts.reduce((sum, { rank }) => sum + rank.requestedBytes, 0);
  const taken = parts.reduce((sum, { segments }) => sum + bytesOf(segments), 0);
  const whole = Math.max(total, taken);
  const left = total - asked;
  const sentence =
    left >= 0
      ? `On one GPU the ${parts.length} deployments ask for ${format.bytes(asked)} of ${format.bytes(total)}; ${format.bytes(left)} are left.`
      : `On one GPU the ${parts.length} deployments ask for ${format.bytes(asked)}, ${format.bytes(-left)} more than the ${format.bytes(total)} that it has: the one that starts last is refused.`;
  const words = parts
    .map(
      ({ source, segments }) =>
        `${source}: ${segments.map(({ label, bytes }) => `${label} ${format.gib(bytes)} GiB`).join(', ')}`,
    )
    .join('; ');
  return element(
    'div',
    { class: 'rank', id: 'stack' },
    element('p', { class: left >= 0 ? '' : 'stack-over' }, sentence),
    element(
      'div',
      { class: 'memory-bar stack', role: 'img', 'aria-label': `${sentence} ${words}` },
      ...parts.map(({ source, segments }) => {
        const bytes = bytesOf(segments);
        const part = element(
          'div',
          { class: 'stacked' },
          ...segments.map((segment) =>
            drawnSegment({ ...segment, lowBytes: segment.bytes, highBytes: segment.bytes }, bytes, 0),
          ),
          element('span', { class: 'segment-label stacked-label' }, source),
        );
        part.style.width = `${(100 * bytes) / whole}%`;
        return part;
      }),
      whole > total ? limitMark('total-mark', total / whole) : null,
    ),
    element(
      'ul',
      { class: 'bar-legend' },
      ...parts.map(({ source, rank }) =>
        element(
          'li',
          {},
          `${source} `,
          element('strong', {}, `${format.fixed(rank.requestedBytes / GiB, 2)} GiB`),
        ),
      ),
    ),
  );
}

function withoutSpare(segments: readonly Segment[]): readonly Segment[] {
  return segments.filter(({ kind }) => kind !== 'spare');
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes, 0);
}
