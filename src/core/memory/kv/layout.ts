import type { PipelineStage } from '../pipeline.ts';
import type { CacheSpec, PlacedSpec } from './cacheSpec.ts';
import { groupLayers } from './groups.ts';
import type { LayerGroup } from './layerGroup.ts';
import { placesBytes, reckonedBytes, wantsPacking } from './packedGroups.ts';
import type { KvRules } from './rules.ts';

/** How the KV cache of a model is laid out on the ranks of one deployment. */
export interface KvLayout {
  /** One for each group of layers: the blocks that a request takes in it. */
  readonly groups: readonly CacheSpec[];
  /** Tokens of a block of attention; Infinity where there is only state. */
  readonly blockSize: number;
  /** Of the smallest block of attention in any group. */
  readonly smallestBlockTokens: number;
  /** Bytes of one block over all layers that a stage's ranks hold, a stage. */
  readonly blockBytesByStage: readonly number[];
  /** Bytes that a block is reckoned with in the test that one request fits, a stage: those above, but for packed pages. */
  readonly reckonedBytesByStage: readonly number[];
  /** Layers that keep alike and their count, a stage: what the start-up test of older releases adds up. */
  readonly layersByStage: readonly ReadonlyMap<CacheSpec, number>[];
  /** Bytes of a block of each group over its own layers, on the whole model. */
  readonly groupBytes: readonly number[];
  /**
   * Bytes that one more token of a long context takes on a rank of the fullest stage: full layers only, since windows and states
   * do not grow. Padding of blocks is in it.
   */
  readonly bytesPerToken: number;
  /** Ranks that a request's tokens are spread over. */
  readonly contextParallelSize: number;
  readonly rules: KvRules;
  /** True where some layer keeps a state: the engine then wants a block for each sequence. */
  readonly hasState: boolean;
}

/** Groups the specs of a model and projects them on the stages. */
export function kvLayout(
  placed: readonly PlacedSpec[],
  stages: readonly PipelineStage[],
  rules: KvRules,
  contextParallelSize = 1,
): KvLayout {
  const groups = groupLayers(placed, rules);
  let smallestBlockTokens = Number.POSITIVE_INFINITY;
  for (const { spec } of groups) {
    if (spec.kind !== 'state') smallestBlockTokens = Math.min(smallestBlockTokens, spec.blockTokens);
  }
  const blockSize = groups.find(({ spec }) => spec.kind === 'full')?.spec.blockTokens ?? smallestBlockTokens;
  const packed = rules.padsPackedPages && wantsPacking(placed) && groups.length > 1;
  const blockBytesByStage = stages.map((stage) =>
    packed
      ? placesBytes(groups, heldBy(stage))
      : Math.max(0, ...groups.map((group) => bytesIn(group, heldBy(stage)))),
  );
  const reckonedBytesByStage = packed
    ? stages.map((stage) => reckonedBytes(groups, heldBy(stage)))
    : blockBytesByStage;
  const bytesPerToken = Math.max(0, ...stages.map((stage) => growth(groups, stage) / contextParallelSize));
  return {
    groups: groups.map((group) => group.spec),
    blockSize,
    smallestBlockTokens,
    blockBytesByStage,
    reckonedBytesByStage,
    layersByStage: stages.map((stage) => countLayers(placed, heldBy(stage))),
    groupBytes: groups.map((group) => bytesIn(group, () => true)),
    bytesPerToken,
    contextParallelSize,
    rules,
    hasState: groups.some(({ spec }) => spec.kind === 'state'),
  };
}

function countLayers(
  placed: readonly PlacedSpec[],
  isHeld: (layer: number) => boolean,
): ReadonlyMap<CacheSpec, number> {
  const counts = new Map<CacheSpec, number>();
  for (const { layer, spec } of placed) if (isHeld(layer)) counts.set(spec, (counts.get(spec) ?? 0) + 1);
  return counts;
}

function heldBy(stage: PipelineStage): (layer: number) => boolean {
  return (layer) => layer >= stage.first && layer < stage.end;
}

function bytesIn(group: LayerGroup, isHeld: (layer: number) => boolean): number {
  let bytes = 0;
  for (const { layer, spec } of group.members) if (isHeld(layer)) bytes += spec.pageBytes;
  return bytes;
}

function growth(groups: readonly LayerGroup[], stage: PipelineStage): number {
  let bytes = 0;
  for (const group of groups) {
    const grows =
      group.spec.kind === 'full' || (group.spec.kind === 'state' && group.spec.fixedBlocks === undefined);
    if (grows && Number.isFinite(group.spec.blockTokens))
      bytes += bytesIn(group, heldBy(stage)) / group.spec.blockTokens;
  }
  return bytes;
}
