import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { ModelFamily, ModelShape } from '../family.ts';
import { hybridModel, stateDataType } from '../hybrid.ts';
import { layer, type Mixer, norms } from '../parts.ts';
import { mamba1, mamba2 as mamba2Mixer } from '../stateParts.ts';

/** `time_step_rank` or `mamba_dt_rank`: "auto" is a sixteenth of the hidden size. */
export function timeStepRank(fields: ConfigFields, name: string, hiddenSize: number): number {
  const automatic = Math.ceil(hiddenSize / 16);
  return fields.value(name) === 'auto' ? automatic : fields.countOr(name, automatic, LIMITS.width);
}

/** One state space and one norm a layer, nothing else. */
function stateSpaceModel(fields: ConfigFields, mixer: (hiddenSize: number) => Mixer): ModelShape {
  const hiddenSize = fields.count('hidden_size', LIMITS.width);
  const layerCount = fields.count(['num_hidden_layers', 'n_layer'], LIMITS.layers);
  return hybridModel(fields, {
    hiddenSize,
    vocabularySize: fields.count('vocab_size', LIMITS.vocabulary),
    kinds: new Array<string>(layerCount).fill('mamba'),
    make: () => layer([mixer(hiddenSize)], undefined, norms(hiddenSize)),
    rotarySize: 0,
  });
}

function mamba1Shape(fields: ConfigFields): ModelShape {
  return stateSpaceModel(fields, (hiddenSize) =>
    mamba1(
      hiddenSize,
      {
        kind: 'mamba1',
        innerSize: fields.countOr(
          'intermediate_size',
          hiddenSize * fields.countOr('expand', 2, LIMITS.heads),
          LIMITS.width,
        ),
        stateSize: fields.countOr('state_size', 16, LIMITS.headSize),
        convKernel: fields.countOr('conv_kernel', 4, LIMITS.headSize),
        ...stateDataType(fields),
      },
      {
        timeStepRank: timeStepRank(fields, 'time_step_rank', hiddenSize),
        projectionBias: fields.switch('use_bias', false),
        convolutionBias: fields.switch('use_conv_bias', true),
      },
    ),
  );
}

/** Mamba 130M to 2.8B. */
export const mamba: ModelFamily = {
  modelType: 'mamba',
  architecture: 'MambaForCausalLM',
  defaults: { tie_word_embeddings: true },
  shape: mamba1Shape,
};

/** Falcon Mamba 7B: Mamba with norms without weights over the step, B and C. */
export const falconMamba: ModelFamily = {
  modelType: 'falcon_mamba',
  architecture: 'FalconMambaForCausalLM',
  defaults: { tie_word_embeddings: true },
  shape: mamba1Shape,
};

/** Mamba-2 and Mamba-Codestral. */
export const mamba2: ModelFamily = {
  modelType: 'mamba2',
  architecture: 'Mamba2ForCausalLM',
  defaults: { num_heads: 128, head_dim: 64, n_groups: 8, state_size: 128 },
  shape: (fields) =>
    stateSpaceModel(fields, (hiddenSize) =>
      mamba2Mixer(
        hiddenSize,
        {
          kind: 'mamba2',
          innerSize: hiddenSize * fields.countOr('expand', 2, LIMITS.heads),
          heads: fields.count('num_heads', LIMITS.heads),
          headSize: fields.count('head_dim', LIMITS.headSize),
          groups: fields.count('n_groups', LIMITS.heads),
          stateSize: fields.count('state_size', LIMITS.headSize),
          convKernel: fields.countOr('conv_kernel', 4, LIMITS.headSize),
          ...stateDataType(fields),
        },
        {
          projectionBias: fields.switch('use_bias', false),
          convolutionBias: fields.switch('use_conv_bias', true),
        },
      ),
    ),
};
