/**
 * What no formula gives, from the recording of Hugging Face transformers on one H200 (test/fixtures/static-batch): Llama-3.1-8B at
 * batch 1 to 256 and LLaMA-1-30B at 1 to 32, bfloat16, prompts of 512 tokens and 64 new ones.
 */
export const staticBatchRecording =
  'seen with Hugging Face transformers on one H200, Llama-3.1-8B and LLaMA-1-30B';

/** The CUDA context, as recorded: `cuda_context`. */
export const CONTEXT_BYTES = 650_969_088;

/** Kernels and handles that are loaded with the first batches: memory used as NVML sees it, less base, context and torch's. */
export const KERNEL_BYTES = { bytes: 140_000_000, lowBytes: 80_000_000, highBytes: 250_000_000 } as const;

/** One workspace of the matrix library, which stays allocated. */
export const WORKSPACE_BYTES = 32 * 1024 * 1024;

/**
 * What torch's caching allocator holds at the end of generation: this part of the cache, which every step copies into larger
 * buffers, and this part of the prefill's activations. Within 1 % of the recorded `reserved` from batch 8 on, for both models.
 */
export const HELD_PART = { cache: 1.654, activations: 0.5 } as const;
/** Old and new buffers both held, and the prefill's activations whole. */
export const HELD_PART_HIGH = { cache: 2, activations: 1 } as const;

/** Speeds of the same recording: a launch-bound step, and the part of the dense peak that a prefill reaches. */
export const staticBatchSpeed = {
  /** A decode step's own cost on the host, and each layer's launches. */
  stepMs: 24,
  layerMs: 0.465,
  /** A prefill's cost beside its arithmetic. */
  prefillMs: 25,
  compute: 0.515,
  bandwidth: 0.7,
  relativeBand: 0.25,
  source:
    'fitted to Hugging Face transformers on one H200 (Llama-3.1-8B, LLaMA-1-30B), assumed for other GPUs and programs',
} as const;
