import { type KnownModelEntry, sizes } from './entry.ts';

const bf16 = { torch_dtype: 'bfloat16', max_position_embeddings: 8192, head_dim: 256 };
const gemma1 = { model_type: 'gemma', architectures: ['GemmaForCausalLM'], ...bf16 };
const gemma2 = {
  model_type: 'gemma2',
  architectures: ['Gemma2ForCausalLM'],
  ...bf16,
  sliding_window: 4096,
};

export const gemmaModels: readonly KnownModelEntry[] = [
  {
    id: 'google/gemma-2b',
    aliases: ['google/gemma-2b-it'],
    config: { ...gemma1, ...sizes(2048, 16_384, 18, 8, 1, 256_000) },
  },
  {
    id: 'google/gemma-7b',
    aliases: ['google/gemma-7b-it'],
    config: { ...gemma1, ...sizes(3072, 24_576, 28, 16, 16, 256_000) },
  },
  {
    id: 'google/gemma-2-2b',
    aliases: ['google/gemma-2-2b-it'],
    config: { ...gemma2, ...sizes(2304, 9216, 26, 8, 4, 256_000) },
  },
  {
    id: 'google/gemma-2-9b',
    aliases: ['google/gemma-2-9b-it'],
    config: { ...gemma2, ...sizes(3584, 14_336, 42, 16, 8, 256_000) },
  },
  {
    id: 'google/gemma-2-27b',
    aliases: ['google/gemma-2-27b-it'],
    config: { ...gemma2, ...sizes(4608, 36_864, 46, 32, 16, 256_000), head_dim: 128 },
  },
  {
    id: 'google/gemma-3-1b-it',
    aliases: ['google/gemma-3-1b-pt', 'gemma-3-1b'],
    config: {
      model_type: 'gemma3_text',
      architectures: ['Gemma3ForCausalLM'],
      torch_dtype: 'bfloat16',
      ...sizes(1152, 6912, 26, 4, 1, 262_144),
      head_dim: 256,
      max_position_embeddings: 32_768,
      sliding_window: 512,
      sliding_window_pattern: 6,
    },
  },
];
