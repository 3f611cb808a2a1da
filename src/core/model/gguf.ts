/** What a GGUF file says of its model, in the words of a config.json: the families read it then as any other. */
import { failure, type Problem, type Result, success } from '../result.ts';
import type { StoredTensor } from './checkpoint.ts';

/** A tensor as the file lists it. Sizes may be beyond what a number holds exactly: they are checked here. */
export interface GgufTensor {
  readonly name: string;
  readonly shape: readonly bigint[];
  /** ggml's number of the type. */
  readonly dtype: number;
  /** From the start of the data. */
  readonly offset: bigint;
}

/** ggml's types by number: name, elements of a block, bytes of a block. llama.cpp's ggml.h and ggml-common.h. */
const TYPES: ReadonlyMap<number, readonly [name: string, elements: number, bytes: number]> = new Map([
  [0, ['F32', 1, 4]],
  [1, ['F16', 1, 2]],
  [2, ['Q4_0', 32, 18]],
  [3, ['Q4_1', 32, 20]],
  [6, ['Q5_0', 32, 22]],
  [7, ['Q5_1', 32, 24]],
  [8, ['Q8_0', 32, 34]],
  [9, ['Q8_1', 32, 36]],
  [10, ['Q2_K', 256, 84]],
  [11, ['Q3_K', 256, 110]],
  [12, ['Q4_K', 256, 144]],
  [13, ['Q5_K', 256, 176]],
  [14, ['Q6_K', 256, 210]],
  [15, ['Q8_K', 256, 292]],
  [16, ['IQ2_XXS', 256, 66]],
  [17, ['IQ2_XS', 256, 74]],
  [18, ['IQ3_XXS', 256, 98]],
  [19, ['IQ1_S', 256, 50]],
  [20, ['IQ4_NL', 32, 18]],
  [21, ['IQ3_S', 256, 110]],
  [22, ['IQ2_S', 256, 82]],
  [23, ['IQ4_XS', 256, 136]],
  [24, ['I8', 1, 1]],
  [25, ['I16', 1, 2]],
  [26, ['I32', 1, 4]],
  [27, ['I64', 1, 8]],
  [28, ['F64', 1, 8]],
  [29, ['IQ1_M', 256, 56]],
  [30, ['BF16', 1, 2]],
  [34, ['TQ1_0', 256, 54]],
  [35, ['TQ2_0', 256, 66]],
  [39, ['MXFP4', 32, 17]],
]);

/**
 * Exact bytes of a file's tensors. Problems, with the file's name: `checkpoint.bad-gguf` for sizes that are none and types that are
 * not known, `checkpoint.truncated` where the file ends before its last tensor. `dataBytes`: what stands after the header.
 */
export function ggufTensors(
  file: string,
  listed: readonly GgufTensor[],
  dataBytes: number | undefined,
): Result<readonly StoredTensor[]> {
  const tensors: StoredTensor[] = [];
  for (const { name, shape, dtype, offset } of listed) {
    const type = TYPES.get(dtype);
    if (type === undefined) return failure(badGguf(file, `the type ${dtype} of its weights is not known`));
    const [dataType, blockElements, blockBytes] = type;
    const elements = shape.reduce((product, size) => product * Number(size), 1);
    const bytes = (elements / blockElements) * blockBytes;
    if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(bytes)) {
      return failure(badGguf(file, `"${name.slice(0, 80)}" has no size that a tensor can have`));
    }
    const end = Number(offset) + bytes;
    if (dataBytes !== undefined && end > dataBytes) {
      return failure({
        code: 'checkpoint.truncated',
        message: `${file} ends before its last tensor: ${Math.max(0, dataBytes)} of at least ${end} bytes of weights are there. Download it again.`,
      });
    }
    tensors.push({ name, dataType, elements, bytes });
  }
  return success(tensors);
}

export function badGguf(file: string, why: string): Problem {
  return {
    code: 'checkpoint.bad-gguf',
    message: `${file} is no usable GGUF file: ${why}. Download it again.`,
  };
}

/** `general.architecture` -> `model_type`, where the two differ. llama.cpp's gguf-py constants.py. */
const MODEL_TYPES: Readonly<Record<string, string>> = {
  'command-r': 'cohere',
  deepseek2: 'deepseek_v3',
  'ernie4_5-moe': 'ernie4_5_moe',
  'falcon-h1': 'falcon_h1',
  gemma3: 'gemma3_text',
  glm4moe: 'glm4_moe',
  'gpt-oss': 'gpt_oss',
  gptneox: 'gpt_neox',
  granitehybrid: 'granitemoehybrid',
  'hunyuan-dense': 'hunyuan_v1_dense',
  'minimax-m2': 'minimax_m2',
  phi2: 'phi',
  qwen2moe: 'qwen2_moe',
  qwen3moe: 'qwen3_moe',
  qwen3next: 'qwen3_next',
};

/** Field of a GGUF file, after the architecture's name -> field of a config.json. */
const FIELDS: readonly (readonly [from: string, ...to: string[]])[] = [
  ['embedding_length', 'hidden_size'],
  ['feed_forward_length', 'intermediate_size'],
  ['attention.head_count', 'num_attention_heads'],
  ['attention.head_count_kv', 'num_key_value_heads'],
  ['attention.key_length', 'head_dim'],
  ['context_length', 'max_position_embeddings'],
  ['attention.sliding_window', 'sliding_window'],
  ['expert_count', 'num_experts', 'num_local_experts', 'n_routed_experts'],
  ['expert_used_count', 'num_experts_per_tok'],
  ['expert_feed_forward_length', 'moe_intermediate_size'],
  ['expert_shared_feed_forward_length', 'shared_expert_intermediate_size'],
  ['expert_shared_count', 'n_shared_experts'],
  ['leading_dense_block_count', 'first_k_dense_replace'],
  ['attention.kv_lora_rank', 'kv_lora_rank'],
  ['attention.q_lora_rank', 'q_lora_rank'],
];

/**
 * A config.json out of a GGUF file's metadata, for `parseModelConfig`. `tensors` say what the metadata leaves out: a tied head, biases.
 * Problems: `checkpoint.bad-gguf` where it says no architecture or no vocabulary; `model.not-covered` where layers differ in heads.
 */
export function ggufConfig(
  file: string,
  metadata: Readonly<Record<string, unknown>>,
  tensors: readonly StoredTensor[],
): Result<Readonly<Record<string, unknown>>> {
  const value = (name: string) => (Object.hasOwn(metadata, name) ? plain(metadata[name]) : undefined);
  const architecture = value('general.architecture');
  if (typeof architecture !== 'string' || architecture === '') {
    return failure(badGguf(file, 'it does not say its architecture'));
  }
  const config: Record<string, unknown> = { torch_dtype: 'float16' };
  for (const [from, ...to] of FIELDS) {
    const written = value(`${architecture}.${from}`);
    if (written === undefined) continue;
    const one = sameForAll(written);
    if (one === undefined) {
      return failure({
        code: 'model.not-covered',
        message: `${file}: "${architecture}.${from}" differs from layer to layer, which is not covered yet, so nothing is estimated. Name its original model instead.`,
      });
    }
    for (const name of to) config[name] = one;
  }
  // Without grouped queries the file says nothing of KV heads.
  config['num_key_value_heads'] ??= config['num_attention_heads'];
  const tokens = value('tokenizer.ggml.tokens');
  config['vocab_size'] =
    value(`${architecture}.vocab_size`) ?? (Array.isArray(tokens) ? tokens.length : undefined);
  const blocks = value(`${architecture}.block_count`);
  const drafts = value(`${architecture}.nextn_predict_layers`);
  config['num_hidden_layers'] =
    typeof blocks === 'number' && typeof drafts === 'number' ? blocks - drafts : blocks;
  const names = new Set(tensors.map(({ name }) => name));
  config['tie_word_embeddings'] = !names.has('output.weight');
  config['attention_bias'] = names.has('blk.0.attn_q.bias');
  // Mixtral is Llama with experts, as GGUF has it.
  config['model_type'] =
    architecture === 'llama' && config['num_local_experts'] !== undefined
      ? 'mixtral'
      : (MODEL_TYPES[architecture] ?? architecture);
  if (config['num_experts'] === 0 || architecture === 'llama') delete config['num_experts'];
  return success(config);
}

/** Bytes that one weight of a matrix takes: what layers store, over their weights, without vectors. */
export function ggufBytesPerWeight(tensors: readonly StoredTensor[]): number | undefined {
  let bytes = 0;
  let elements = 0;
  for (const tensor of tensors) {
    if (!/^blk\.\d+\..*\.weight$/.test(tensor.name) || tensor.name.includes('norm')) continue;
    bytes += tensor.bytes;
    elements += tensor.elements;
  }
  return elements > 0 ? bytes / elements : undefined;
}

/** Numbers of 64 bits as plain ones: what no number holds becomes absurd, and is refused as such. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value;
}

/** The one value of a list with a value a layer; undefined where they differ. */
function sameForAll(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const first = plain(value[0]);
  return value.every((other) => plain(other) === first) ? first : undefined;
}

/** Files of one model, in order. */
export interface GgufChoice {
  readonly files: readonly string[];
  /** Projectors of vision models, which stand in a file of their own. */
  readonly projectors: readonly string[];
}

/**
 * Which of a folder's GGUF files are meant: the only model, or the one whose name holds `quantization` (`Q4_K_M`, in any case).
 * Undefined without any. Problems: `checkpoint.which-gguf`, `checkpoint.missing-file` for a series with a gap.
 */
export function chooseGguf(
  where: string,
  names: readonly string[],
  quantization: string | undefined,
): Result<GgufChoice | undefined> {
  const all = names.filter((name) => /\.gguf$/i.test(name)).toSorted();
  const projectors = all.filter((name) => /mmproj/i.test(name));
  const series = new Map<string, string[]>();
  for (const name of all) {
    if (projectors.includes(name)) continue;
    const model = name.replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
    series.set(model, [...(series.get(model) ?? []), name]);
  }
  if (series.size === 0) return success(undefined);
  const meant = [...series].filter(([model]) => quantization === undefined || holds(model, quantization));
  const [first, second] = meant;
  if (first === undefined || second !== undefined) {
    const there = [...series.keys()].slice(0, 20).join(', ');
    const wanted =
      quantization === undefined
        ? 'several models'
        : `${meant.length === 0 ? 'no' : 'more than one'} model "${quantization}"`;
    return failure({
      code: 'checkpoint.which-gguf',
      message: `${where} holds ${wanted} as GGUF: ${there}. Name one file, or write its quantisation after a colon (name:Q4_K_M).`,
    });
  }
  const files = first[1];
  const total = Number(/-of-(\d{5})\.gguf$/i.exec(files[0] ?? '')?.[1] ?? '1');
  if (files.length < total) {
    return failure({
      code: 'checkpoint.missing-file',
      message: `${where} holds ${files.length} of the ${total} files of ${first[0]}. Download the rest.`,
    });
  }
  return success({ files, projectors });
}

function holds(model: string, quantization: string): boolean {
  const parts = model.toLowerCase();
  const wanted = quantization.toLowerCase();
  const at = parts.lastIndexOf(wanted);
  if (at < 0) return false;
  const before = parts[at - 1];
  const after = parts[at + wanted.length];
  return (before === undefined || /[-._/]/.test(before)) && (after === undefined || /[-._/]/.test(after));
}
