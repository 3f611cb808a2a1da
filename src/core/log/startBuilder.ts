import type { FlagValue } from '../engine/deployment.ts';
import { enginesEnd, errorOf, lastTracebackLine, outcomeOf } from './errors.ts';
import type { PrintedBytes } from './printed.ts';
import {
  type LogEngine,
  type LogErrorClass,
  type LoggedRank,
  type LoggedTerms,
  type LogOutcome,
  type LogRecord,
  type OomPhase,
  type TermName,
  termNames,
} from './record.ts';

/** Most workers and flags that are kept of one start; no node has more, and memory stays bounded. */
const MOST_PROCESSES = 4096;
const MOST_FLAGS = 512;

/** Classes that a later line may tell more of. */
const vague: ReadonlySet<LogErrorClass> = new Set(['other', 'oom', 'bad-flag']);

/** Running out of memory in the sampler says so only after the allocator did; a validation error names its reason on its next line. */
function tellsMore(found: LogErrorClass, known: LogErrorClass): boolean {
  if (known === 'oom') return found === 'sampler-warmup-oom';
  return known === 'bad-flag' ? outcomeOf(found) === 'refused' && found !== known : found !== 'other';
}

class Terms {
  readonly values = new Map<TermName, PrintedBytes>();

  of(): LoggedTerms {
    const bytes = (name: TermName) => this.values.get(name)?.bytes ?? null;
    return Object.fromEntries(termNames.map((name) => [name, bytes(name)])) as Record<
      TermName,
      number | null
    >;
  }
}

/** Gathers one start of an engine, line by line. */
export class StartBuilder {
  readonly engine: LogEngine;
  readonly line: number;
  version: string | null = null;
  model: string | null = null;
  device: string | null = null;
  kvTokens: number | null = null;
  maxConcurrency: number | null = null;
  maxModelLen: number | null = null;
  gpuMemoryUtilization: number | null = null;
  numGpuBlocks: number | null = null;
  blockSize: number | null = null;
  startupSeconds: number | null = null;
  phase: OomPhase = 'load';
  /** False where the estimate for graphs is logged and not subtracted. */
  graphsCharged = true;
  #ready = false;
  #serving = false;
  #flags: Record<string, FlagValue> = {};
  #errorClass: LogErrorClass | undefined;
  #errorLine: number | undefined;
  #errorPhase: OomPhase | undefined;
  #traceback = false;
  /** Openings seen, as `kind process`: the same one again is a new start. */
  readonly #openings = new Set<string>();
  readonly #processes = new Map<string, Terms>();

  constructor(engine: LogEngine, line: number) {
    this.engine = engine;
    this.line = line;
  }

  /** False where this start has had that opening, or is past where it would come. */
  open(kind: string, process: string, isHeader: boolean): boolean {
    const key = `${kind} ${process}`;
    if (this.#openings.has(key) || (isHeader && (this.#processes.size > 0 || this.#ended()))) return false;
    this.#openings.add(key);
    return true;
  }

  put(process: string, name: TermName, printed: PrintedBytes | undefined): void {
    if (printed === undefined) return;
    const terms = this.#processes.get(process) ?? new Terms();
    if (this.#processes.size < MOST_PROCESSES) this.#processes.set(process, terms);
    terms.values.set(name, printed);
  }

  /** Adds to what is there: buffers that are logged one by one. */
  add(process: string, name: TermName, printed: PrintedBytes | undefined): void {
    if (printed === undefined) return;
    const before = this.term(process, name);
    this.put(process, name, {
      bytes: (before?.bytes ?? 0) + printed.bytes,
      halfWidth: (before?.halfWidth ?? 0) + printed.halfWidth,
    });
  }

  term(process: string, name: TermName): PrintedBytes | undefined {
    return this.#processes.get(process)?.values.get(name);
  }

  addFlags(flags: Readonly<Record<string, FlagValue>>): void {
    for (const [name, value] of Object.entries(flags)) {
      if (Object.keys(this.#flags).length >= MOST_FLAGS) return;
      this.#flags[name] = value;
    }
  }

  /** The engine is up. */
  ready(): void {
    this.#ready = true;
    this.phase = 'serving';
  }

  /** The server answers. */
  serves(): void {
    this.ready();
    this.#serving = true;
  }

  /** Reads a line for what went wrong. The first cause counts: what follows it are its consequences. */
  noteError(text: string, line: number): void {
    if (this.#errorClass !== undefined && !vague.has(this.#errorClass)) return;
    const found = errorOf(text) ?? this.#unnamedError(text);
    if (found === undefined) return;
    // A request that failed is no failed start; memory that ran out while serving is worth telling.
    if (this.#serving && found !== 'oom' && found !== 'killed') return;
    if (this.#errorClass !== undefined && !tellsMore(found, this.#errorClass)) return;
    this.#errorClass = found;
    this.#errorLine = line;
    this.#errorPhase = found === 'sampler-warmup-oom' ? 'warm-up' : this.phase;
  }

  #unnamedError(text: string): LogErrorClass | undefined {
    if (text.startsWith('Traceback (most recent call last)')) this.#traceback = true;
    if (enginesEnd.test(text) || (this.#traceback && !this.#ready && lastTracebackLine.test(text)))
      return 'other';
    return undefined;
  }

  #ended(): boolean {
    return this.#ready || this.#errorClass !== undefined;
  }

  build(): LogRecord {
    const ranks = [...this.#processes].map(([process, terms]) => ({ process, ...terms.of() }));
    const loaded = ranks.filter((rank) => rank.weightsBytes !== null);
    // An error names the smallest pool of all workers without naming the worker.
    const workers = loaded.length > 0 ? loaded : ranks.filter((rank) => rank.availableKvBytes !== null);
    const tightest = this.#tightest(workers.length > 0 ? workers : ranks);
    const resolution: Partial<Record<TermName, number>> = {};
    const terms = Object.fromEntries(
      termNames.map((name) => {
        const process = ranks.find((rank) => rank === tightest && rank[name] !== null) ?? worst(ranks, name);
        const printed = process === undefined ? undefined : this.term(process.process, name);
        if (printed !== undefined) resolution[name] = printed.halfWidth;
        return [name, printed?.bytes ?? null];
      }),
    ) as Record<TermName, number | null>;
    const failed = this.#errorClass;
    const isMemory = failed === 'oom' || failed === 'sampler-warmup-oom';
    return {
      engine: this.engine,
      version: this.version,
      ...terms,
      kvTokens: this.kvTokens,
      maxConcurrency: this.maxConcurrency,
      maxModelLen: this.maxModelLen,
      outcome: this.#outcome(),
      errorClass: failed ?? null,
      line: this.line,
      errorLine: this.#errorLine ?? null,
      phase: isMemory ? (this.#errorPhase ?? null) : null,
      gpuMemoryUtilization: this.gpuMemoryUtilization,
      numGpuBlocks: this.numGpuBlocks,
      blockSize: this.blockSize,
      model: this.model,
      flags: this.#flags,
      device: this.device,
      startupSeconds: this.startupSeconds,
      resolution,
      perRank: workers,
    };
  }

  #outcome(): LogOutcome {
    if (this.#errorClass !== undefined) return outcomeOf(this.#errorClass);
    return this.#ready ? 'started' : 'unknown';
  }

  #tightest(ranks: readonly LoggedRank[]): LoggedRank | undefined {
    let tightest = ranks[0];
    for (const rank of ranks) {
      const [bytes, least] = [rank.availableKvBytes, tightest?.availableKvBytes ?? null];
      if (bytes !== null && (least === null || bytes < least)) tightest = rank;
    }
    return tightest;
  }
}

/** The rank whose figure limits the others: the least KV memory, the most of everything else. */
function worst(ranks: readonly LoggedRank[], name: TermName): LoggedRank | undefined {
  const sign = name === 'availableKvBytes' || name === 'freeBytes' ? -1 : 1;
  let found: LoggedRank | undefined;
  for (const rank of ranks) {
    const [bytes, most] = [rank[name], found?.[name] ?? null];
    if (bytes !== null && (most === null || sign * bytes > sign * most)) found = rank;
  }
  return found;
}
