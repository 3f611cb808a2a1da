import type { Knee, SearchResult } from '../cellResult.ts';
import type { Question } from '../planSchema.ts';
import type { CellResult, HourlyPrice, RunMode, ServiceLevel } from '../run.ts';

/** What an answer is made from. */
export interface AnswerInput {
  readonly question: Question | null;
  readonly cells: readonly CellResult[];
  readonly limits: ServiceLevel | null;
  readonly mode: RunMode;
  /** Device id, or the driver's name. */
  readonly device: string;
  /** As CUDA sees it, of one GPU; null where the GPU is not known. */
  readonly gpuBytes: number | null;
  /** Null where none is known. */
  readonly price: HourlyPrice | null;
  readonly knees: readonly Knee[];
  readonly searches: readonly SearchResult[];
}

export interface PartialAnswer {
  /** The deciding one first; none where there is no answer. */
  readonly sentences: readonly string[];
  /** What stands in the way of one, or of a better one. */
  readonly warnings?: readonly string[];
}
