/** What a cloud rents: a machine with whole GPUs. */
export interface Instance {
  /** The cloud's own name, as written in its console: `p5.48xlarge`, `Standard_ND96isr_H100_v5`. */
  readonly id: string;
  readonly cloud: string;
  /** Id of the catalogue. */
  readonly device: string;
  readonly gpuCount: number;
  /** List price on demand; left out where none could be had. */
  readonly price?: InstancePrice;
}

export interface InstancePrice {
  /** US dollars of the whole machine. */
  readonly dollarsPerHour: number;
  readonly region: string;
  /** Month in which the list was read: `2026-08`. Left out where the list has no date. */
  readonly date?: string;
  /** Whose list. */
  readonly source: string;
}
