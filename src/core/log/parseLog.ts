import { errorOf } from './errors.ts';
import { LineSplitter, type LogLine, readLogLine } from './logLine.ts';
import { otherOpenings, readOtherLine, readOtherOpening } from './otherLines.ts';
import type { LogEngine, LogErrorClass, LogRecord } from './record.ts';
import { StartBuilder } from './startBuilder.ts';
import { readVllmLine, readVllmOpening, vllmOpenings } from './vllmLines.ts';

/** Most starts that are kept of one file. */
const MOST_STARTS = 10_000;

/** Words of which every telling line has one: most lines of a serving log have none. */
const telling =
  /vLLM|LLM engine|args: |ServerArgs|memory|GiB|KV [Cc]ache (?:size|is|memory)|KV buffer|KV-cache blocks| blocks[: =]|oncurrency for|CUDA|aptur|max model len|max seq|block size|tokens per block|max_total|batch total tokens|startup complete|version|Load weight|cuda graph|fired up|text_generation|buffer size|n_ctx|compute capability|gguf|listening|TensorRT|build: |Loaded engine|tensorrt_llm|rror|xception|Traceback|illed|OOM|(?:code|status) 137|already in use|divisible|not supported|restricted|driver|failed|Not enough|init engine|Chunked prefill|max_num_seqs|max_model_len/;

/**
 * Reads start-up logs as they come, in chunks of any size: time linear in their length, memory bounded by the number of starts.
 * Never throws. Starts of several engines may be mixed where each line names its container.
 */
export class LogParser {
  readonly #splitter = new LineSplitter((part, line, complete) => this.#take(part, line, complete));
  readonly #starts: StartBuilder[] = [];
  /** The start that goes on in each container. */
  readonly #current = new Map<string, StartBuilder>();

  push(chunk: string): void {
    this.#splitter.push(chunk);
  }

  /** One record a start, in the order in which they begin. */
  end(): readonly LogRecord[] {
    this.#splitter.end();
    return this.#starts.map((start) => start.build());
  }

  #take(part: string, number: number, complete: boolean): void {
    const raw = complete ? part : withoutTornWord(part);
    if (!telling.test(raw)) return;
    const line = readLogLine(raw);
    const start = this.#opened(line, number) ?? this.#continued(line, number);
    if (start === undefined) return;
    if (start.engine === 'vllm') readVllmLine(line, start);
    else readOtherLine(line, start);
    start.noteError(line.text, number);
  }

  /** The start that this line begins or opens further; undefined where it is no opening. */
  #opened(line: LogLine, number: number): StartBuilder | undefined {
    const { text, process } = line;
    for (const { kind, pattern, isHeader } of vllmOpenings) {
      const match = pattern.exec(text);
      if (match === null) continue;
      const start = this.#startFor(line, 'vllm', number, kind, process, isHeader);
      readVllmOpening(kind, text, match, start);
      return start;
    }
    for (const { engine, pattern } of otherOpenings) {
      const match = pattern.exec(text);
      if (match === null) continue;
      const start = this.#startFor(line, engine, number, 'opening', '', true);
      readOtherOpening(text, match, start);
      return start;
    }
    return undefined;
  }

  #startFor(
    { stream }: LogLine,
    engine: LogEngine,
    number: number,
    kind: string,
    process: string,
    isHeader: boolean,
  ): StartBuilder {
    const current = this.#current.get(stream);
    if (current?.engine === engine && current.open(kind, process, isHeader)) return current;
    const start = new StartBuilder(engine, number);
    start.open(kind, process, isHeader);
    this.#begin(stream, start);
    return start;
  }

  /** The start that goes on; a log that was cut at its head, or that says no more than why it failed, begins one too. */
  #continued(line: LogLine, number: number): StartBuilder | undefined {
    const current = this.#current.get(line.stream);
    if (current !== undefined) return current;
    const engine = engineOf(line.text);
    if (engine === undefined) return undefined;
    const start = new StartBuilder(engine, number);
    this.#begin(line.stream, start);
    return start;
  }

  #begin(stream: string, start: StartBuilder): void {
    if (this.#starts.length < MOST_STARTS) this.#starts.push(start);
    if (this.#current.size < MOST_STARTS || this.#current.has(stream)) this.#current.set(stream, start);
  }
}

const first: readonly { readonly engine: LogEngine; readonly pattern: RegExp }[] = [
  {
    engine: 'sglang',
    pattern: /Load weight (?:begin|end)\.|KV Cache is allocated\.|--mem-fraction-static|sglang/,
  },
  { engine: 'llama.cpp', pattern: /^(?:llm_load|load_tensors|llama_|ggml_|llama_kv_cache)|GGUF/ },
  { engine: 'tgi', pattern: /text_generation_launcher|text_generation_router/ },
  { engine: 'tensorrt-llm', pattern: /\[TensorRT-LLM\]|\[TRT-LLM\]|tensorrt_llm/ },
  {
    engine: 'vllm',
    pattern:
      /vllm|Model loading took|Loading model weights took|Available KV cache memory: |KV cache size: |Free memory on device|Memory profiling takes|Resolved architecture/,
  },
];

function engineOf(text: string): LogEngine | undefined {
  const named = first.find(({ pattern }) => pattern.test(text))?.engine;
  if (named !== undefined) return named;
  const error = errorOf(text);
  return error !== undefined && vllmsOwn.has(error) ? 'vllm' : undefined;
}

/** Errors that other programs do not have: a log that begins with one is of vLLM. */
const vllmsOwn: ReadonlySet<LogErrorClass> = new Set([
  'free-memory-below-requested',
  'max-model-len',
  'no-kv-memory',
  'mamba-blocks',
  'sampler-warmup-oom',
  'memory-profiling-race',
  'oom',
]);

/** The last word of a line that was cut may be half of a number: it is kept only where it is a unit or closes something. */
function withoutTornWord(text: string): string {
  return /(?:[\d.] ?(?:GiB|MiB|GB)\.?| tokens|\dx| seconds| secs|[)}\]!])$/.test(text)
    ? text
    : text.replace(/\S{1,4096}$/, '');
}

/** A whole log at once. */
export function parseLog(text: string): readonly LogRecord[] {
  const parser = new LogParser();
  parser.push(text);
  return parser.end();
}
