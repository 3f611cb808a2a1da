import type { FlagDefinition, VersionedFlag } from '../engine.ts';

interface Row extends FlagDefinition {
  readonly default: VersionedFlag['default'];
}

/** What a program that generates a batch at a time is told: arguments of `from_pretrained` and `generate`, or its own. */
const rows: readonly Row[] = [
  {
    name: 'batch-size',
    aliases: [
      'bs',
      'max-batch-size',
      'eval-batch-size',
      'per-device-batch-size',
      'per-device-eval-batch-size',
    ],
    kind: 'integer',
    default: 1,
    description: 'Requests that are generated together, padded to the same length.',
    effect: 'kv-cache',
  },
  {
    name: 'prompt-length',
    aliases: ['prompt-len', 'input-len', 'input-length', 'max-input-length', 'max-prompt-length'],
    kind: 'integer',
    default: 512,
    description: 'Tokens of the longest prompt of a batch, to which the others are padded.',
    effect: 'kv-cache',
  },
  {
    name: 'max-new-tokens',
    aliases: ['new-tokens', 'max-out-tokens', 'max-tokens', 'output-len', 'output-length'],
    kind: 'integer',
    default: 128,
    description: 'Tokens that are generated for each request.',
    effect: 'kv-cache',
  },
  {
    name: 'dtype',
    aliases: ['torch-dtype'],
    kind: 'string',
    default: 'auto',
    description: 'Element type of weights, activations and cache; auto takes the type of the file.',
    effect: 'weights',
  },
  {
    name: 'load-in-8bit',
    aliases: [],
    kind: 'switch',
    default: false,
    description: 'Linear layers in 8-bit integers (bitsandbytes).',
    effect: 'weights',
  },
  {
    name: 'load-in-4bit',
    aliases: [],
    kind: 'switch',
    default: false,
    description: 'Linear layers in 4 bits with a scale for each 64 weights (bitsandbytes).',
    effect: 'weights',
  },
  {
    name: 'tensor-parallel-size',
    aliases: ['tp', 'tp-size', 'mp-size'],
    kind: 'integer',
    default: 1,
    description: 'GPUs that split each layer: `tp_plan`, or DeepSpeed-inference.',
    effect: 'parallelism',
  },
  {
    name: 'pipeline-parallel-size',
    aliases: ['pp', 'pp-size'],
    kind: 'integer',
    default: 1,
    description: 'GPUs that hold the layers one after another: `device_map`, or pipeline stages.',
    effect: 'parallelism',
  },
  {
    name: 'attn-implementation',
    aliases: ['attention-implementation'],
    kind: 'string',
    default: 'sdpa',
    description: 'sdpa, flash_attention_2 or eager; eager keeps all scores of a prompt at once.',
    effect: 'activation-peak',
  },
  {
    name: 'logits',
    aliases: ['logits-to-keep'],
    kind: 'string',
    default: 'last',
    description:
      'Positions of a prompt that get logits: last, or all (transformers before 4.45, scores of a data set).',
    effect: 'activation-peak',
  },
];

export const staticBatchFlags: readonly FlagDefinition[] = rows;
export const versionedStaticBatchFlags: readonly VersionedFlag[] = rows;

const values: Readonly<Record<string, readonly (string | number)[]>> = {
  'batch-size': [1, 2, 4, 8, 16, 32, 64],
  dtype: ['auto', 'bfloat16', 'float16', 'float32'],
  'tensor-parallel-size': [1, 2, 4, 8],
  'pipeline-parallel-size': [1, 2, 4, 8],
  'attn-implementation': ['sdpa', 'flash_attention_2', 'eager'],
  logits: ['last', 'all'],
};

export function usualStaticBatchValues(name: string): readonly (string | number)[] {
  return Object.hasOwn(values, name) ? (values[name] ?? []) : [];
}

const bySpelling = new Map<string, FlagDefinition>();
for (const row of rows) for (const spelling of [row.name, ...row.aliases]) bySpelling.set(spelling, row);

/** Any spelling to its definition: with dashes in front, with underscores, short. */
export function canonicalStaticBatchFlag(name: string): FlagDefinition | undefined {
  return bySpelling.get(name.replace(/^-+/, '').replaceAll('_', '-'));
}
