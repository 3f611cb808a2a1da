import { commonSizes } from '../commonFields.ts';
import { ConfigFields, isRecord, LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { LayerFacts } from '../facts.ts';
import type { ModelFamily } from '../family.ts';
import { denseMlp, headAttention, layer, norms } from '../parts.ts';

/** Llama-Nemotron Super and Ultra, found by search: each layer has its own heads and width, or no attention or no MLP at all. */
export const nemotronNas: ModelFamily = {
  modelType: 'nemotron-nas',
  aliases: ['deci'],
  architecture: 'DeciLMForCausalLM',
  defaults: { max_position_embeddings: 131_072 },
  shape(fields) {
    const sizes = commonSizes(fields.withValues({ num_key_value_heads: null }), { intermediateSize: false });
    const blocks = fields.perLayer('block_configs', sizes.layerCount);
    if (blocks === undefined) fields.count('block_configs', LIMITS.layers);
    const bias = fields.switch('attention_bias', false);
    const mlpBias = fields.switch('mlp_bias', false);
    const made = new Map<string, LayerFacts>();
    const layers = (blocks ?? []).map((block) => {
      const key = JSON.stringify(block) ?? '';
      const before = made.get(key);
      if (before !== undefined) return before;
      const read = new ConfigFields(isRecord(block) ? block : {}, ['block_configs'], fields.problems);
      const keyValueHeads = keyValueHeadsOf(read, sizes.queryHeads);
      const width = widthOf(read, sizes.hiddenSize);
      const { queryHeads, headSize, hiddenSize } = sizes;
      const mixers =
        keyValueHeads === undefined
          ? []
          : [
              headAttention(
                hiddenSize,
                { kind: 'full', queryHeads, keyValueHeads, headSize },
                { queryKeyValueBias: bias, outputBias: bias },
              ),
            ];
      const mlp =
        width === undefined ? undefined : denseMlp(hiddenSize, { width, gated: true, bias: mlpBias });
      const parts = mixers.length + (mlp === undefined ? 0 : 1);
      const facts = layer(mixers, mlp, norms(hiddenSize, parts));
      made.set(key, facts);
      return facts;
    });
    return { ...decoder(fields, sizes, { mixers: [] }), layers };
  },
};

/** Undefined where the layer has no attention. */
function keyValueHeadsOf(block: ConfigFields, queryHeads: number): number | undefined {
  const attention = block.section('attention');
  if (attention === undefined || attention.value('no_op') === true) return undefined;
  const group = attention.countOr('n_heads_in_group', 1, queryHeads);
  return attention.countOr('num_key_value_heads', Math.max(1, Math.floor(queryHeads / group)), LIMITS.heads);
}

/** Undefined where the layer has no MLP. A multiple of the hidden size is two thirds of it, rounded up to 256. */
function widthOf(block: ConfigFields, hiddenSize: number): number | undefined {
  const ffn = block.section('ffn');
  if (ffn === undefined || ffn.value('no_op') === true) return undefined;
  const multiple = ffn.positiveNumber('ffn_mult');
  if (multiple === undefined) return ffn.count('intermediate_size', LIMITS.width);
  const width = Math.ceil(Math.floor((2 * multiple * hiddenSize) / 3) / 256) * 256;
  if (width >= 1 && width <= LIMITS.width) return width;
  ffn.reject('ffn_mult', `one that makes a width of 1 to ${LIMITS.width}`);
  return 1;
}
