import { type KnownModelEntry, sizes } from './entry.ts';

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

const bf16 = { torch_dtype: 'bfloat16', tie_word_embeddings: false };
const qwen3Moe = {
  model_type: 'qwen3_moe',
  architectures: ['Qwen3MoeForCausalLM'],
  ...bf16,
  head_dim: 128,
  num_experts: 128,
  num_experts_per_tok: 8,
};
const qwen3Moe30b = {
  ...qwen3Moe,
  ...sizes(2048, 6144, 48, 32, 4, 151_936),
  moe_intermediate_size: 768,
};
const qwen3Moe235b = {
  ...qwen3Moe,
  ...sizes(4096, 12_288, 94, 64, 4, 151_936),
  moe_intermediate_size: 1536,
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
  ...qwen25Sizes
    .filter(({ size }) => size !== '72B')
    .map((size) => ({
      id: `Qwen/Qwen2.5-Coder-${size.size}-Instruct`,
      aliases: [`Qwen/Qwen2.5-Coder-${size.size}`],
      config: config(size, { ...qwen2, max_position_embeddings: 32_768 }),
    })),
  {
    id: 'Qwen/QwQ-32B',
    aliases: ['Qwen/QwQ-32B-Preview'],
    config: {
      ...qwen2,
      ...bf16,
      ...sizes(5120, 27_648, 64, 40, 8, 152_064),
      max_position_embeddings: 40_960,
    },
  },
  {
    id: 'deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B',
    config: { ...qwen2, ...bf16, ...sizes(1536, 8960, 28, 12, 2, 151_936), max_position_embeddings: 131_072 },
  },
  {
    id: 'deepseek-ai/DeepSeek-R1-Distill-Qwen-7B',
    config: {
      ...qwen2,
      ...bf16,
      ...sizes(3584, 18_944, 28, 28, 4, 152_064),
      max_position_embeddings: 131_072,
    },
  },
  {
    id: 'deepseek-ai/DeepSeek-R1-Distill-Qwen-14B',
    config: {
      ...qwen2,
      ...bf16,
      ...sizes(5120, 13_824, 48, 40, 8, 152_064),
      max_position_embeddings: 131_072,
    },
  },
  {
    id: 'deepseek-ai/DeepSeek-R1-Distill-Qwen-32B',
    config: {
      ...qwen2,
      ...bf16,
      ...sizes(5120, 27_648, 64, 40, 8, 152_064),
      max_position_embeddings: 131_072,
    },
  },
  {
    id: 'Qwen/Qwen3-4B-Instruct-2507',
    aliases: ['Qwen/Qwen3-4B-Thinking-2507'],
    config: {
      ...qwen3,
      ...bf16,
      ...sizes(2560, 9728, 36, 32, 8, 151_936),
      tie_word_embeddings: true,
      max_position_embeddings: 262_144,
    },
  },
  {
    id: 'Qwen/Qwen1.5-MoE-A2.7B',
    aliases: ['Qwen/Qwen1.5-MoE-A2.7B-Chat'],
    config: {
      model_type: 'qwen2_moe',
      architectures: ['Qwen2MoeForCausalLM'],
      ...bf16,
      ...sizes(2048, 5632, 24, 16, 16, 151_936),
      num_experts: 60,
      num_experts_per_tok: 4,
      moe_intermediate_size: 1408,
      shared_expert_intermediate_size: 5632,
      max_position_embeddings: 8192,
    },
  },
  { id: 'Qwen/Qwen3-30B-A3B', config: { ...qwen3Moe30b, max_position_embeddings: 40_960 } },
  {
    id: 'Qwen/Qwen3-30B-A3B-Instruct-2507',
    aliases: ['Qwen/Qwen3-30B-A3B-Thinking-2507'],
    config: { ...qwen3Moe30b, max_position_embeddings: 262_144 },
  },
  {
    id: 'Qwen/Qwen3-Coder-30B-A3B-Instruct',
    aliases: ['qwen3-coder-30b'],
    config: { ...qwen3Moe30b, max_position_embeddings: 262_144 },
  },
  { id: 'Qwen/Qwen3-235B-A22B', config: { ...qwen3Moe235b, max_position_embeddings: 40_960 } },
  {
    id: 'Qwen/Qwen3-235B-A22B-Instruct-2507',
    aliases: ['Qwen/Qwen3-235B-A22B-Thinking-2507'],
    config: { ...qwen3Moe235b, max_position_embeddings: 262_144 },
  },
  {
    id: 'Qwen/Qwen3-Coder-480B-A35B-Instruct',
    aliases: ['qwen3-coder-480b'],
    config: {
      ...qwen3Moe,
      ...sizes(6144, 8192, 62, 96, 8, 151_936),
      num_experts: 160,
      moe_intermediate_size: 2560,
      max_position_embeddings: 262_144,
    },
  },
];
