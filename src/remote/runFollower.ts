import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import type {
  FollowChunk,
  FollowRequest,
  FollowRewind,
  HostRunState,
  TelemetryLine,
} from '../protocol/agent.ts';
import { type GuardedLine, readJournalLine, readTelemetryLine } from '../protocol/agentGuard.ts';
import type { JournalRecord } from '../protocol/agentJournal.ts';
import { anyJournalFile, ensureRunFolder } from '../storage/runFolder.ts';
import type { AgentClient, FollowRecord } from './agentClient.ts';
import { backOffMs, isPassing } from './backOff.ts';
import { FileCopy } from './fileCopy.ts';
import { RemoteError } from './host.ts';

export type FollowEvent =
  | { readonly type: 'journal'; readonly record: JournalRecord }
  | { readonly type: 'telemetry'; readonly line: TelemetryLine }
  /** The host lost what was told of this file (its disk, at a crash): forget it, all that there is follows. */
  | { readonly type: 'rewind'; readonly file: 'journal' | 'telemetry'; readonly part?: number }
  /** `running` when that is known; any other is the last event. */
  | { readonly type: 'state'; readonly state: HostRunState }
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly error: RemoteError; readonly retryInMs: number }
  /** Something that was skipped, in words. */
  | { readonly type: 'note'; readonly message: string };

export interface FollowOptions {
  readonly run: string;
  /** The folder that has `.loadline` in it, or will have. */
  readonly workspace: string;
  /**
   * The agent of the run's host: called at the start and again each time the connection was lost. Its errors end the
   * following the first time; later `lost`, `unreachable` and `timeout` are tried again until the signal comes.
   */
  connect(): Promise<AgentClient>;
  /** Stops following; the run goes on. The iteration then ends without an error. */
  readonly signal?: AbortSignal;
  /** Wait before attempt 0, 1, 2 … in milliseconds. */
  readonly backOff?: (attempt: number) => number;
  /** A host that says nothing for this long (the agent's heartbeat is every second) counts as lost. */
  readonly silenceMs?: number;
}

const telemetryFile = 'telemetry.jsonl';
/** What a host may put into a run folder. */
const followedFile =
  /^(plan\.yaml|environment(-\d+)?\.json|(journal|telemetry|metrics)(-\d+)?\.jsonl|engine-[A-Za-z0-9._-]+\.log|slurm-\d+\.log)$/;
const largestChunkBytes = 16 * 1024 * 1024;
const defaultSilenceMs = 20_000;
const unpack = promisify(inflate);

/**
 * Copies a run from its host into `<workspace>/.loadline/runs/<run>` while it goes on, over lost connections, and gives its
 * records: first those that the folder holds already, then what comes, each once and in order. Ends when the run has ended
 * on its host and all of it is here. Throws RemoteError (also `disk-full` of the host) and StorageError (this machine).
 * Several may follow one run into one folder, in one process or many.
 */
export async function* followRun(options: FollowOptions): AsyncGenerator<FollowEvent, void, undefined> {
  const { run, workspace, signal, backOff = backOffMs, silenceMs = defaultSilenceMs } = options;
  const copy = new RunCopy(await ensureRunFolder(workspace, run));
  try {
    yield* copy.open();
    let attempt = 0;
    let wasConnected = false;
    let state: HostRunState | undefined;
    while (!signal?.aborted) {
      try {
        const agent = await options.connect();
        wasConnected = true;
        yield { type: 'connected' };
        for await (const record of listen(agent, { run, ...copy.held() }, silenceMs, signal)) {
          attempt = 0;
          if (record.type === 'rewind') {
            yield* copy.rewind(record);
            continue;
          }
          if (record.type === 'chunk') {
            yield* copy.take(record, agent.host.name);
            continue;
          }
          // An end is told when all that came before it is here.
          const isNews =
            record.state !== state && (record.type === 'follow-end' || record.state === 'running');
          if (isNews) {
            state = record.state;
            yield { type: 'state', state };
          }
          if (record.type === 'follow-end') return;
        }
        if (signal?.aborted) return;
        throw new RemoteError('lost', agent.host.name, `${agent.host.name} stopped sending run ${run}.`);
      } catch (error) {
        if (signal?.aborted) return;
        if (!wasConnected || !isPassing(error)) throw error;
        const retryInMs = backOff(attempt++);
        yield { type: 'disconnected', error, retryInMs };
        await delay(retryInMs, undefined, signal ? { signal } : {}).catch(() => undefined);
      }
    }
  } finally {
    await copy.close();
  }
}

/** The agent's records until it ends, the signal comes, or it says nothing for too long: then its connection is closed. */
async function* listen(
  agent: AgentClient,
  request: FollowRequest,
  silenceMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<FollowRecord, void, undefined> {
  const { name } = agent.host;
  const stop = new AbortController();
  const records = agent.follow(request, { signal: stop.signal });
  const aborted = new Promise<'aborted'>((resolve) => {
    if (signal?.aborted) resolve('aborted');
    signal?.addEventListener('abort', () => resolve('aborted'), { once: true, signal: stop.signal });
  });
  let next: Promise<IteratorResult<FollowRecord, void>> | undefined;
  try {
    for (;;) {
      const timer = new AbortController();
      next = records.next();
      const silence = delay(silenceMs, 'silent' as const, { signal: timer.signal }).catch(
        () => 'silent' as const,
      );
      const result = await Promise.race([next, silence, aborted]).finally(() => timer.abort());
      if (result === 'aborted') return;
      if (result === 'silent') {
        await agent.host.dispose();
        throw new RemoteError('lost', name, `${name} said nothing for ${silenceMs / 1000} s.`);
      }
      if (result.done) return;
      yield result.value;
    }
  } finally {
    // The end of a dead connection is not waited for.
    next?.catch(() => {});
    stop.abort();
    records.return().catch(() => {});
  }
}

/** The run folder as one follower holds it. */
class RunCopy {
  readonly #files = new Map<string, FileCopy>();

  constructor(readonly directory: string) {}

  /** Records of what the folder holds already. */
  async *open(): AsyncGenerator<FollowEvent, void, undefined> {
    const names = (await readdir(this.directory)).filter((name) => followedFile.test(name));
    // The journal first: it explains the telemetry.
    const isJournal = (name: string) => Number(anyJournalFile.test(name));
    for (const name of names.sort((a, b) => isJournal(b) - isJournal(a))) {
      const file = await this.#open(name);
      for await (const lines of file.held()) yield* readEvents(name, lines);
    }
  }

  held(): Pick<FollowRequest, 'offsets' | 'checks'> {
    const files = [...this.#files];
    return {
      offsets: Object.fromEntries(files.map(([name, file]) => [name, file.position])),
      checks: Object.fromEntries(files.map(([name, file]) => [name, file.check])),
    };
  }

  async *rewind({ file: name }: FollowRewind): AsyncGenerator<FollowEvent, void, undefined> {
    // Of a file that is not here there is nothing to forget.
    await this.#files.get(name)?.rewind();
    const [journal, part] = anyJournalFile.exec(name) ?? [];
    if (journal !== undefined)
      yield { type: 'rewind', file: 'journal', ...(part === undefined ? {} : { part: Number(part) }) };
    if (name === telemetryFile) yield { type: 'rewind', file: 'telemetry' };
  }

  async *take(chunk: FollowChunk, host: string): AsyncGenerator<FollowEvent, void, undefined> {
    const { file: name, offset, bytes } = chunk;
    if (!followedFile.test(name)) {
      yield {
        type: 'note',
        message: `The host sent a file that does not belong to a run: ${JSON.stringify(name)}; skipped`,
      };
      return;
    }
    const file = await this.#open(name);
    const data = await unpack(Buffer.from(chunk.data, 'base64'), {
      maxOutputLength: largestChunkBytes,
    }).catch(() => undefined);
    if (data?.length !== bytes || offset !== file.position) {
      const problem = data?.length === bytes ? `at ${offset}, wanted ${file.position}` : 'damaged';
      throw new RemoteError(
        'agent',
        host,
        `A part of ${name} came ${problem} from ${host}. Follow the run again.`,
      );
    }
    yield* readEvents(name, await file.append(data, anyJournalFile.test(name)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()));
  }

  async #open(name: string): Promise<FileCopy> {
    const open = this.#files.get(name);
    if (open) return open;
    const file = await FileCopy.open(join(this.directory, name));
    this.#files.set(name, file);
    return file;
  }
}

function* readEvents(name: string, lines: readonly string[]): Generator<FollowEvent, void, undefined> {
  for (const line of lines) {
    if (anyJournalFile.test(name)) {
      const guarded = readJournalLine(line);
      yield guarded.kind === 'record' ? { type: 'journal', record: guarded.record } : skipped(name, guarded);
    } else if (name === telemetryFile) {
      const guarded = readTelemetryLine(line);
      yield guarded.kind === 'record' ? { type: 'telemetry', line: guarded.record } : skipped(name, guarded);
    }
  }
}

function skipped(name: string, guarded: Exclude<GuardedLine<unknown>, { kind: 'record' }>): FollowEvent {
  switch (guarded.kind) {
    case 'torn':
      return { type: 'note', message: `${name}: a line that is no record; skipped` };
    case 'unknown':
      return { type: 'note', message: `${name}: a record of the unknown type ${guarded.type}; skipped` };
    case 'invalid':
      return {
        type: 'note',
        message: `${name}: ${guarded.type} has a wrong field (${guarded.message}); skipped`,
      };
  }
}
