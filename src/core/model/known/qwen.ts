import type { KnownModelEntry } from './entry.ts';

interface QwenSize {
  readonly size: string;
  readonly hidden: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly vocabulary: number;
  readonly tied: boolean;
}

const qwen25Sizes: readonly QwenSize[] = [
  {
    size: '0.5B',
    hidden: 896,
    intermediate: 4864,
    layers: 24,
    heads: 14,
    keyValueHeads: 2,
    vocabulary: 151_936,
    tied: true,
  },
  {
    size: '1.5B',
    hidden: 1536,
    intermediate: 8960,
    layers: 28,
    heads: 12,
    keyValueHeads: 2,
    vocabulary: 151_936,
    tied: true,
  },
  {
    size: '3B',
    hidden: 2048,
    intermediate: 11_008,
    layers: 36,
    heads: 16,
    keyValueHeads: 2,
    vocabulary: 151_936,
    tied: true,
  },
  {
    size: '7B',
    hidden: 3584,
    intermediate: 18_944,
    layers: 28,
    heads: 28,
    keyValueHeads: 4,
    vocabulary: 152_064,
    tied: false,
  },
  {
    size: '14B',
    hidden: 5120,
    intermediate: 13_824,
    layers: 48,
    heads: 40,
    keyValueHeads: 8,
    vocabulary: 152_064,
    tied: false,
  },
  {
    size: '32B',
    hidden: 5120,
    intermediate: 27_648,
    layers: 64,
    heads: 40,
    keyValueHeads: 8,
    vocabulary: 152_064,
    tied: false,
  },
  {
    size: '72B',
    hidden: 8192,
    intermediate: 29_568,
    layers: 80,
    heads: 64,
    keyValueHeads: 8,
    vocabulary: 152_064,
    tied: false,
  },
];

const qwen3Sizes: readonly QwenSize[] = [
  {
    size: '0.6B',
    hidden: 1024,
    intermediate: 3072,
    layers: 28,
    heads: 16,
    keyValueHeads: 8,
    vocabulary: 151_936,
    tied: true,
  },
  {
    size: '1.7B',
    hidden: 2048,
    intermediate: 6144,
    layers: 28,
    heads: 16,
    keyValueHeads: 8,
    vocabulary: 151_936,
    tied: true,
  },
  {
    size: '4B',
    hidden: 2560,
    intermediate: 9728,
    layers: 36,
    heads: 32,
    keyValueHeads: 8,
    vocabulary: 151_936,
    tied: true,
  },
  {
    size: '8B',
    hidden: 4096,
    intermediate: 12_288,
    layers: 36,
    heads: 32,
    keyValueHeads: 8,
    vocabulary: 151_936,
    tied: false,
  },
  {
    size: '14B',
    hidden: 5120,
    intermediate: 17_408,
    layers: 40,
    heads: 40,
    keyValueHeads: 8,
    vocabulary: 151_936,
    tied: false,
  },
  {
    size: '32B',
    hidden: 5120,
    intermediate: 25_600,
    layers: 64,
    heads: 64,
    keyValueHeads: 8,
    vocabulary: 151_936,
    tied: false,
  },
];

function config(size: QwenSize, family: Readonly<Record<string, unknown>>): KnownModelEntry['config'] {
  return {
    ...family,
    torch_dtype: 'bfloat16',
    hidden_size: size.hidden,
    intermediate_size: size.intermediate,
    num_hidden_layers: size.layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.keyValueHeads,
    vocab_size: size.vocabulary,
    tie_word_embeddings: size.tied,
    use_sliding_window: false,
  };
}

const qwen2 = { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'] };
const qwen3 = {
  model_type: 'qwen3',
  architectures: ['Qwen3ForCausalLM'],
  head_dim: 128,
  max_position_embeddings: 40_960,
};

export const qwenModels: readonly KnownModelEntry[] = [
  // The small base models were trained for 32,768 tokens, as were all of the instruct ones.
  ...qwen25Sizes.flatMap((size) => {
    const baseContext = ['0.5B', '3B'].includes(size.size) ? 32_768 : 131_072;
    return [
      {
        id: `Qwen/Qwen2.5-${size.size}`,
        config: config(size, { ...qwen2, max_position_embeddings: baseContext }),
      },
      {
        id: `Qwen/Qwen2.5-${size.size}-Instruct`,
        config: config(size, { ...qwen2, max_position_embeddings: 32_768 }),
      },
    ];
  }),
  ...qwen3Sizes.map((size) => ({ id: `Qwen/Qwen3-${size.size}`, config: config(size, qwen3) })),
];
