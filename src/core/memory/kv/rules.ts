/** How one release of the engine lays out and counts its KV cache. */
export interface KvRules {
  /** False where sliding-window layers keep every token as full layers do. */
  readonly windowsFreed: boolean;
  /** False where chunked layers keep every token as full layers do. */
  readonly chunksFreed: boolean;
  /** Groups take the larger count of layers where it is less than this times the smaller. */
  readonly groupSizeRatio: number;
  /** Whether layers of unlike page sizes are packed beside each other in a block instead of padded to one size. */
  readonly packsUnlikePages: boolean;
  /**
   * "GPU KV cache size" is what the blocks hold divided evenly among the groups, or the concurrency times the longest request.
   * "Maximum concurrency" is whole blocks of a request, or plain tokens.
   */
  readonly tokensFrom: 'blocks' | 'concurrency';
  readonly concurrencyFrom: 'blocks' | 'tokens';
}
