import type { Device } from '../device/device.ts';
import type { EstimateLoad } from '../estimate/types.ts';
import type { ModelFacts } from '../model/facts.ts';

/** What speed is computed from: the deployment as the engine resolved it. Bytes are of one rank. */
export interface SpeedInput {
  readonly model: ModelFacts;
  readonly device: Device;
  readonly load: EstimateLoad;
  /** Weights that a decode step reads: all but the input embedding. */
  readonly weightBytesPerStep: number;
  readonly kvBytesPerToken: number;
  /** Tokens that the KV cache holds. */
  readonly kvTokens: number;
  /** Parameters of the linear layers, of the whole model. */
  readonly linearParameters: number;
  readonly tensorParallelSize: number;
  readonly pipelineParallelSize: number;
  readonly maxNumSeqs: number;
  readonly eager: boolean;
  /** Element type of the matrix products. */
  readonly computeType: 'bfloat16' | 'float16' | 'fp8';
}
