import { commonSizes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { norms } from '../parts.ts';

/** GPT-2: learned positions, biases everywhere, a tied head, no grouped queries. */
export const gpt2: ModelFamily = {
  modelType: 'gpt2',
  architecture: 'GPT2LMHeadModel',
  defaults: { tie_word_embeddings: true },
  shape: (fields) => gptShape(fields, false),
  maxPositionEmbeddings: (fields) => positions(fields, 1024),
};

/** StarCoder 1 and SantaCoder: GPT-2 with one key and value head for all queries. */
export const gptBigCode: ModelFamily = {
  modelType: 'gpt_bigcode',
  architecture: 'GPTBigCodeForCausalLM',
  defaults: { tie_word_embeddings: true },
  shape: (fields) => gptShape(fields, fields.switch('multi_query', true)),
  maxPositionEmbeddings: (fields) => positions(fields, 1024),
};

function positions(fields: ConfigFields, fallback: number): number {
  return fields.countOr(['n_positions', 'max_position_embeddings'], fallback, LIMITS.tokens);
}

function gptShape(fields: ConfigFields, multiQuery: boolean) {
  const sizes = evenHeads(fields.withValues({ num_key_value_heads: multiQuery ? 1 : null }));
  return decoder(fields, sizes, {
    attention: { queryKeyValueBias: true, outputBias: true },
    mlp: { gated: false, bias: true },
    normBias: true,
    positionRows: positions(fields, 1024),
  });
}

/** The sizes of families whose MLP is four times as wide as the hidden size unless the file says otherwise. */
function evenHeads(fields: ConfigFields) {
  const sizes = commonSizes(fields, { intermediateSize: false });
  if (sizes.hiddenSize % sizes.queryHeads !== 0) {
    fields.reject('n_head', `a divisor of n_embd (${sizes.hiddenSize})`);
  }
  return { ...sizes, intermediateSize: sizes.intermediateSize || 4 * sizes.hiddenSize };
}

/** GPT-1: norms after the parts, none after the last layer. */
export const openaiGpt: ModelFamily = {
  modelType: 'openai-gpt',
  architecture: 'OpenAIGPTLMHeadModel',
  defaults: { tie_word_embeddings: true },
  shape: (fields) =>
    decoder(fields, evenHeads(fields), {
      attention: { queryKeyValueBias: true, outputBias: true },
      mlp: { gated: false, bias: true },
      normBias: true,
      finalNorm: 0,
      positionRows: positions(fields, 512),
    }),
  maxPositionEmbeddings: (fields) => positions(fields, 512),
};

/** GPT-J and CodeGen: one norm a layer, no attention biases, a bias of the head. */
export const gptj: ModelFamily = {
  modelType: 'gptj',
  aliases: ['codegen'],
  architecture: 'GPTJForCausalLM',
  otherArchitectures: ['CodeGenForCausalLM'],
  defaults: { rotary_dim: 64 },
  shape: (fields) =>
    decoder(fields, evenHeads(fields), {
      mlp: { gated: false, bias: true },
      layerNorms: 1,
      normBias: true,
      headBias: true,
    }),
  maxPositionEmbeddings: (fields) => positions(fields, 2048),
};

/** GPT-NeoX and Pythia: biases everywhere, an untied head, a quarter of a head rotates. */
export const gptNeoX: ModelFamily = {
  modelType: 'gpt_neox',
  architecture: 'GPTNeoXForCausalLM',
  defaults: { attention_bias: true, rotary_pct: 0.25, max_position_embeddings: 2048 },
  shape(fields) {
    const bias = fields.switch('attention_bias', true);
    const sizes = commonSizes(fields.withValues({ num_key_value_heads: null }));
    return decoder(fields, sizes, {
      attention: { queryKeyValueBias: bias, outputBias: bias },
      mlp: { gated: false, bias: true },
      normBias: true,
    });
  },
};

/** GPT-Neo: a bias of the output projection alone. Its local layers look back `window_size` tokens. */
export const gptNeo: ModelFamily = {
  modelType: 'gpt_neo',
  architecture: 'GPTNeoForCausalLM',
  defaults: { tie_word_embeddings: true, max_position_embeddings: 2048 },
  shape: (fields) =>
    decoder(fields, evenHeads(fields), {
      attention: { outputBias: true },
      mlp: { gated: false, bias: true },
      normBias: true,
      positionRows: fields.countOr('max_position_embeddings', 2048, LIMITS.tokens),
    }),
};

/** BLOOM: biases everywhere, a norm after the embedding, ALiBi instead of positions. */
export const bloom: ModelFamily = {
  modelType: 'bloom',
  architecture: 'BloomForCausalLM',
  otherArchitectures: ['BloomModel'],
  defaults: { tie_word_embeddings: true },
  shape(fields) {
    const read = commonSizes(fields, { intermediateSize: false });
    const sizes = { ...read, intermediateSize: 4 * read.hiddenSize };
    return decoder(fields, sizes, {
      attention: { queryKeyValueBias: true, outputBias: true },
      mlp: { gated: false, bias: true },
      normBias: true,
      rotarySize: 0,
      outer: [{ ...norms(sizes.hiddenSize, 1, true), stage: 'first' }],
    });
  },
  maxPositionEmbeddings: (fields) =>
    fields.countOr(['max_position_embeddings', 'seq_length'], 2048, LIMITS.tokens),
};

/** MPT: no biases, norms without bias, ALiBi instead of positions, a tied head. */
export const mpt: ModelFamily = {
  modelType: 'mpt',
  architecture: 'MptForCausalLM',
  otherArchitectures: ['MPTForCausalLM'],
  defaults: { tie_word_embeddings: true },
  shape(fields) {
    const keyValueHeads = fields.section('attn_config')?.value('kv_n_heads') ?? null;
    const read = commonSizes(fields.withValues({ num_key_value_heads: keyValueHeads }), {
      intermediateSize: false,
    });
    return decoder(
      fields,
      { ...read, intermediateSize: 4 * read.hiddenSize },
      {
        mlp: { gated: false },
        rotarySize: 0,
      },
    );
  },
  maxPositionEmbeddings: (fields) => fields.countOr('max_seq_len', 2048, LIMITS.tokens),
};
