/** One engine launch, as the user wrote it. Core resolves it; text finds it. */

/** A flag's value as written, already split into words or YAML scalars. `true` is a bare switch. */
export type FlagValue = string | number | boolean | readonly (string | number)[];

/** `serve`: the OpenAI server. `llm`: the offline class. Their defaults differ (vLLM's `get_batch_defaults`, engine/arg_utils.py). */
export type Entrypoint = 'serve' | 'llm';

export interface Deployment {
  /** Folder name in core/engine: `vllm`. */
  readonly engine: string;
  /** `0.26.0`; left out where nothing says it. */
  readonly engineVersion?: string;
  readonly entrypoint: Entrypoint;
  /** As written: hub id or path. Left out where the command names none. */
  readonly model?: string;
  /** Canonical long names without dashes in front: `max-model-len`. */
  readonly flags: Readonly<Record<string, FlagValue>>;
  /** Variables that change what the engine does: `VLLM_USE_V2_MODEL_RUNNER`, `CUDA_VISIBLE_DEVICES`. Never a secret. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What the deployment is to run on, as written in a comment, a setting or an option. */
export interface Target {
  /** Device id, alias or the driver's name. */
  readonly gpu: string;
  readonly gpuCount: number;
}
