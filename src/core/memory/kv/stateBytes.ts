import type { StateMixer } from '../../model/facts.ts';

export type StateDataType = 'float32' | 'bfloat16' | 'float16';

/** What the size of a state depends on beside the model. */
export interface StateInput {
  readonly tensorParallelSize: number;
  /** Of activations: the state's where nothing else is said. */
  readonly modelElementBytes: 2 | 4;
  /** `--mamba-cache-dtype`; undefined for `auto`. */
  readonly convDataType?: StateDataType;
  /** `--mamba-ssm-cache-dtype`; undefined for `auto`. */
  readonly stateDataType?: StateDataType;
  /** Whether the engine follows what the model's file states. */
  readonly followsFile: boolean;
  /** Draft tokens a step: the convolution keeps as many more taps. */
  readonly draftTokens: number;
  /** Whether the convolutions of Mamba-1 and Kimi's delta rule keep draft tokens, too. */
  readonly everyConvKeepsDrafts: boolean;
}

export function elementBytesOf(dataType: StateDataType): 2 | 4 {
  return dataType === 'float32' ? 4 : 2;
}

/**
 * Bytes of one request's state in one layer on a rank: the taps of its convolution and the recurrent state.
 * Source: vLLM model_executor/layers/mamba/mamba_utils.py, `MambaStateShapeCalculator` and `MambaStateDtypeCalculator`.
 */
export function stateBytes(mixer: StateMixer, input: StateInput): number {
  const ranks = input.tensorParallelSize;
  const conv =
    input.convDataType === undefined ? input.modelElementBytes : elementBytesOf(input.convDataType);
  const state = recurrentElementBytes(mixer, input, conv);
  const taps = mixer.convKernel - 1;
  const tapsAndDrafts = taps + input.draftTokens;
  const mostTaps = input.everyConvKeepsDrafts ? tapsAndDrafts : taps;
  switch (mixer.kind) {
    case 'mamba1':
      return (mixer.innerSize / ranks) * (mostTaps * conv + mixer.stateSize * state);
    case 'mamba2': {
      // Groups that cannot be split are repeated until every rank has one.
      const groups = mixer.groups % ranks === 0 ? mixer.groups : ranks;
      const channels = (mixer.innerSize + 2 * groups * mixer.stateSize) / ranks;
      return (
        channels * tapsAndDrafts * conv + (mixer.heads / ranks) * mixer.headSize * mixer.stateSize * state
      );
    }
    case 'gated-delta': {
      const channels =
        (2 * mixer.keyHeads * mixer.keyHeadSize + mixer.valueHeads * mixer.valueHeadSize) / ranks;
      return (
        channels * tapsAndDrafts * conv +
        (mixer.valueHeads / ranks) * mixer.valueHeadSize * mixer.keyHeadSize * state
      );
    }
    case 'kimi-delta':
      return (mixer.heads / ranks) * mixer.headSize * (3 * mostTaps * conv + mixer.headSize * state);
    case 'lightning':
      return (mixer.heads / ranks) * mixer.headSize * mixer.headSize * conv;
    case 'short-convolution':
      return (mixer.innerSize / ranks) * taps * conv;
  }
}

/** The flag, else what the file states, else the engine's rule: float32 for Kimi's delta rule, the convolution's type for others. */
function recurrentElementBytes(mixer: StateMixer, input: StateInput, conv: 2 | 4): 2 | 4 {
  if (input.stateDataType !== undefined) return elementBytesOf(input.stateDataType);
  if (input.followsFile && mixer.stateDataType !== undefined) return elementBytesOf(mixer.stateDataType);
  return mixer.kind === 'kimi-delta' ? 4 : conv;
}
