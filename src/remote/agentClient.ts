import {
  agentProtocol,
  type CancelRecord,
  type FollowChunk,
  type FollowEnd,
  type FollowHeartbeat,
  type FollowRequest,
  type FollowRewind,
  type HelloRecord,
  type LoadControl,
  type LoadMeasured,
  type LoadProgress,
  type LoadRequestDocument,
  type ProbeRecord,
  type ResumeRequest,
  type RunAccepted,
  type RunRequest,
  type RunStatus,
  type SampleRequest,
  type TelemetryLine,
} from '../protocol/agent.ts';
import { type HostClock, HostClockEstimator } from '../protocol/agentClock.ts';
import { type AgentRecord, readAgentLine, telemetryTypes } from '../protocol/agentGuard.ts';
import type { RemovedRecord } from '../protocol/agentProbe.ts';
import type { SampleControl } from '../protocol/agentTelemetry.ts';
import { type AgentArchive, type DeployedAgent, ensureAgent } from './agentDeployment.ts';
import { RemoteError, type RemoteHost, type RemoteLog, type RemoteProcess } from './host.ts';
import { redact } from './redact.ts';

export type FollowRecord = FollowRewind | FollowChunk | FollowHeartbeat | FollowEnd;

export interface VerbOptions {
  /** Ends the verb. A run that was started goes on: it belongs to the host. */
  readonly signal?: AbortSignal;
}

export interface SampleOptions extends VerbOptions {
  /** Called at each answer to a ping: eight at the start, then one each 5 s. */
  readonly onClock?: (clock: HostClock) => void;
  /** Called once with a function that writes a line of control, such as a mark. */
  readonly onControl?: (control: (line: SampleControl) => void) => void;
  /** How long an agent may say nothing; 20 s where it is left out. */
  readonly silentAfterMs?: number;
}

/** Names of record types that a verb answers with; others of the protocol are not expected of it. */
type RecordOf<Type extends AgentRecord['type']> = Extract<AgentRecord, { readonly type: Type }>;

const answerWithinMs = 60_000;
/** Looking at a host whose driver hangs takes the agent 60 s; its answer says so, and is to be waited for. */
const startWithinMs = 150_000;
/** Cancelling waits for the engine to be gone. */
const cancelWithinMs = 300_000;
/** Pings are answered by a thread that waits for no driver: an agent that is silent for so long is stopped or gone. */
const silentAfterMs = 20_000;
/** 128 + SIGKILL: how a login shell that waits for its command, and does not become it, tells of its death. */
const killedStatus = 137;
const pingsAtStart = 8;
const pingAtStartEachMs = 100;
const pingEachMs = 5000;
/** A key in the environment of a command that is neither in argv nor kept by sshd: read from the first line of stdin. */
const withApiKey = 'IFS= read -r LOADLINE_API_KEY; export LOADLINE_API_KEY; exec "$@"';

/** Puts the agent on the host where it is not there yet, and says hello to it. */
export async function openAgent(
  host: RemoteHost,
  archive: AgentArchive,
  log: RemoteLog,
  options: VerbOptions = {},
): Promise<AgentClient> {
  const agent = await ensureAgent(host, archive, options);
  if (agent.uploaded) log.info(`${host.name}: the agent was put into ${agent.path}`);
  const client = new AgentClient(host, agent, log);
  await client.hello(options);
  return client;
}

/**
 * The verbs of the agent on a host. All throw RemoteError: `agent` with the agent's own message (`disk-full` for a full
 * disk), `lost`, `timeout`, `cancelled`. Lines that are no record, or of a type of a later agent, are skipped and said in the log.
 */
export class AgentClient {
  constructor(
    readonly host: RemoteHost,
    readonly agent: DeployedAgent,
    readonly log: RemoteLog,
  ) {}

  /** Refuses an agent of another protocol. */
  async hello(options: VerbOptions = {}): Promise<HelloRecord> {
    const hello = await this.#one('hello', 'hello', undefined, options);
    if (hello.protocol === agentProtocol) return hello;
    throw new RemoteError(
      'agent',
      this.host.name,
      `The agent on ${this.host.name} speaks protocol ${hello.protocol}, Loadline ${agentProtocol}. Update Loadline where you use it, so that both are of one version.`,
    );
  }

  probe(options: VerbOptions = {}): Promise<ProbeRecord> {
    return this.#one('probe', 'probe', undefined, options);
  }

  /** Runs that the host knows of. */
  async runs(options: VerbOptions = {}): Promise<readonly RunStatus[]> {
    return this.#all('runs', ['run-status'], undefined, options, answerWithinMs);
  }

  /** Starts a run, detached: it goes on whatever becomes of this connection. */
  run(request: RunRequest, options: VerbOptions = {}): Promise<RunAccepted> {
    return this.#one('run', 'run-accepted', request, options, startWithinMs);
  }

  /** Goes on with the first cell that has no result. */
  resume(
    run: string,
    options: VerbOptions & Pick<ResumeRequest, 'acceptChanges'> = {},
  ): Promise<RunAccepted> {
    const { acceptChanges = false, ...rest } = options;
    const request: ResumeRequest = { run, ...(acceptChanges ? { acceptChanges } : {}) };
    return this.#one('resume', 'run-accepted', request, rest, startWithinMs);
  }

  /** Resolves when nothing of the run is left on the host. */
  cancel(run: string, options: VerbOptions = {}): Promise<CancelRecord> {
    return this.#one('cancel', 'cancelled', { run }, options, cancelWithinMs);
  }

  /**
   * Telemetry until the loop is left, the signal comes or the request's time is over. An agent that says nothing any more,
   * not even to a ping, is a RemoteError `timeout`.
   */
  async *sample(
    request: SampleRequest,
    options: SampleOptions = {},
  ): AsyncGenerator<TelemetryLine, void, undefined> {
    const estimator = new HostClockEstimator();
    let timer: NodeJS.Timeout | undefined;
    const attach = (process: RemoteProcess): void => {
      const control = (line: SampleControl): void => process.write(`${JSON.stringify(line)}\n`);
      const ping = (sent: number): void => {
        control({ ping: estimator.ping(clientMs()) });
        timer = setTimeout(ping, sent < pingsAtStart ? pingAtStartEachMs : pingEachMs, sent + 1);
      };
      options.onControl?.(control);
      ping(1);
    };
    try {
      for await (const line of this.#stream('sample', telemetryTypes, request, {
        silentAfterMs,
        ...options,
        attach,
      })) {
        if (line.type !== 'telemetry-pong') yield line;
        else {
          const clock = estimator.pong(line, clientMs());
          if (clock !== null) options.onClock?.(clock);
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Removes the agent and its locks from the host, and its runs where asked to. Refused while a run is going on. */
  uninstall(request: { readonly runs: boolean }, options: VerbOptions = {}): Promise<RemovedRecord> {
    return this.#one('uninstall', 'uninstalled', request, options);
  }

  /** A run's files from the offsets given, then what is added to them, until the run ends. See followRun for the folder. */
  follow(request: FollowRequest, options: VerbOptions = {}): AsyncGenerator<FollowRecord, void, undefined> {
    return this.#stream('follow', ['rewind', 'chunk', 'heartbeat', 'follow-end'], request, options);
  }

  /** The load generator alone. The API key goes over stdin, never through argv. `onControl` gets what ends it with a result. */
  load(
    request: LoadRequestDocument,
    { onControl, ...options }: LoadOptions = {},
  ): AsyncGenerator<LoadProgress | LoadMeasured, void, undefined> {
    const attach = (process: RemoteProcess): void => {
      onControl?.((line) => process.write(`${JSON.stringify(line)}\n`));
    };
    return this.#stream('load', ['load-progress', 'load-measured'], request, { ...options, attach });
  }

  async #one<Type extends AgentRecord['type']>(
    verb: string,
    type: Type,
    request: unknown,
    options: VerbOptions,
    timeoutMs = answerWithinMs,
  ): Promise<RecordOf<Type>> {
    const [first] = await this.#all(verb, [type], request, options, timeoutMs);
    if (first !== undefined) return first;
    throw new RemoteError(
      'agent',
      this.host.name,
      `The agent on ${this.host.name} ended \`${verb}\` without an answer.`,
    );
  }

  async #all<Type extends AgentRecord['type']>(
    verb: string,
    types: readonly Type[],
    request: unknown,
    { signal }: VerbOptions,
    timeoutMs: number,
  ): Promise<readonly RecordOf<Type>[]> {
    const result = await this.host.exec([...this.agent.command, verb], {
      stdin: request === undefined ? '' : JSON.stringify(request),
      timeoutMs,
      ...(signal ? { signal } : {}),
    });
    const reader = new RecordReader(this.host.name, verb, types, this.log);
    const lines = result.stdout.split('\n').filter((line) => line !== '');
    const records = lines.flatMap((line) => reader.read(line) ?? []);
    reader.finish({ exitCode: result.exitCode, lost: false }, result.stderr);
    return records;
  }

  async *#stream<Type extends AgentRecord['type']>(
    verb: string,
    types: readonly Type[],
    request: unknown,
    { signal, apiKey, attach, silentAfterMs }: StreamOptions,
  ): AsyncGenerator<RecordOf<Type>, void, undefined> {
    const secret = apiKey === undefined ? [] : ['/bin/sh', '-c', withApiKey, 'sh'];
    const process = await this.host.spawn([...secret, ...this.agent.command, verb], signal ? { signal } : {});
    const reader = new RecordReader(this.host.name, verb, types, this.log);
    let ended = false;
    let silent = false;
    const quiet = (): void => {
      silent = true;
      process.kill();
    };
    let timer: NodeJS.Timeout | undefined;
    const listen = (): void => {
      clearTimeout(timer);
      if (silentAfterMs !== undefined) timer = setTimeout(quiet, silentAfterMs);
    };
    try {
      if (apiKey !== undefined) process.write(`${apiKey}\n`);
      // stdin stays open: its end tells `sample` and `follow` to stop.
      process.write(`${JSON.stringify(request)}\n`);
      attach?.(process);
      listen();
      for await (const line of process.lines) {
        clearTimeout(timer);
        const record = line === '' ? undefined : reader.read(line);
        if (record) yield record;
        listen();
      }
      ended = true;
      const exit = await process.exit;
      if (signal?.aborted) return;
      if (silent)
        throw new RemoteError(
          'timeout',
          this.host.name,
          `The agent on ${this.host.name} has said nothing for ${(silentAfterMs ?? 0) / 1000} s during \`${verb}\`: it is stopped, or its machine hangs. Look at the host; connect again when it answers.`,
        );
      reader.finish(exit, process.stderrTail());
    } finally {
      clearTimeout(timer);
      process.closeStdin();
      if (!ended) process.kill();
    }
  }
}

export interface LoadOptions extends VerbOptions {
  readonly apiKey?: string;
  readonly onControl?: (control: (line: LoadControl) => void) => void;
}

interface StreamOptions extends VerbOptions {
  readonly apiKey?: string;
  /** Called when the request has been written. */
  readonly attach?: (process: RemoteProcess) => void;
  /** Ends the verb as timed out when no line has come for so long. */
  readonly silentAfterMs?: number;
}

/** This machine's wall clock as it stood at the start of the process, going on steadily: setting it bends nothing. */
function clientMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Guards the lines of one verb: gives what was expected, throws what the agent says went wrong, counts the rest. */
class RecordReader<Type extends AgentRecord['type']> {
  readonly #skipped = new Map<string, number>();

  constructor(
    readonly host: string,
    readonly verb: string,
    readonly types: readonly Type[],
    readonly log: RemoteLog,
  ) {}

  read(line: string): RecordOf<Type> | undefined {
    const guarded = readAgentLine(line);
    if (guarded.kind !== 'record') {
      if (guarded.kind === 'torn') this.#skip('lines that are no records');
      else if (guarded.kind === 'unknown') this.#skip(`records of the unknown type ${guarded.type}`);
      else this.#skip(`records of type ${guarded.type} with a wrong field (${guarded.message})`);
      return undefined;
    }
    const { record } = guarded;
    if (record.type === 'error')
      throw new RemoteError(
        record.code === 'disk-full' ? 'disk-full' : 'agent',
        this.host,
        `${this.host}: ${redact(record.message)}`,
        { cause: record },
      );
    if (this.#isExpected(record)) return record;
    this.#skip(`records of type ${record.type}, which do not belong to \`${this.verb}\``);
    return undefined;
  }

  /** Throws unless the verb ended well. */
  finish(exit: { readonly exitCode: number | null; readonly lost: boolean }, stderr: string): void {
    const skipped = [...this.#skipped].map(([what, times]) => `${times} ${what}`);
    if (skipped.length > 0) this.log.warn(`${this.host}: \`${this.verb}\`: skipped ${skipped.join(', ')}`);
    if (exit.lost)
      throw new RemoteError(
        'lost',
        this.host,
        `The connection to ${this.host} was lost during \`${this.verb}\`.`,
      );
    if (exit.exitCode === 0) return;
    if (exit.exitCode === null || exit.exitCode === killedStatus)
      throw new RemoteError(
        'lost',
        this.host,
        `The agent on ${this.host} was killed during \`${this.verb}\`.`,
      );
    const said = redact(stderr.trim().split('\n').slice(-5).join('\n').slice(-1000));
    throw new RemoteError(
      'agent',
      this.host,
      `The agent on ${this.host} failed at \`${this.verb}\` (exit status ${exit.exitCode})${said === '' ? '' : `:\n${said}`}`,
    );
  }

  #isExpected(record: AgentRecord): record is RecordOf<Type> {
    return (this.types as readonly string[]).includes(record.type);
  }

  #skip(what: string): void {
    this.#skipped.set(what, (this.#skipped.get(what) ?? 0) + 1);
  }
}
