import type { FlagEffect, FlagKind } from '../../engine.ts';

interface DescribedFlag {
  readonly kind: FlagKind;
  readonly description: string;
  /** The term that it changes first; left out where it changes none. */
  readonly effect?: FlagEffect;
}

/** Options that enter the estimate, or that it says something about. */
export const describedFlags: Readonly<Record<string, DescribedFlag>> = {
  model: { kind: 'string', description: 'Hub id or folder of the model.' },
  'max-model-len': {
    kind: 'integer',
    description:
      'Longest prompt plus output, in tokens. Default: the longest that the model was made for. One request of this length must fit the KV cache.',
    effect: 'kv-cache',
  },
  'gpu-memory-utilization': {
    kind: 'number',
    description:
      "Part of the GPU's memory that the engine asks for, 0 to 1. What weights and activations leave of it becomes KV cache.",
    effect: 'budget',
  },
  'max-num-seqs': {
    kind: 'integer',
    description: 'Most requests that run at once.',
    effect: 'activation-peak',
  },
  'max-num-batched-tokens': {
    kind: 'integer',
    description: 'Most tokens in one step; sets the activation peak.',
    effect: 'activation-peak',
  },
  'tensor-parallel-size': {
    kind: 'integer',
    description: 'GPUs that each layer is split over.',
    effect: 'parallelism',
  },
  'pipeline-parallel-size': {
    kind: 'integer',
    description: 'Groups of GPUs that the layers are dealt to.',
    effect: 'parallelism',
  },
  'data-parallel-size': {
    kind: 'integer',
    description: 'Copies of the model behind one endpoint.',
    effect: 'parallelism',
  },
  'decode-context-parallel-size': {
    kind: 'integer',
    description: 'GPUs that the KV cache of a sequence is split over.',
    effect: 'parallelism',
  },
  'prefill-context-parallel-size': {
    kind: 'integer',
    description: 'GPUs that a prompt is split over.',
    effect: 'parallelism',
  },
  dtype: {
    kind: 'string',
    description: 'Element type of weights and activations: auto, bfloat16, float16 (half), float32 (float).',
    effect: 'weights',
  },
  'kv-cache-dtype': {
    kind: 'string',
    description: 'Element type of the KV cache: auto, bfloat16, float16, fp8, fp8_e4m3, fp8_e5m2.',
    effect: 'kv-cache',
  },
  'block-size': { kind: 'integer', description: 'Tokens in one block of the KV cache.', effect: 'kv-cache' },
  'enforce-eager': {
    kind: 'switch',
    description: 'Run without compilation and CUDA graphs: less memory, slower decode.',
    effect: 'graphs',
  },
  quantization: {
    kind: 'string',
    description: 'How the weights are quantised. fp8 does it while loading.',
    effect: 'weights',
  },
  'kv-cache-memory-bytes': {
    kind: 'integer',
    description: 'KV cache in bytes; gpu-memory-utilization is then ignored.',
    effect: 'budget',
  },
  'num-gpu-blocks-override': {
    kind: 'integer',
    description: 'KV-cache blocks, whatever the profiling says.',
    effect: 'kv-cache',
  },
  'async-scheduling': {
    kind: 'switch',
    description: 'Schedule the next step while one runs. Default: on.',
    effect: 'kv-cache',
  },
  'enable-chunked-prefill': {
    kind: 'switch',
    description: 'Split long prompts over steps. Default: on.',
    effect: 'activation-peak',
  },
  'enable-prefix-caching': {
    kind: 'switch',
    description: 'Keep the KV cache of common prefixes. Default: on.',
    effect: 'kv-cache',
  },
  'disable-sliding-window': {
    kind: 'switch',
    description: 'Cap the context to the window and treat every layer as full.',
    effect: 'kv-cache',
  },
  'speculative-config': { kind: 'json', description: 'Speculative decoding.', effect: 'weights' },
  'enable-lora': { kind: 'switch', description: 'Serve LoRA adapters.', effect: 'weights' },
  'max-loras': { kind: 'integer', description: 'LoRA adapters in one batch.', effect: 'weights' },
  'max-lora-rank': {
    kind: 'string',
    description: 'Largest LoRA rank; this rank is what is allocated.',
    effect: 'weights',
  },
  'cpu-offload-gb': {
    kind: 'number',
    description: 'Weights kept in host memory, GiB a GPU.',
    effect: 'weights',
  },
  'enable-expert-parallel': {
    kind: 'switch',
    description: 'Deal experts to GPUs instead of splitting them.',
    effect: 'parallelism',
  },
  'hf-overrides': {
    kind: 'json',
    description: "Values that replace those of the model's config.json.",
    effect: 'weights',
  },
  'compilation-config': { kind: 'json', description: 'Compilation and CUDA graphs.', effect: 'graphs' },
  'optimization-level': { kind: 'string', description: 'Compilation preset.', effect: 'graphs' },
  'performance-mode': {
    kind: 'string',
    description: 'balanced, interactivity or throughput; throughput doubles the batch defaults.',
    effect: 'activation-peak',
  },
  'served-model-name': { kind: 'string', description: 'Name that the API answers to.' },
  tokenizer: { kind: 'string', description: 'Hub id or folder of the tokenizer.' },
  'trust-remote-code': { kind: 'switch', description: "Run the model repository's own code." },
  'load-format': { kind: 'string', description: 'Format of the weight files; dummy makes random ones.' },
  revision: { kind: 'string', description: 'Branch, tag or commit of the model.' },
  seed: { kind: 'integer', description: 'Seed of the random numbers.' },
  'fully-sharded-loras': {
    kind: 'switch',
    description: 'Split both LoRA matrices over tensor-parallel ranks, not only one.',
    effect: 'weights',
  },
  'limit-mm-per-prompt': {
    kind: 'json',
    description: 'Images, videos and audio a prompt; all 0 leaves the encoder out.',
    effect: 'weights',
  },
  'cudagraph-capture-sizes': {
    kind: 'json',
    description: 'Batch sizes that CUDA graphs are captured for.',
    effect: 'graphs',
  },
  'max-cudagraph-capture-size': {
    kind: 'integer',
    description: 'Largest batch size that CUDA graphs are captured for.',
    effect: 'graphs',
  },
  'swap-space': {
    kind: 'number',
    description: 'Host memory a GPU for requests that are put aside, GiB; takes none of the GPU.',
  },
  'lora-extra-vocab-size': {
    kind: 'integer',
    description: 'Rows of vocabulary that adapters may add.',
    effect: 'weights',
  },
  'mm-encoder-tp-mode': {
    kind: 'string',
    description: 'weights splits the encoder over ranks, data repeats it.',
    effect: 'weights',
  },
  'mamba-cache-dtype': {
    kind: 'string',
    description: 'Element type of the state of state-space layers.',
    effect: 'kv-cache',
  },
  'mamba-ssm-cache-dtype': {
    kind: 'string',
    description: 'Element type of the recurrent state.',
    effect: 'kv-cache',
  },
  'mamba-block-size': {
    kind: 'integer',
    description: 'Tokens between kept states, with prefix caching.',
    effect: 'kv-cache',
  },
};

/** Other spellings, with their dashes where they are short. */
export const shortAliases: Readonly<Record<string, readonly string[]>> = {
  'tensor-parallel-size': ['-tp'],
  'pipeline-parallel-size': ['-pp'],
  'data-parallel-size': ['-dp'],
  'decode-context-parallel-size': ['-dcp'],
  'prefill-context-parallel-size': ['-pcp'],
  quantization: ['-q'],
  'kv-cache-memory-bytes': ['kv-cache-memory'],
  'speculative-config': ['-sc'],
  'enable-expert-parallel': ['-ep'],
  'compilation-config': ['-cc'],
  'optimization-level': ['-O'],
  nnodes: ['-n'],
  'node-rank': ['-r'],
  'data-parallel-rank': ['-dpn'],
  'data-parallel-start-rank': ['-dpr'],
  'data-parallel-size-local': ['-dpl'],
  'data-parallel-address': ['-dpa'],
  'data-parallel-rpc-port': ['-dpp'],
  'data-parallel-backend': ['-dpb'],
  'data-parallel-hybrid-lb': ['-dph'],
  'data-parallel-external-lb': ['-dpe'],
  'api-server-count': ['-asc'],
  'data-parallel-multi-port-external-lb': ['-dpm'],
  'diffusion-config': ['-dc'],
  'attention-config': ['-ac'],
};
