import { type CacheSpec, familyOf, type PlacedSpec, SpecPool } from './cacheSpec.ts';
import type { LayerGroup } from './layerGroup.ts';
import { packedGroups, wantsPacking } from './packedGroups.ts';
import type { KvRules } from './rules.ts';

/**
 * Groups layers over the whole model, as vLLM does before it projects them on pipeline stages.
 * Source: vLLM v1/core/kv_cache_utils.py (from 0.33 kv_cache_planning.py), `get_kv_cache_groups`.
 */
export function groupLayers(placed: readonly PlacedSpec[], rules: KvRules): readonly LayerGroup[] {
  const kept = withoutFreeing(placed, rules);
  const [first] = kept;
  if (first === undefined) return [];
  const oneFamily = kept.every(
    ({ spec }) =>
      familyOf(spec) === familyOf(first.spec) &&
      (spec.kind === 'state' || spec.blockTokens === first.spec.blockTokens),
  );
  // One kind of cache: one group, with pages of any sizes.
  if (oneFamily) return [{ spec: first.spec, members: kept }];
  if (wantsPacking(kept)) return packedGroups(kept, rules.padsPackedPages);
  return equalGroups(withOnePageSize(kept), rules.groupSizeRatio);
}

/** Where the engine cannot free what has left a window, layers with one keep every token if others do. */
function withoutFreeing(placed: readonly PlacedSpec[], rules: KvRules): readonly PlacedSpec[] {
  if (rules.windowsFreed && rules.chunksFreed) return placed;
  const promoted = (spec: CacheSpec) =>
    (spec.kind === 'sliding-window' && !rules.windowsFreed) ||
    (spec.kind === 'chunked' && !rules.chunksFreed);
  if (!placed.some(({ spec }) => spec.kind === 'full')) return placed;
  const pool = new SpecPool();
  return placed.map(({ layer, spec }) => ({
    layer,
    spec: pool.intern(
      promoted(spec)
        ? {
            kind: 'full',
            blockTokens: spec.blockTokens,
            pageBytes: spec.pageBytes,
            ...(spec.latent === true ? { latent: true } : {}),
          }
        : spec,
    ),
  }));
}

/**
 * One page size for all: smaller attention pages hold more tokens where they divide the largest, else they are padded;
 * states are padded. Source: as above, `unify_kv_cache_spec_page_size`.
 */
function withOnePageSize(placed: readonly PlacedSpec[]): readonly PlacedSpec[] {
  const largest = Math.max(...placed.map(({ spec }) => spec.pageBytes));
  const pool = new SpecPool();
  return placed.map(({ layer, spec }) => {
    const ratio = largest / spec.pageBytes;
    const stretched =
      spec.kind !== 'state' && Number.isInteger(ratio) ? spec.blockTokens * ratio : spec.blockTokens;
    return { layer, spec: pool.intern({ ...spec, blockTokens: stretched, pageBytes: largest }) };
  });
}

/**
 * Kinds are cut into groups of about equal size, layers dealt to them in turn.
 * Source: as above, `_get_kv_cache_groups_uniform_page_size`.
 */
function equalGroups(placed: readonly PlacedSpec[], ratio: number): readonly LayerGroup[] {
  const byKind = new Map<CacheSpec, PlacedSpec[]>();
  for (const one of placed) {
    const members = byKind.get(one.spec);
    if (members === undefined) byKind.set(one.spec, [one]);
    else members.push(one);
  }
  const counts = [...byKind.values()].map((members) => members.length);
  const smallest = Math.min(...counts);
  const largest = Math.max(...counts);
  const size = largest < smallest * ratio ? largest : smallest;

  const groups: LayerGroup[] = [];
  for (const [spec, members] of byKind) {
    const groupCount = Math.ceil(members.length / size);
    for (let index = 0; index < groupCount; index++) {
      groups.push({ spec, members: members.filter((_, member) => member % groupCount === index) });
    }
  }
  return groups;
}
