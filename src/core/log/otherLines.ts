/** What SGLang, llama.cpp, TGI and TensorRT-LLM log at start. */
import type { LogLine } from './logLine.ts';
import { printedBytes, printedNumber, pythonCall } from './printed.ts';
import type { LogEngine } from './record.ts';
import type { StartBuilder } from './startBuilder.ts';

export const otherOpenings: readonly { readonly engine: LogEngine; readonly pattern: RegExp }[] = [
  { engine: 'sglang', pattern: /server_args=ServerArgs\(/ },
  { engine: 'tgi', pattern: /text_generation_launcher: Args \{/ },
  { engine: 'tensorrt-llm', pattern: /TensorRT-LLM version: ?(\d[\w.]*)/ },
  { engine: 'llama.cpp', pattern: /^(?:[\d.]+ [A-Z] )?build: (\d+) \([0-9a-f]+\) with / },
];

/** SGLang names the rank in its own bracket: `[2026-11-21 10:11:12 TP0] `. */
const sglangRank = /^\[[\d:. -]+ ((?:[A-Z]+\d+ ?)+)\]/;

type Reader = (match: RegExpExecArray, start: StartBuilder, process: string) => void;
interface Rule {
  readonly pattern: RegExp;
  readonly read: Reader;
}

/** SGLang divides by 2^30 and writes GB. */
const sglang: readonly Rule[] = [
  {
    pattern: /Load weight end\..*?mem usage=([\d.]+) GB/,
    read: ([, figure], start, process) => {
      start.put(process, 'weightsBytes', printedBytes(figure, 'GiB'));
      start.phase = 'profile';
    },
  },
  {
    pattern:
      /KV Cache is allocated\. (?:dtype: [^,]+, )?#tokens: (\d+), K size: ([\d.]+) GB, V size: ([\d.]+) GB/,
    read: (match, start, process) => {
      start.add(process, 'availableKvBytes', printedBytes(match[2], 'GiB'));
      start.add(process, 'availableKvBytes', printedBytes(match[3], 'GiB'));
      start.kvTokens = printedNumber(match[1]) ?? start.kvTokens;
    },
  },
  {
    pattern: /KV Cache is allocated\. (?:dtype: [^,]+, )?#tokens: (\d+), KV size: ([\d.]+) GB/,
    read: (match, start, process) => {
      start.add(process, 'availableKvBytes', printedBytes(match[2], 'GiB'));
      start.kvTokens = printedNumber(match[1]) ?? start.kvTokens;
    },
  },
  {
    pattern: /Capture cuda graph end\..*?mem usage=([\d.]+) GB/,
    read: ([, figure], start, process) => start.put(process, 'graphBytes', printedBytes(figure, 'GiB')),
  },
  {
    pattern: /Capture cuda graph begin/,
    read: (_, start) => {
      start.phase = 'capture';
    },
  },
  {
    pattern: /max_total_num_tokens=(\d+), .*?context_len=(\d+), /,
    read: ([, tokens, length], start) => {
      start.kvTokens = printedNumber(tokens) ?? start.kvTokens;
      start.maxModelLen = printedNumber(length) ?? start.maxModelLen;
    },
  },
  { pattern: /The server is fired up and ready to roll!/, read: (_, start) => start.serves() },
];

const llamaCpp: readonly Rule[] = [
  {
    pattern: /Device \d+: (.{1,80}?), compute capability [\d.]+,/,
    read: ([, name], start) => {
      start.device ??= name ?? null;
    },
  },
  {
    pattern:
      /(?:load_tensors|llm_load_tensors): +(?:CUDA|ROCm|Vulkan)\d+ (?:model )?buffer size = +([\d.]+) MiB/,
    read: ([, figure], start) => start.add('', 'weightsBytes', printedBytes(figure, 'MiB')),
  },
  {
    pattern: /llama_kv_cache\w*: +(?:CUDA|ROCm|Vulkan)\d+ KV buffer size = +([\d.]+) MiB/,
    read: ([, figure], start) => start.add('', 'availableKvBytes', printedBytes(figure, 'MiB')),
  },
  {
    pattern: /(?:CUDA|ROCm|Vulkan)\d+ compute buffer size = +([\d.]+) MiB/,
    read: ([, figure], start) => start.add('', 'activationPeakBytes', printedBytes(figure, 'MiB')),
  },
  {
    pattern: /(?:llama_context|llama_new_context_with_model): n_ctx +(?:= |: )(\d+)\s*$/,
    read: ([, tokens], start) => {
      start.kvTokens = printedNumber(tokens) ?? start.kvTokens;
    },
  },
  {
    pattern: /(?:n_ctx_per_seq|n_ctx_seq) +(?:= |\()(\d+)(?:\)|\s*$)/,
    read: ([, tokens], start) => {
      start.maxModelLen = printedNumber(tokens) ?? start.maxModelLen;
    },
  },
  {
    pattern: /(?:loading model|loaded meta data with .{0,80} from) '?([^'\s]+\.gguf)\b/,
    read: ([, model], start) => {
      start.model ??= model ?? null;
    },
  },
  { pattern: /server is listening on |HTTP server listening/, read: (_, start) => start.serves() },
];

const tgi: readonly Rule[] = [
  {
    pattern: /KV-cache blocks: (\d+), size: (\d+)\s*$/,
    read: ([, blocks, size], start) => {
      const [count, each] = [printedNumber(blocks), printedNumber(size)];
      if (count === undefined || each === undefined) return;
      start.numGpuBlocks = count;
      start.blockSize = each;
      start.kvTokens = count * each;
    },
  },
  {
    pattern: /Setting max batch total tokens to (\d+)\b/,
    read: ([, tokens], start) => {
      start.kvTokens = printedNumber(tokens) ?? start.kvTokens;
    },
  },
  {
    pattern: /(?:Default `?max_total_tokens`? to |max_total_tokens`?:? (?:Some\()?)(\d+)(?:[),\s]|$)/,
    read: ([, tokens], start) => {
      start.maxModelLen = printedNumber(tokens) ?? start.maxModelLen;
    },
  },
  {
    pattern: /Warming up model/,
    read: (_, start) => {
      start.phase = 'warm-up';
    },
  },
  { pattern: /text_generation_router.{0,120}: Connected\s*$/, read: (_, start) => start.serves() },
];

const tensorRt: readonly Rule[] = [
  {
    pattern: /Allocated ([\d.]+) GiB for max tokens in paged KV cache \((\d+)\)/,
    read: ([, figure, tokens], start, process) => {
      start.put(process, 'availableKvBytes', printedBytes(figure, 'GiB'));
      start.kvTokens = printedNumber(tokens) ?? start.kvTokens;
    },
  },
  {
    pattern: /Number of tokens per block: (\d+)\./,
    read: ([, size], start) => {
      start.blockSize = printedNumber(size) ?? start.blockSize;
    },
  },
  {
    pattern: /primary blocks=(\d+),|Number of blocks in KV cache primary pool: (\d+),/,
    read: ([, one, other], start) => {
      start.numGpuBlocks = printedNumber(one ?? other) ?? start.numGpuBlocks;
    },
  },
  {
    pattern: /Loaded engine size: (\d+) MiB/,
    read: ([, figure], start, process) => start.put(process, 'weightsBytes', printedBytes(figure, 'MiB')),
  },
  {
    pattern: /Application startup complete\.|successfully loaded 'tensorrt_llm'/,
    read: (_, start) => start.serves(),
  },
];

const rules: Readonly<Record<Exclude<LogEngine, 'vllm'>, readonly Rule[]>> = {
  sglang,
  'llama.cpp': llamaCpp,
  tgi,
  'tensorrt-llm': tensorRt,
};

export function readOtherLine({ text, process }: LogLine, start: StartBuilder): void {
  if (start.engine === 'vllm') return;
  const rank = start.engine === 'sglang' ? (sglangRank.exec(text)?.[1] ?? process) : process;
  for (const { pattern, read } of rules[start.engine]) {
    const match = pattern.exec(text);
    if (match !== null) read(match, start, rank);
  }
}

export function readOtherOpening(text: string, match: RegExpExecArray, start: StartBuilder): void {
  if (match[1] !== undefined) start.version ??= start.engine === 'llama.cpp' ? `b${match[1]}` : match[1];
  if (start.engine === 'tgi') {
    const [, model] = /model_id: "([^"]{1,200})"/.exec(text) ?? [];
    start.model ??= model ?? null;
  }
  if (start.engine !== 'sglang') return;
  const found = pythonCall(text.slice(match.index + match[0].length - 1));
  if (found === undefined) return;
  start.addFlags(found);
  const model = found['model-path'];
  if (typeof model === 'string') start.model = model;
}
