import type { CacheSpec, PlacedSpec } from './cacheSpec.ts';

/** Layers that share a block table: one block of a group is one page in each of its layers. */
export interface LayerGroup {
  /** The blocks that a request takes are those of this spec. */
  readonly spec: CacheSpec;
  readonly members: readonly PlacedSpec[];
}
