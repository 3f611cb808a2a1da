/**
 * Every parameter of the simulated engine. The agent's simulator estimates nothing: memory limits,
 * speeds and the lines it logs are handed to it from here.
 */
export interface SimulatedEngine {
  readonly modelName: string;
  readonly engineVersion: string;
  readonly startupSeconds: number;
  /** What happens at start: it serves, refuses (vLLM's own ValueError) or runs out of memory. */
  readonly start:
    | { readonly outcome: 'serves' }
    | { readonly outcome: 'refuses' | 'out-of-memory'; readonly exitCode: number };
  /** Lines printed to the log before serving or failing, worded as the engine words them, marked simulated. */
  readonly logLines: readonly string[];
  readonly maxModelLen: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly kvBlocks: number;
  readonly blockSize: number;
  /** Time of one scheduler step, milliseconds: `base + perSequence x running + perKvToken x cached + perPrefillToken x prefilled`. */
  readonly step: {
    readonly baseMs: number;
    readonly perSequenceMs: number;
    readonly perKvTokenMs: number;
    readonly perPrefillTokenMs: number;
  };
  readonly noise: { readonly relativeDeviation: number; readonly seed: number };
}
