import type { PipelineStage } from '../pipeline.ts';
import type { CacheSpec, PlacedSpec } from './cacheSpec.ts';
import { groupLayers, type LayerGroup } from './groups.ts';
import type { KvRules } from './rules.ts';

/** How the KV cache of a model is laid out on the ranks of one deployment. */
export interface KvLayout {
  /** One for each group of layers: the blocks that a request takes in it. */
  readonly groups: readonly CacheSpec[];
  /** Tokens of a block of attention; of the request where there is only state. */
  readonly blockSize: number;
  /** Bytes of one block over all layers that a stage's ranks hold, a stage. */
  readonly blockBytesByStage: readonly number[];
  /**
   * Bytes that one more token of a long context takes on a rank of the fullest stage: full layers only, since windows and states
   * do not grow. Padding of blocks is in it.
   */
  readonly bytesPerToken: number;
  /** Bytes that attention reads back for one token of context, over the whole model: its layers without a window. */
  readonly readBytesPerToken: number;
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
  let blockSize = Number.POSITIVE_INFINITY;
  for (const { spec } of groups) if (spec.kind !== 'state') blockSize = Math.min(blockSize, spec.blockTokens);
  const blockBytesByStage = stages.map((stage) =>
    Math.max(0, ...groups.map((group) => bytesIn(group, stage))),
  );
  const bytesPerToken = Math.max(0, ...stages.map((stage) => growth(groups, stage) / contextParallelSize));
  let readBytesPerToken = 0;
  for (const { spec } of placed) {
    if (spec.kind === 'full') readBytesPerToken += spec.pageBytes / spec.blockTokens;
  }
  return {
    groups: groups.map((group) => group.spec),
    blockSize,
    blockBytesByStage,
    bytesPerToken,
    readBytesPerToken,
    contextParallelSize,
    rules,
    hasState: groups.some(({ spec }) => spec.kind === 'state'),
  };
}

function bytesIn(group: LayerGroup, stage: PipelineStage): number {
  let bytes = 0;
  for (const { layer, spec } of group.members) {
    if (layer >= stage.first && layer < stage.end) bytes += spec.pageBytes;
  }
  return bytes;
}

function growth(groups: readonly LayerGroup[], stage: PipelineStage): number {
  let bytes = 0;
  for (const group of groups) {
    const grows =
      group.spec.kind === 'full' || (group.spec.kind === 'state' && group.spec.fixedBlocks === undefined);
    if (grows && Number.isFinite(group.spec.blockTokens))
      bytes += bytesIn(group, stage) / group.spec.blockTokens;
  }
  return bytes;
}
