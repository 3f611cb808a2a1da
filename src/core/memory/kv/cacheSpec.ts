/** How long a layer keeps what it caches of a request. */
export type CacheKind = 'full' | 'sliding-window' | 'chunked' | 'state';

/** What one mixer of one layer keeps on a rank. Layers that are alike share one object. */
export interface CacheSpec {
  readonly kind: CacheKind;
  /** Tokens that one block stands for. Infinity for a state that stands for the whole request. */
  readonly blockTokens: number;
  /** Bytes of one block of this layer. */
  readonly pageBytes: number;
  /** Window or chunk in tokens. */
  readonly windowTokens?: number;
  /** Blocks of a state that do not grow with the request. */
  readonly fixedBlocks?: number;
  /** True for latents and their indexers: kept by every tensor-parallel rank, split by decode context parallelism. */
  readonly latent?: boolean;
}

/** A mixer's cache and the layer that it is in, in the order of the model. */
export interface PlacedSpec {
  readonly layer: number;
  readonly spec: CacheSpec;
}

/** Specs of one family need the same number of blocks for the same request, whatever their page sizes. */
export function familyOf(spec: CacheSpec): string {
  return `${spec.kind} ${spec.windowTokens ?? ''} ${spec.latent === true && spec.kind !== 'full' ? 'latent' : ''}`;
}

/** Gives equal specs one object, so that layers can be counted by it. */
export class SpecPool {
  readonly #specs = new Map<string, CacheSpec>();

  intern(spec: CacheSpec): CacheSpec {
    const key = `${familyOf(spec)} ${spec.blockTokens} ${spec.pageBytes} ${spec.fixedBlocks ?? ''} ${spec.latent === true}`;
    const known = this.#specs.get(key);
    if (known !== undefined) return known;
    this.#specs.set(key, spec);
    return spec;
  }
}
