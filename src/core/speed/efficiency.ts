/** How a speed is known. */
export type Evidence = 'recorded' | 'fitted' | 'assumed';

/** What of a GPU's peaks an engine reaches, and what a step costs beside. Shares are of the peak; times are milliseconds. */
export interface SpeedEfficiency {
  /** Of the memory bandwidth, while weights are read. */
  readonly bandwidth: number;
  /** Of the memory bandwidth, while the KV cache is read. */
  readonly kvBandwidth: number;
  /** Of the dense 16-bit peak, in linear layers and attention. */
  readonly compute: number;
  /** Of the dense 16-bit peak, in routed experts: their batches are small and uneven. */
  readonly expertCompute: number;
  /** Share of the 8- and 4-bit peaks, beside that of the 16-bit one: scales and conversions take their part. */
  readonly narrowCompute: number;
  /** A step's own cost: scheduler, sampler, one launch of the graph. */
  readonly stepMs: number;
  /** Gaps between kernels of one layer. */
  readonly layerMs: number;
  /** As much more for a layer with routed experts: choosing, sorting, summing. */
  readonly expertLayerMs: number;
  /** As much more again where they multiply in 8 bit: activations are scaled in kernels of their own. */
  readonly fp8ExpertLayerMs: number;
  /** A step's cost a running sequence, the next step being scheduled meanwhile. */
  readonly sequenceMs: number;
  /** The same where it is scheduled only then. */
  readonly syncSequenceMs: number;
  /** Launches of one layer without CUDA graphs: the least that an eager step takes. */
  readonly eagerLayerMs: number;
  /** From a request's arrival to its first prefill step, and back with the token. */
  readonly requestMs: number;
  readonly links: {
    readonly fabric: LinkEfficiency;
    readonly pcie: LinkEfficiency;
  };
  /** `recorded`: measured by us. `fitted`: to published figures. `assumed`: carried over from another generation. */
  readonly evidence: Evidence;
  /** Half width of the band of every speed. */
  readonly relativeBand: number;
  /** What the shares were fitted to. */
  readonly source: string;
}

/** A collective between GPUs of one node. */
export interface LinkEfficiency {
  /** Fixed cost of one collective. */
  readonly fixedMs: number;
  /** As much more for each doubling of the ranks. */
  readonly doublingMs: number;
  /** Of the link's peak, one way. */
  readonly bandwidth: number;
}
