import type { StateMixer, WeightGroup } from './facts.ts';
import { linear, type Mixer, vector } from './parts.ts';

type StateOf<Kind extends StateMixer['kind']> = Extract<StateMixer, { readonly kind: Kind }>;

/** A causal convolution over each channel by itself. */
function convolution(module: string, channels: number, kernel: number, bias: boolean): WeightGroup {
  return vector('attention', module, channels * (kernel + (bias ? 1 : 0)), 'split');
}

/** The selective state space of Mamba (Gu and Dao 2023). `innerNorms`: norms over the step, B and C (Jamba). */
export function mamba1(
  hiddenSize: number,
  mixer: StateOf<'mamba1'>,
  options: {
    readonly timeStepRank: number;
    readonly projectionBias?: boolean;
    readonly convolutionBias?: boolean;
    readonly innerNorms?: boolean;
    readonly module?: string;
  },
): Mixer {
  const { innerSize, stateSize, convKernel } = mixer;
  const { timeStepRank, projectionBias = false, convolutionBias = true, module = 'mixer' } = options;
  const weights = [
    ...linear('attention', module, { inputs: hiddenSize, outputs: 2 * innerSize, bias: projectionBias }),
    convolution(module, innerSize, convKernel, convolutionBias),
    ...linear('attention', module, { inputs: innerSize, outputs: timeStepRank + 2 * stateSize }),
    ...linear('attention', module, { inputs: timeStepRank, outputs: innerSize, bias: true }),
    // A and D.
    vector('attention', module, innerSize * (stateSize + 1), 'split'),
    ...linear('attention', module, { inputs: innerSize, outputs: hiddenSize }),
  ];
  if (projectionBias) weights.push(vector('attention', module, hiddenSize));
  if (options.innerNorms) weights.push(vector('norms', 'norm', timeStepRank + 2 * stateSize));
  return { mixer, weights };
}

/** The state-space duality of Mamba-2 (Dao and Gu 2024). `gatedNorm` false where no norm follows the state. */
export function mamba2(
  hiddenSize: number,
  mixer: StateOf<'mamba2'>,
  options: {
    readonly projectionBias?: boolean;
    /** Of the output alone; left out: as `projectionBias`. */
    readonly outputBias?: boolean;
    readonly convolutionBias?: boolean;
    readonly gatedNorm?: boolean;
    readonly module?: string;
  } = {},
): Mixer {
  const { innerSize, heads, groups, stateSize, convKernel } = mixer;
  const { projectionBias = false, convolutionBias = true, gatedNorm = true, module = 'mixer' } = options;
  const { outputBias = projectionBias } = options;
  const convolved = innerSize + 2 * groups * stateSize;
  const weights = [
    ...linear('attention', module, {
      inputs: hiddenSize,
      outputs: 2 * innerSize + heads,
      bias: projectionBias,
    }),
    // B and C: a single group is on every rank (vLLM 0.33, layers/mamba/mamba_mixer2.py).
    ...linear('attention', module, {
      inputs: hiddenSize,
      outputs: convolved - innerSize,
      bias: projectionBias,
      sharding: groups === 1 ? 'replicated' : 'split',
    }),
    convolution(module, convolved, convKernel, convolutionBias),
    // A, D and the step's bias.
    vector('attention', module, 3 * heads, 'split'),
    ...linear('attention', module, { inputs: innerSize, outputs: hiddenSize }),
  ];
  if (gatedNorm) weights.push(vector('norms', module, innerSize, 'split'));
  if (outputBias) weights.push(vector('attention', module, hiddenSize));
  return { mixer, weights };
}

/** Gated delta rule of Qwen3-Next: query, key, value and gate out of one projection. */
export function gatedDeltaNet(
  hiddenSize: number,
  mixer: StateOf<'gated-delta'>,
  options: { readonly module?: string } = {},
): Mixer {
  const { keyHeads, valueHeads, keyHeadSize, valueHeadSize, convKernel } = mixer;
  const { module = 'linear_attn' } = options;
  const keys = keyHeads * keyHeadSize;
  const values = valueHeads * valueHeadSize;
  return {
    mixer,
    weights: [
      ...linear('attention', module, {
        inputs: hiddenSize,
        outputs: 2 * keys + 2 * values + 2 * valueHeads,
      }),
      convolution(module, 2 * keys + values, convKernel, false),
      // A and the step's bias.
      vector('attention', module, 2 * valueHeads, 'split'),
      vector('norms', 'norm', valueHeadSize),
      ...linear('attention', module, { inputs: values, outputs: hiddenSize }),
    ],
  };
}

/** Kimi Delta Attention (Kimi Linear): a decay for each channel, out of a low-rank projection as the gate is. */
export function kimiDelta(
  hiddenSize: number,
  mixer: StateOf<'kimi-delta'>,
  options: {
    /** True where decay and gate have a whole projection each (Ling and Ring 2.5). */
    readonly wholeGates?: boolean;
    readonly module?: string;
  } = {},
): Mixer {
  const { heads, headSize, convKernel } = mixer;
  const { module = 'self_attn', wholeGates = false } = options;
  const inner = heads * headSize;
  const gates = wholeGates
    ? linear('attention', module, { inputs: hiddenSize, outputs: inner, copies: 2 })
    : [
        ...linear('attention', module, {
          inputs: hiddenSize,
          outputs: headSize,
          copies: 2,
          sharding: 'replicated',
        }),
        ...linear('attention', module, { inputs: headSize, outputs: inner, copies: 2 }),
      ];
  return {
    mixer,
    weights: [
      ...linear('attention', module, { inputs: hiddenSize, outputs: 3 * inner + heads }),
      convolution(module, 3 * inner, convKernel, false),
      ...gates,
      // The step's bias and A.
      vector('attention', module, inner + heads, 'split'),
      vector('norms', 'norm', headSize),
      ...linear('attention', module, { inputs: inner, outputs: hiddenSize }),
    ],
  };
}

/** Lightning attention of MiniMax-01: linear attention with an output gate and a norm over all heads. */
export function lightning(
  hiddenSize: number,
  mixer: StateOf<'lightning'>,
  options: { readonly module?: string } = {},
): Mixer {
  const inner = mixer.heads * mixer.headSize;
  const { module = 'self_attn' } = options;
  return {
    mixer,
    weights: [
      ...linear('attention', module, { inputs: hiddenSize, outputs: 4 * inner }),
      vector('norms', module, inner, 'split'),
      ...linear('attention', module, { inputs: inner, outputs: hiddenSize }),
    ],
  };
}

/** The gated short convolution of LFM2. */
export function shortConvolution(
  hiddenSize: number,
  mixer: StateOf<'short-convolution'>,
  options: { readonly bias?: boolean; readonly module?: string } = {},
): Mixer {
  const { innerSize, convKernel } = mixer;
  const { bias = false, module = 'conv' } = options;
  const weights = [
    ...linear('attention', module, { inputs: hiddenSize, outputs: 3 * innerSize, bias }),
    convolution(module, innerSize, convKernel, bias),
    ...linear('attention', module, { inputs: innerSize, outputs: hiddenSize }),
  ];
  if (bias) weights.push(vector('attention', module, hiddenSize));
  return { mixer, weights };
}
