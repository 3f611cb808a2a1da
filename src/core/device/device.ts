/** A GPU as the driver reports it. Every figure cites its source; not known is left out, never 0. */
export interface Device {
  /** Stable id, lower case: `h200-sxm-141gb`. */
  readonly id: string;
  /** As people say it: `H200`. */
  readonly label: string;
  /** Names as nvidia-smi reports them, exact. */
  readonly driverNames: readonly string[];
  /** Short forms accepted wherever an id is: `h200`. */
  readonly aliases: readonly string[];
  /** Memory that nvidia-smi shows, bytes. */
  readonly smiTotalBytes?: number;
  /** `cudaMemGetInfo` total, bytes: what engines compute with. */
  readonly cudaTotalBytes: number;
  /** Multiprocessors. */
  readonly multiprocessors: number;
  /** Peak memory bandwidth, bytes per second (GB = 10^9). */
  readonly memoryBytesPerSecond: number;
  /** Dense peak per second, no sparsity: floating-point operations by element type. */
  readonly flopsPerSecond: { readonly bfloat16?: number; readonly float16?: number; readonly fp8?: number };
  readonly computeCapability: string;
  readonly link: 'nvlink' | 'pcie';
  /** Editable list price of one GPU hour, US dollars, where one is known. */
  readonly dollarsPerHour?: number;
  readonly source: string;
}
