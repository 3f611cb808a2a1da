import type { ConfigFields } from './configFields.ts';
import { alike } from './decoder.ts';
import type { LayerFacts, OuterWeightGroup, StateMixer } from './facts.ts';
import type { ModelShape } from './family.ts';
import { outerWeights } from './parts.ts';

/** A model whose layers are of several kinds: `make` is asked once for each kind. */
export function hybridModel<Kind extends string | number>(
  fields: ConfigFields,
  model: {
    readonly hiddenSize: number;
    readonly vocabularySize: number;
    /** One entry a layer. */
    readonly kinds: readonly Kind[];
    readonly make: (kind: Kind) => LayerFacts;
    /** Width of a row of the rotary position table; 0 without one. */
    readonly rotarySize: number;
    readonly outer?: readonly OuterWeightGroup[];
  },
): ModelShape {
  const { hiddenSize, vocabularySize } = model;
  const tiedEmbeddings = fields.switch('tie_word_embeddings', false);
  return {
    hiddenSize,
    vocabularySize,
    layers: alike(model.kinds, model.make),
    outerWeights: [
      ...outerWeights({ hiddenSize, vocabularySize, tiedEmbeddings, finalNorm: hiddenSize }),
      ...(model.outer ?? []),
    ],
    tiedEmbeddings,
    rotarySize: model.rotarySize,
  };
}

/** True for each layer that attends over all tokens, by `layer_types` in its older and newer words, else by `otherwise`. */
export function attendingLayers(
  fields: ConfigFields,
  layerCount: number,
  otherwise: (layer: number) => boolean,
  names: readonly string[] = ['layer_types', 'layers_block_type'],
): readonly boolean[] {
  const name = names.find((candidate) => fields.value(candidate) !== undefined);
  const types = name === undefined ? undefined : fields.perLayer(name, layerCount);
  return Array.from({ length: layerCount }, (_, layer) => {
    const type = types?.[layer];
    return types === undefined ? otherwise(layer) : type === 'attention' || type === 'full_attention';
  });
}

/** `mamba_ssm_cache_dtype` (Nemotron-H) or `mamba_ssm_dtype` (Qwen3.5), where the file states one. */
export function stateDataType(fields: ConfigFields): Pick<StateMixer, 'stateDataType'> {
  const written = fields.value('mamba_ssm_cache_dtype') ?? fields.value('mamba_ssm_dtype');
  return written === 'float32' || written === 'bfloat16' || written === 'float16'
    ? { stateDataType: written }
    : {};
}
