/** Texts by which engines say that they will not start. Facts: benchmarks of vLLM 0.6 to 0.33, SGLang 0.5, TGI 3, TensorRT-LLM, llama.cpp. */
import type { LogErrorClass, LogOutcome } from './record.ts';

interface ErrorRule {
  readonly errorClass: LogErrorClass;
  readonly pattern: RegExp;
}

/** First match wins, so the telling ones stand before the general. */
const rules: readonly ErrorRule[] = [
  {
    errorClass: 'free-memory-below-requested',
    pattern: /Free memory on device .{0,80} is less than desired GPU memory utilization/,
  },
  {
    errorClass: 'max-model-len',
    pattern:
      /To serve at least one request with the models?'s max(?:imum)? seq|max seq len \(\d+\) is larger than the maximum number of tokens|Derived max_model_len|User-specified max_model_len|maxTokensInPagedKvCache must be large enough/,
  },
  {
    errorClass: 'no-kv-memory',
    pattern:
      /No available memory for the cache blocks|Not enough memory\. Please try to (?:increase|decrease) --mem-fraction-static/,
  },
  {
    errorClass: 'mamba-blocks',
    pattern: /max_num_seqs \(\d+\) exceeds (?:the number of )?available Mamba cache blocks/,
  },
  {
    errorClass: 'sampler-warmup-oom',
    pattern: /out of memory occurred when warming up (?:sampler|pooler)/,
  },
  { errorClass: 'memory-profiling-race', pattern: /Error in memory profiling\. ?Initial free memory/ },
  {
    errorClass: 'oom',
    pattern:
      /CUDA out of memory|OutOfMemoryError|CUDA error: out of memory|cudaMalloc failed: out of memory|HIP out of memory|Capture cuda graph failed.{0,200}out of memory|insufficient GPU memory|CUDA runtime error in .{0,200}out of memory|Not enough memory to handle \d+ prefill tokens|The GPU ran out of memory/,
  },
  {
    errorClass: 'tensor-parallel',
    pattern:
      /must be divisible by tensor.parallel size|is greater than the number of available|World size \(\d+\) is larger than the number of available GPUs|Not enough GPUs|num_shard.{0,40}CUDA_VISIBLE_DEVICES/,
  },
  {
    errorClass: 'bad-flag',
    pattern:
      /error: (?:unrecognized arguments|argument |the following arguments|ambiguous option)|error: unexpected argument|error: invalid argument|validation errors? for (?:\w+Config|EngineArgs)/,
  },
  {
    errorClass: 'unsupported-model',
    pattern:
      /Model architectures .{0,300}(?:are not supported|failed to be inspected)|Unsupported (?:architecture|model type)|unknown model architecture|does not recognize this architecture/,
  },
  {
    errorClass: 'gated-model',
    pattern: /GatedRepoError|Cannot access gated repo|Access to model .{0,200} is restricted|gated repo/,
  },
  {
    errorClass: 'not-found',
    pattern:
      /RepositoryNotFoundError|Repository Not Found|is not a local folder and is not a valid model identifier|Can't load (?:the )?configuration of|Invalid repository ID or local directory|failed to open GGUF file|No such file or directory: '[^']{0,300}config\.json'/,
  },
  {
    errorClass: 'port-in-use',
    pattern: /[Aa]ddress already in use|couldn't bind (?:HTTP server socket|to server socket)/,
  },
  {
    errorClass: 'killed',
    pattern:
      /oom-kill|OOMKilled|Out of memory: Killed process|exit(?:ed with)? (?:code|status) 137|was killed by signal 9/,
  },
  { errorClass: 'nccl', pattern: /NCCL error|ncclUnhandledCudaError|ncclSystemError|ncclInternalError/ },
  {
    errorClass: 'driver',
    pattern:
      /driver (?:on your system )?(?:version )?is (?:too old|insufficient)|NVIDIA driver .{0,80}too old|No CUDA GPUs are available|Found no NVIDIA driver|no CUDA-capable device|Failed to infer device type|CUDA driver initialization failed|forward compatibility was attempted/,
  },
];

const refusals: ReadonlySet<LogErrorClass> = new Set([
  'free-memory-below-requested',
  'max-model-len',
  'no-kv-memory',
  'mamba-blocks',
  'bad-flag',
  'tensor-parallel',
  'unsupported-model',
]);

/** What makes a look at the rules worth it. */
const telling =
  /emory|OutOfMemory|max_model_len|max seq|max_num_seqs|rror|divisible|available|unrecognized|not supported|architecture|gated|restricted|valid model|GGUF|already in use|bind|137|illed|driver|CUDA|NCCL|nccl|maxTokens|GPU/;

export function errorOf(text: string): LogErrorClass | undefined {
  if (!telling.test(text)) return undefined;
  return rules.find(({ pattern }) => pattern.test(text))?.errorClass;
}

export function outcomeOf(errorClass: LogErrorClass): LogOutcome {
  if (errorClass === 'oom' || errorClass === 'sampler-warmup-oom') return 'oom';
  return refusals.has(errorClass) ? 'refused' : 'failed';
}

/** The engine is gone, without a word of the cause on this line. */
export const enginesEnd =
  /Engine core initialization failed|EngineCore failed to start|Engine process failed to start|EngineCore encountered a fatal error|Scheduler hit an exception|Shard cannot start|ShardCannotStart|failed to load model|Failed to initialize executor/;

/** The last line of a Python traceback. */
export const lastTracebackLine = /^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt)(?:: |$)/;
