/** What of a GPU's peaks an engine reaches, and what a step costs beside. Times are milliseconds. */
export interface SpeedConstants {
  /** Part of the memory bandwidth reached while weights are read. */
  readonly weightBandwidth: number;
  /** Part reached while the KV cache is read. */
  readonly kvBandwidth: number;
  /** Part of the dense peak that prefill and large batches reach, over linear layers and attention. */
  readonly compute: number;
  /** A step's own cost with CUDA graphs. */
  readonly stepMs: number;
  /** Launches of one layer without CUDA graphs: the least that an eager step takes. */
  readonly eagerLayerMs: number;
  /** A step's cost a running sequence. */
  readonly perSequenceMs: number;
  /** From a request's arrival to its first prefill step, and back with the token. */
  readonly requestMs: number;
  /** An all-reduce between the GPUs of one node: its fixed cost, and the link's bytes per second one way. */
  readonly allReduce: {
    readonly nvlink: { readonly fixedMs: number; readonly bytesPerSecond: number };
    readonly pcie: { readonly fixedMs: number; readonly bytesPerSecond: number };
  };
  /** Half width of the band of every speed. */
  readonly relativeBand: number;
  readonly source: string;
}

/**
 * Fitted to the dense Llama-3.1-8B rows of the recorded H200 starts: decode at batch 1 to 256 within 7 %, prefill within 3 %.
 * In the rougher terms of the recording: 68 % of the bandwidth over all weights at batch 1, 71 % of the FLOPS over all parameters.
 */
export const vllmSpeed: SpeedConstants = {
  weightBandwidth: 0.7,
  kvBandwidth: 0.95,
  compute: 0.627,
  stepMs: 0.4,
  eagerLayerMs: 0.55,
  perSequenceMs: 0.016,
  requestMs: 3,
  allReduce: {
    nvlink: { fixedMs: 0.008, bytesPerSecond: 450e9 },
    pcie: { fixedMs: 0.02, bytesPerSecond: 25e9 },
  },
  relativeBand: 0.25,
  source:
    'roofline; efficiencies fitted to vLLM 0.26.0 on one H200 (Llama-3.1-8B), assumed for other GPUs; all-reduce 8 µs over NVLink from a published fit, PCIe a guess',
};
