/** What vLLM logs at start, 0.6 to 0.33: worker.py and gpu_executor.py (V0), v1/worker/gpu_worker.py, v1/core/kv_cache_utils.py, v1/engine/core.py. */
import type { LogLine } from './logLine.ts';
import { printedBytes, printedNumber, pythonCall, pythonDict, pythonFields } from './printed.ts';
import type { TermName } from './record.ts';
import type { StartBuilder } from './startBuilder.ts';

const gib = '(-?\\d+(?:\\.\\d+)?) ?(GiB|GB)';

/** A line that begins a start, and what each says. Headers come before any engine process. */
export const vllmOpenings: readonly {
  readonly kind: string;
  readonly pattern: RegExp;
  readonly isHeader: boolean;
}[] = [
  { kind: 'banner', pattern: /[█▀▄]\s+version (\d[\w.+-]*)\s*$/, isHeader: true },
  { kind: 'api-version', pattern: /vLLM (?:API server|batch processing) version (\S+)/, isHeader: true },
  { kind: 'arguments', pattern: /non-default args: |\] args: Namespace\(/, isHeader: true },
  {
    kind: 'engine',
    pattern: /Initializing an? (?:V[01] )?LLM engine (?:\(v?([^)\s]+)\) )?with config: /,
    isHeader: false,
  },
];

type Reader = (match: RegExpExecArray, start: StartBuilder, process: string) => void;

const term =
  (name: TermName): Reader =>
  ([, figure, unit = 'GiB'], start, process) =>
    // Releases up to 0.6 wrote GB for 2^30 bytes.
    start.put(process, name, printedBytes(figure, unit === 'GB' ? 'GiB' : unit));

const smallest = (before: number | null, now: number | undefined): number | null =>
  now === undefined ? before : before === null ? now : Math.min(before, now);

const lines: readonly { readonly has: string; readonly pattern: RegExp; readonly read: Reader }[] = [
  {
    has: 'took',
    pattern: new RegExp(`(?:Model loading|Loading model weights) took ${gib}`),
    read: (match, start, process) => {
      term('weightsBytes')(match, start, process);
      start.phase = 'profile';
    },
  },
  {
    has: 'model weights take',
    pattern:
      /model weights take ([\d.]+)GiB; non_torch_memory takes ([\d.]+)GiB; PyTorch activation peak memory takes ([\d.]+)GiB; the rest of the memory reserved for KV Cache is (-?[\d.]+)GiB/,
    read: (match, start, process) => {
      const put = (name: TermName, at: number) => start.put(process, name, printedBytes(match[at], 'GiB'));
      put('weightsBytes', 1);
      put('nonTorchBytes', 2);
      put('activationPeakBytes', 3);
      put('availableKvBytes', 4);
    },
  },
  {
    has: 'total_gpu_memory',
    pattern: /total_gpu_memory \(([\d.]+)GiB\) x gpu_memory_utilization \(([\d.]+)\) = ([\d.]+)GiB/,
    read: (match, start, process) => {
      start.put(process, 'totalBytes', printedBytes(match[1], 'GiB'));
      start.put(process, 'requestedBytes', printedBytes(match[3], 'GiB'));
      start.gpuMemoryUtilization = printedNumber(match[2]) ?? start.gpuMemoryUtilization;
    },
  },
  {
    has: 'worker init memory snapshot',
    pattern: /free_memory=([\d.]+)GiB, total_memory=([\d.]+)GiB,/,
    read: (match, start, process) => {
      start.put(process, 'freeBytes', printedBytes(match[1], 'GiB'));
      start.put(process, 'totalBytes', printedBytes(match[2], 'GiB'));
    },
  },
  {
    has: 'worker requested memory',
    pattern: new RegExp(`worker requested memory: ${gib}`),
    read: term('requestedBytes'),
  },
  {
    has: 'Initial free memory',
    pattern: /Initial free memory: ([\d.]+) GiB; Requested memory: ([\d.]+) \(util\), ([\d.]+) GiB/,
    read: (match, start, process) => {
      start.put(process, 'freeBytes', printedBytes(match[1], 'GiB'));
      start.put(process, 'requestedBytes', printedBytes(match[3], 'GiB'));
      start.gpuMemoryUtilization = printedNumber(match[2]) ?? start.gpuMemoryUtilization;
    },
  },
  {
    has: 'Initial free memory',
    pattern: /Initial free memory ([\d.]+) GiB, reserved ([\d.]+) ?GiB memory for KV Cache as specified/,
    read: (match, start, process) => {
      start.put(process, 'freeBytes', printedBytes(match[1], 'GiB'));
      start.put(process, 'availableKvBytes', printedBytes(match[2], 'GiB'));
    },
  },
  {
    has: 'Total non KV cache memory',
    pattern:
      /torch peak memory increase: ([\d.]+)GiB; non-torch forward increase memory: (-?[\d.]+)GiB; weights memory: ([\d.]+)GiB/,
    read: (match, start, process) => {
      start.put(process, 'activationPeakBytes', printedBytes(match[1], 'GiB'));
      start.put(process, 'nonTorchBytes', printedBytes(match[2], 'GiB'));
      start.put(process, 'weightsBytes', printedBytes(match[3], 'GiB'));
    },
  },
  {
    has: 'Available KV cache memory',
    pattern: new RegExp(`Available KV cache memory: ${gib}`),
    read: term('availableKvBytes'),
  },
  {
    has: 'KV cache size: ',
    pattern: /KV cache size: ([\d,]+) tokens/,
    read: ([, tokens], start) => {
      start.kvTokens = smallest(start.kvTokens, printedNumber(tokens));
      start.phase = 'capture';
    },
  },
  {
    has: 'aximum concurrency for',
    pattern: /[Mm]aximum concurrency for ([\d,]+) tokens per request: ([\d.]+)x/,
    read: ([, length, requests], start) => {
      start.maxModelLen = printedNumber(length) ?? start.maxModelLen;
      start.maxConcurrency = smallest(start.maxConcurrency, printedNumber(requests));
    },
  },
  {
    has: ' blocks: ',
    pattern: /# (?:GPU|cuda|rocm) blocks: (\d+)(?:, # CPU blocks: |\s*$)/,
    read: ([, blocks], start) => {
      start.numGpuBlocks = smallest(start.numGpuBlocks, printedNumber(blocks));
      start.phase = 'capture';
      const { numGpuBlocks, blockSize } = start;
      if (numGpuBlocks !== null && blockSize !== null) start.kvTokens = numGpuBlocks * blockSize;
    },
  },
  {
    has: 'num_gpu_blocks_override',
    pattern: /Overriding num_gpu_blocks=\d+ with num_gpu_blocks_override=(\d+)\b/,
    read: ([, blocks], start) => {
      start.numGpuBlocks = printedNumber(blocks) ?? start.numGpuBlocks;
    },
  },
  {
    has: 'attention block size',
    pattern: /Setting attention block size to ([\d,]+) tokens/,
    read: ([, size], start) => {
      start.blockSize = printedNumber(size) ?? start.blockSize;
    },
  },
  {
    has: 'Estimated CUDA graph memory',
    pattern: new RegExp(`Estimated CUDA graph memory: ${gib} total`),
    read: term('graphEstimateBytes'),
  },
  {
    has: 'CUDA graph memory profiling is disabled',
    pattern: /CUDA graph memory profiling is disabled \(/,
    read: (_, start) => {
      start.graphsCharged = false;
    },
  },
  { has: 'Graph capturing finished', pattern: new RegExp(`took ${gib}`), read: term('graphBytes') },
  {
    has: 'CUDA graph pool memory',
    pattern: /CUDA graph pool memory: ([\d.]+) GiB \(actual\), ([\d.]+) GiB \(estimated\)/,
    read: (match, start, process) => {
      start.put(process, 'graphBytes', printedBytes(match[1], 'GiB'));
      start.put(process, 'graphEstimateBytes', printedBytes(match[2], 'GiB'));
    },
  },
  {
    has: 'Free memory on device',
    pattern:
      /Free memory on device (?:\S+ )?\(([\d.]+)\/([\d.]+) GiB\) on startup.{0,40} GPU memory utilization (?:is )?\(([\d.]+), ([\d.]+) GiB\)/,
    read: (match, start, process) => {
      start.put(process, 'freeBytes', printedBytes(match[1], 'GiB'));
      start.put(process, 'totalBytes', printedBytes(match[2], 'GiB'));
      start.gpuMemoryUtilization = printedNumber(match[3]) ?? start.gpuMemoryUtilization;
      start.put(process, 'requestedBytes', printedBytes(match[4], 'GiB'));
    },
  },
  {
    has: 'Actual usage is',
    pattern:
      /Actual usage is ([\d.]+) GiB for weight, ([\d.]+) GiB for peak activation, (-?[\d.]+) GiB for non-torch memory, and (-?[\d.]+) GiB for CUDAGraph/,
    read: (match, start, process) => {
      start.put(process, 'weightsBytes', printedBytes(match[1], 'GiB'));
      start.put(process, 'activationPeakBytes', printedBytes(match[2], 'GiB'));
      start.put(process, 'nonTorchBytes', printedBytes(match[3], 'GiB'));
      start.put(process, 'graphBytes', printedBytes(match[4], 'GiB'));
    },
  },
  {
    has: 'Actual usage is',
    pattern:
      /Actual usage is ([\d.]+) GiB for consumed memory \(weights \+ non-torch\), ([\d.]+) GiB for peak activation, and (-?[\d.]+) GiB for CUDAGraph/,
    read: readConsumed,
  },
  {
    has: 'Current kv cache memory in use is',
    pattern: /Current kv cache memory in use is (\d+) (bytes)/,
    read: term('availableKvBytes'),
  },
  {
    has: 'KV cache is needed',
    pattern:
      /max(?:imum)? seq(?:uence)? len(?:gth)? \(([\d,]+)\).{0,120}larger than the available KV cache memory \(([\d.]+) GiB\)/,
    read: (match, start, process) => {
      start.maxModelLen = printedNumber(match[1]) ?? start.maxModelLen;
      start.put(process, 'availableKvBytes', printedBytes(match[2], 'GiB'));
    },
  },
  {
    has: 'stored in KV cache',
    pattern:
      /max seq len \((\d+)\) is larger than the maximum number of tokens that can be stored in KV cache \((\d+)\)/,
    read: ([, length, tokens], start) => {
      start.maxModelLen = printedNumber(length) ?? start.maxModelLen;
      start.kvTokens = printedNumber(tokens) ?? start.kvTokens;
    },
  },
  {
    has: 'max model len',
    pattern: /Using max model len (\d+)\b/,
    read: ([, length], start) => {
      start.maxModelLen = printedNumber(length) ?? start.maxModelLen;
    },
  },
  {
    has: 'max_num_batched_tokens=',
    pattern: /Chunked prefill is enabled with max_num_batched_tokens=(\d+)\./,
    read: ([, tokens], start) => {
      const value = printedNumber(tokens);
      if (value !== undefined) start.addFlags({ 'max-num-batched-tokens': value });
    },
  },
  {
    has: 'Capturing',
    pattern: /Capturing (?:the model for )?CUDA graphs?\b/,
    read: (_, start) => {
      start.phase = 'capture';
    },
  },
  {
    has: 'init engine (profile',
    pattern: /init engine \(profile, create kv cache, warmup model\) took ([\d.]+) s/,
    read: ([, seconds], start) => {
      start.startupSeconds = printedNumber(seconds) ?? start.startupSeconds;
      start.ready();
    },
  },
  {
    has: 'total capacity of',
    pattern: /GPU \d+ has a total capacity of ([\d.]+) (GiB|MiB) of which/,
    read: term('totalBytes'),
  },
  { has: 'startup complete', pattern: /Application startup complete\./, read: (_, start) => start.serves() },
];

/** From 0.28: weights and non-torch in one figure, and a peak that has the charged estimate of the graphs in it. */
function readConsumed(match: RegExpExecArray, start: StartBuilder, process: string): void {
  const consumed = printedBytes(match[1], 'GiB');
  const peak = printedBytes(match[2], 'GiB');
  start.put(process, 'graphBytes', printedBytes(match[3], 'GiB'));
  const minus = (whole: typeof consumed, part: typeof consumed) =>
    whole &&
    part && { bytes: Math.max(0, whole.bytes - part.bytes), halfWidth: whole.halfWidth + part.halfWidth };
  const none = { bytes: 0, halfWidth: 0 };
  const charged = start.graphsCharged ? start.term(process, 'graphEstimateBytes') : undefined;
  start.put(process, 'nonTorchBytes', minus(consumed, start.term(process, 'weightsBytes')));
  start.put(process, 'activationPeakBytes', minus(peak, charged ?? none));
}

export function readVllmLine({ text, process }: LogLine, start: StartBuilder): void {
  for (const { has, pattern, read } of lines) {
    if (!text.includes(has)) continue;
    const match = pattern.exec(text);
    if (match !== null) read(match, start, process);
  }
}

/** What an opening line says of the start. */
export function readVllmOpening(
  kind: string,
  text: string,
  match: RegExpExecArray,
  start: StartBuilder,
): void {
  if (match[1] !== undefined) start.version ??= match[1].replace(/^v/, '');
  const rest = text.slice(match.index + match[0].length);
  if (kind === 'arguments') {
    takeArguments(match[0].endsWith('(') ? pythonCall(`(${rest}`) : pythonDict(rest), start);
  }
  if (kind !== 'engine') return;
  const config = pythonFields(rest);
  const { model, 'max-seq-len': length, ...others } = config;
  if (typeof model === 'string') start.model = model;
  if (typeof length === 'number') start.maxModelLen = length;
  const device = config['device-config'];
  if (typeof device === 'string') start.device ??= device;
  const kept = [
    'dtype',
    'quantization',
    'tensor-parallel-size',
    'pipeline-parallel-size',
    'data-parallel-size',
    'load-format',
    'enforce-eager',
    'kv-cache-dtype',
  ];
  start.addFlags(Object.fromEntries(Object.entries(others).filter(([name]) => kept.includes(name))));
}

function takeArguments(found: ReturnType<typeof pythonDict>, start: StartBuilder): void {
  if (found === undefined) return;
  start.addFlags(found);
  const { model, 'model-tag': tag } = found;
  const { 'gpu-memory-utilization': utilization, 'block-size': blockSize } = found;
  if (typeof tag === 'string') start.model = tag;
  else if (typeof model === 'string') start.model = model;
  if (typeof utilization === 'number') start.gpuMemoryUtilization = utilization;
  if (typeof blockSize === 'number') start.blockSize = blockSize;
}
