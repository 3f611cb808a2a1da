import type { FlagDefinition, FlagKind } from '../engine.ts';
import { otherFlags } from './otherFlags.ts';

function flag(kind: FlagKind, name: string, description: string, ...aliases: string[]): FlagDefinition {
  return { name, aliases, kind, description };
}

/** Options that enter the estimate, or that it says something about. */
const estimatedFlags: readonly FlagDefinition[] = [
  flag('string', 'model', 'Hub id or folder of the model.'),
  flag(
    'integer',
    'max-model-len',
    'Longest prompt plus output, in tokens. Default: the longest that the model was made for. One request of this length must fit the KV cache.',
  ),
  flag(
    'number',
    'gpu-memory-utilization',
    "Part of the GPU's memory that the engine asks for, 0 to 1. What weights and activations leave of it becomes KV cache.",
  ),
  flag('integer', 'max-num-seqs', 'Most requests that run at once.'),
  flag('integer', 'max-num-batched-tokens', 'Most tokens in one step; sets the activation peak.'),
  flag('integer', 'tensor-parallel-size', 'GPUs that each layer is split over.', '-tp'),
  flag('integer', 'pipeline-parallel-size', 'Groups of GPUs that the layers are dealt to.', '-pp'),
  flag('integer', 'data-parallel-size', 'Copies of the model behind one endpoint.', '-dp'),
  flag(
    'integer',
    'decode-context-parallel-size',
    'GPUs that the KV cache of a sequence is split over.',
    '-dcp',
  ),
  flag('integer', 'prefill-context-parallel-size', 'GPUs that a prompt is split over.', '-pcp'),
  flag(
    'string',
    'dtype',
    'Element type of weights and activations: auto, bfloat16, float16 (half), float32 (float).',
  ),
  flag(
    'string',
    'kv-cache-dtype',
    'Element type of the KV cache: auto, bfloat16, float16, fp8, fp8_e4m3, fp8_e5m2.',
  ),
  flag('integer', 'block-size', 'Tokens in one block of the KV cache.'),
  flag('switch', 'enforce-eager', 'Run without compilation and CUDA graphs: less memory, slower decode.'),
  flag('string', 'quantization', 'How the weights are quantised. fp8 does it while loading.', '-q'),
  flag(
    'integer',
    'kv-cache-memory-bytes',
    'KV cache in bytes; gpu-memory-utilization is then ignored.',
    'kv-cache-memory',
  ),
  flag('integer', 'num-gpu-blocks-override', 'KV-cache blocks, whatever the profiling says.'),
  flag('switch', 'async-scheduling', 'Schedule the next step while one runs. Default: on.'),
  flag('switch', 'enable-chunked-prefill', 'Split long prompts over steps. Default: on.'),
  flag('switch', 'enable-prefix-caching', 'Keep the KV cache of common prefixes. Default: on.'),
  flag('switch', 'disable-sliding-window', 'Cap the context to the window and treat every layer as full.'),
  flag('json', 'speculative-config', 'Speculative decoding.', '-sc'),
  flag('switch', 'enable-lora', 'Serve LoRA adapters.'),
  flag('integer', 'max-loras', 'LoRA adapters in one batch.'),
  flag('string', 'max-lora-rank', 'Largest LoRA rank; this rank is what is allocated.'),
  flag('number', 'cpu-offload-gb', 'Weights kept in host memory, GiB a GPU.'),
  flag('switch', 'enable-expert-parallel', 'Deal experts to GPUs instead of splitting them.', '-ep'),
  flag('json', 'hf-overrides', "Values that replace those of the model's config.json."),
  flag('json', 'compilation-config', 'Compilation and CUDA graphs.', '-cc'),
  flag('string', 'optimization-level', 'Compilation preset.', '-O'),
  flag(
    'string',
    'performance-mode',
    'balanced, interactivity or throughput; throughput doubles the batch defaults.',
  ),
  flag('string', 'served-model-name', 'Name that the API answers to.'),
  flag('string', 'tokenizer', 'Hub id or folder of the tokenizer.'),
  flag('switch', 'trust-remote-code', "Run the model repository's own code."),
  flag('string', 'load-format', 'Format of the weight files; dummy makes random ones.'),
  flag('string', 'revision', 'Branch, tag or commit of the model.'),
  flag('integer', 'seed', 'Seed of the random numbers.'),
];

const shortAliases: Readonly<Record<string, readonly string[]>> = {
  nnodes: ['-n'],
  'node-rank': ['-r'],
  'data-parallel-rank': ['-dpn'],
  'data-parallel-start-rank': ['-dpr'],
  'data-parallel-size-local': ['-dpl'],
  'data-parallel-address': ['-dpa'],
  'data-parallel-rpc-port': ['-dpp'],
  'data-parallel-backend': ['-dpb'],
  'data-parallel-hybrid-lb': ['-dph'],
  'data-parallel-external-lb': ['-dpe'],
  'api-server-count': ['-asc'],
};

const kinds: readonly FlagKind[] = ['integer', 'number', 'string', 'switch', 'json'];

export const vllmFlags: readonly FlagDefinition[] = [
  ...estimatedFlags,
  ...kinds.flatMap((kind) =>
    otherFlags[kind].map((name) =>
      flag(kind, name, 'Accepted by vLLM; does not enter the estimate.', ...(shortAliases[name] ?? [])),
    ),
  ),
];

const bySpelling = new Map<string, FlagDefinition>();
for (const definition of vllmFlags) {
  bySpelling.set(definition.name, definition);
  for (const alias of definition.aliases) bySpelling.set(alias.replace(/^-+/, ''), definition);
}

/**
 * Any spelling to its definition: with or without dashes in front, with underscores, short, and with the `no-` that vLLM's
 * switches take. A switch found through `no-` is the same definition; its value is the caller's to invert.
 */
export function canonicalVllmFlag(name: string): FlagDefinition | undefined {
  const direct = bySpelling.get(name);
  if (direct !== undefined) return direct;
  const plain = name.replace(/^-+/, '').replaceAll('_', '-');
  const found = bySpelling.get(plain);
  if (found !== undefined || !plain.startsWith('no-')) return found;
  const positive = bySpelling.get(plain.slice(3));
  return positive?.kind === 'switch' ? positive : undefined;
}
