import { type KnownModelEntry, sizes } from './entry.ts';

const bf16 = { torch_dtype: 'bfloat16' };
const siglip = {
  model_type: 'siglip_vision_model',
  hidden_size: 1152,
  intermediate_size: 4304,
  num_hidden_layers: 27,
  num_attention_heads: 16,
  patch_size: 14,
  image_size: 896,
  vision_use_head: false,
};

function gemma3(text: KnownModelEntry['config']): KnownModelEntry['config'] {
  return {
    model_type: 'gemma3',
    architectures: ['Gemma3ForConditionalGeneration'],
    ...bf16,
    text_config: {
      model_type: 'gemma3_text',
      ...text,
      max_position_embeddings: 131_072,
      sliding_window: 1024,
    },
    vision_config: siglip,
    mm_tokens_per_image: 256,
  };
}

function llama4(experts: number, step: number, context: number): KnownModelEntry['config'] {
  return {
    model_type: 'llama4',
    architectures: ['Llama4ForConditionalGeneration'],
    ...bf16,
    text_config: {
      model_type: 'llama4_text',
      ...sizes(5120, 8192, 48, 40, 8, 202_048),
      intermediate_size_mlp: 16_384,
      head_dim: 128,
      num_local_experts: experts,
      num_experts_per_tok: 1,
      interleave_moe_layer_step: step,
      attention_chunk_size: 8192,
      max_position_embeddings: context,
    },
    vision_config: {
      model_type: 'llama4_vision_model',
      hidden_size: 1408,
      intermediate_size: 5632,
      num_hidden_layers: 34,
      num_attention_heads: 16,
      patch_size: 14,
      image_size: 336,
      projector_input_dim: 4096,
      projector_output_dim: 4096,
      vision_output_dim: 4096,
    },
  };
}

const mistralSmall31 = {
  model_type: 'mistral3',
  architectures: ['Mistral3ForConditionalGeneration'],
  ...bf16,
  text_config: {
    model_type: 'mistral',
    ...sizes(5120, 32_768, 40, 32, 8, 131_072),
    head_dim: 128,
    max_position_embeddings: 131_072,
    sliding_window: null,
  },
  vision_config: {
    model_type: 'pixtral',
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    head_dim: 64,
    patch_size: 14,
    image_size: 1540,
  },
  spatial_merge_size: 2,
  multimodal_projector_bias: false,
  vision_feature_layer: -1,
  tie_word_embeddings: false,
};

function qwen25Vl(text: KnownModelEntry['config'], hidden: number, tied: boolean): KnownModelEntry['config'] {
  return {
    model_type: 'qwen2_5_vl',
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    ...bf16,
    ...text,
    max_position_embeddings: 128_000,
    tie_word_embeddings: tied,
    vision_config: {
      depth: 32,
      hidden_size: 1280,
      intermediate_size: hidden === 8192 ? 3456 : 3420,
      num_heads: 16,
      out_hidden_size: hidden,
    },
  };
}

/** Models that also see. */
export const visionModels: readonly KnownModelEntry[] = [
  {
    id: 'google/gemma-3-4b-it',
    aliases: ['google/gemma-3-4b-pt', 'gemma-3-4b'],
    config: gemma3({ ...sizes(2560, 10_240, 34, 8, 4, 262_208), head_dim: 256 }),
  },
  {
    id: 'google/gemma-3-12b-it',
    aliases: ['google/gemma-3-12b-pt', 'gemma-3-12b'],
    config: gemma3({ ...sizes(3840, 15_360, 48, 16, 8, 262_208), head_dim: 256 }),
  },
  {
    id: 'google/gemma-3-27b-it',
    aliases: ['google/gemma-3-27b-pt', 'gemma-3-27b'],
    config: gemma3({ ...sizes(5376, 21_504, 62, 32, 16, 262_208), head_dim: 128 }),
  },
  {
    id: 'meta-llama/Llama-4-Scout-17B-16E-Instruct',
    aliases: ['meta-llama/Llama-4-Scout-17B-16E', 'llama-4-scout'],
    config: llama4(16, 1, 10_485_760),
  },
  {
    id: 'meta-llama/Llama-4-Maverick-17B-128E-Instruct',
    aliases: ['meta-llama/Llama-4-Maverick-17B-128E', 'llama-4-maverick'],
    config: llama4(128, 2, 1_048_576),
  },
  {
    id: 'mistralai/Mistral-Small-3.2-24B-Instruct-2506',
    aliases: ['mistralai/Mistral-Small-3.1-24B-Instruct-2503', 'mistral-small-3.1', 'mistral-small-3.2'],
    config: mistralSmall31,
  },
  {
    id: 'Qwen/Qwen2.5-VL-3B-Instruct',
    config: qwen25Vl(sizes(2048, 11_008, 36, 16, 2, 151_936), 2048, true),
  },
  {
    id: 'Qwen/Qwen2.5-VL-7B-Instruct',
    config: qwen25Vl(sizes(3584, 18_944, 28, 28, 4, 152_064), 3584, false),
  },
  {
    id: 'Qwen/Qwen2.5-VL-72B-Instruct',
    config: qwen25Vl(sizes(8192, 29_568, 80, 64, 8, 152_064), 8192, false),
  },
  {
    id: 'Qwen/Qwen3-VL-8B-Instruct',
    aliases: ['Qwen/Qwen3-VL-8B-Thinking'],
    config: {
      model_type: 'qwen3_vl',
      architectures: ['Qwen3VLForConditionalGeneration'],
      ...bf16,
      text_config: {
        model_type: 'qwen3_vl_text',
        ...sizes(4096, 12_288, 36, 32, 8, 151_936),
        head_dim: 128,
        max_position_embeddings: 262_144,
      },
      vision_config: {
        depth: 27,
        hidden_size: 1152,
        intermediate_size: 4304,
        num_heads: 16,
        out_hidden_size: 4096,
        deepstack_visual_indexes: [8, 16, 24],
        patch_size: 16,
      },
      tie_word_embeddings: false,
    },
  },
];
