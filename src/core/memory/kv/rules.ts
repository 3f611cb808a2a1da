/** How one release of the engine lays out and counts its KV cache. */
export interface KvRules {
  /** False where sliding-window layers keep every token as full layers do. */
  readonly windowsFreed: boolean;
  /** False where chunked layers keep every token as full layers do. */
  readonly chunksFreed: boolean;
  /** Groups take the larger count of layers where it is less than this times the smaller. */
  readonly groupSizeRatio: number;
  /** Whether packed pages of unlike sizes are padded to each other's, and share their places in a block. Up to 0.28. */
  readonly padsPackedPages: boolean;
  /** Whether the test that one request fits adds up the blocks of groups, or the bytes of each layer by itself. */
  readonly fitFrom: 'groups' | 'layers';
  /**
   * "GPU KV cache size" is what the blocks hold divided evenly among the groups, or the concurrency times the longest request.
   * "Maximum concurrency" is whole blocks of a request, its bytes in blocks of the first group, or plain tokens.
   */
  readonly tokensFrom: 'blocks' | 'concurrency';
  readonly concurrencyFrom: 'blocks' | 'bytes' | 'tokens';
}
