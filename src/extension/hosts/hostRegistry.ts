import {
  EventEmitter,
  type ExtensionContext,
  type LogOutputChannel,
  l10n,
  ProgressLocation,
  window,
  workspace,
} from 'vscode';
import type { ProbeRecord } from '../../protocol/agent.ts';
import type { AgentClient } from '../../remote/agentClient.ts';
import type { RemoteError, RemoteErrorReason, RemoteHost } from '../../remote/host.ts';
import { readAgentArchive } from '../agentArchive.ts';
import { setContext } from '../contextKeys.ts';
import { DisposableStore } from '../disposable.ts';
import { messageOf } from '../log.ts';
import { Secrets } from '../secrets.ts';
import { addedHosts, backendOf, section, writeHost } from '../settings.ts';
import { EditorPrompter } from './prompter.ts';

export const thisMachine = 'this-machine';

/** As people read it. */
export function hostLabel(name: string): string {
  return name === thisMachine ? l10n.t('This machine') : name;
}

export type HostState = 'idle' | 'connecting' | 'connected' | 'failed';

export interface HostEntry {
  readonly name: string;
  readonly origin: 'this-machine' | 'ssh-config' | 'added';
  readonly state: HostState;
  /** Why, where it failed or was lost. */
  readonly message: string | null;
  /** The kind of that failure, where it is one of a connection. */
  readonly reason: RemoteErrorReason | null;
  /** It was lost, and is connected again as soon as that succeeds. */
  readonly isTriedAgain: boolean;
  /** What the agent found there; null until connected once. */
  readonly probe: ProbeRecord | null;
  /** When, by the clock of this machine. */
  readonly probedAtMs: number | null;
}

export interface ConnectedHost {
  readonly host: RemoteHost;
  readonly agent: AgentClient;
  readonly probe: ProbeRecord;
}

interface Session {
  state: HostState;
  message: string | null;
  reason: RemoteErrorReason | null;
  probe: ProbeRecord | null;
  probedAtMs: number | null;
  connection: Promise<ConnectedHost> | null;
  abort: AbortController | null;
  /** Ends the waiting for another attempt after a loss. */
  retry: AbortController | null;
  /** The attempt asks nobody. */
  quiet: boolean;
  /** Disconnected by hand. */
  parked: boolean;
}

/** Every host that Loadline knows of, and the connections to them: one a host, shared by all who use it. */
export class HostRegistry extends DisposableStore {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChange = this.#changed.event;
  readonly secrets: Secrets;
  readonly #context: ExtensionContext;
  readonly #log: LogOutputChannel;
  readonly #sessions = new Map<string, Session>();
  #aliases: readonly string[] = [];

  constructor(context: ExtensionContext, log: LogOutputChannel) {
    super();
    this.#context = context;
    this.#log = log;
    this.secrets = new Secrets(context.secrets, context.globalState);
    this.register(
      workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(`${section}.hosts`)) this.#changed.fire();
      }),
    );
  }

  /** This machine, then the SSH configuration's aliases, then what was added by hand; each once. */
  entries(): readonly HostEntry[] {
    const origins = new Map<string, HostEntry['origin']>();
    // The agent runs on Linux; on Windows this machine is none of the hosts.
    if (process.platform !== 'win32') origins.set(thisMachine, 'this-machine');
    for (const name of this.#aliases) if (!origins.has(name)) origins.set(name, 'ssh-config');
    for (const name of addedHosts()) if (!origins.has(name)) origins.set(name, 'added');
    return [...origins].map(([name, origin]) => {
      const session = this.#sessions.get(name);
      const { state = 'idle', message = null, reason = null } = session ?? {};
      const { probe = null, probedAtMs = null } = session ?? {};
      const isTriedAgain = session?.retry != null;
      return { name, origin, state, message, reason, isTriedAgain, probe, probedAtMs };
    });
  }

  /** Probes the hosts that are connected again: free memory and what runs there change. A host that fails to answer keeps what is known. */
  async probeAgain(): Promise<void> {
    const connected = [...this.#sessions.values()].filter(({ state }) => state === 'connected');
    await Promise.all(
      connected.map(async (session) => {
        const { connection } = session;
        try {
          const probe = await (await connection)?.agent.probe();
          if (probe === undefined || session.connection !== connection) return;
          session.probe = probe;
          session.probedAtMs = Date.now();
        } catch (error) {
          this.#log.warn(messageOf(error));
        }
      }),
    );
    this.#changed.fire();
  }

  /** Reads the SSH configuration again. */
  async refresh(): Promise<void> {
    const { listHostAliases } = await import('../../remote/hostAliases.ts');
    this.#aliases = await listHostAliases(process.env['LOADLINE_SSH_CONFIG']);
    this.#changed.fire();
  }

  /**
   * The connection to a host; an attempt under way is shared. Throws RemoteError with what to do. Refused in an untrusted
   * workspace, whoever asks: panels and runs that come back with a window do so too. `quietly` is for connections that nobody
   * asked for: nobody is asked anything, and a host that was disconnected by hand stays so.
   */
  connect(name: string, { quietly = false } = {}): Promise<ConnectedHost> {
    if (!workspace.isTrusted)
      return Promise.reject(new Error(l10n.t('Connecting to hosts needs a trusted workspace.')));
    const session = this.#session(name);
    const { connection: present } = session;
    if (present) {
      // Somebody is there to be asked now: what failed for want of an answer is tried again.
      return session.quiet && !quietly ? present.catch(() => this.connect(name)) : present;
    }
    if (quietly && session.parked)
      return Promise.reject(new Error(l10n.t('{0} was disconnected. What runs there goes on.', name)));
    session.quiet = quietly;
    session.parked = false;
    const abort = new AbortController();
    session.abort = abort;
    this.#set(session, 'connecting', null);
    const connection = this.#open(name, quietly, abort.signal).then(
      (connected) => {
        session.probe = connected.probe;
        session.probedAtMs = Date.now();
        this.#set(session, 'connected', null);
        connected.host.onDidClose((error) => {
          if (session.connection !== connection) return;
          session.connection = null;
          this.#set(session, error === null ? 'idle' : 'failed', error);
          if (error !== null) void this.#connectAgain(name, session, error);
        });
        return connected;
      },
      (error: unknown) => {
        if (session.connection === connection) session.connection = null;
        this.#log.error(messageOf(error));
        this.#set(session, abort.signal.aborted ? 'idle' : 'failed', error);
        throw error;
      },
    );
    session.connection = connection;
    return connection;
  }

  /** Connects and shows that it does; the connection can be given up there. */
  connectWithProgress(name: string): Promise<ConnectedHost> {
    const connecting = Promise.resolve(
      window.withProgress(
        {
          location: ProgressLocation.Notification,
          title: l10n.t('Connecting to {0}', name),
          cancellable: true,
        },
        (_progress, token) => {
          token.onCancellationRequested(() => void this.disconnect(name));
          return this.connect(name);
        },
      ),
    );
    connecting.catch((error: unknown) => this.#offerRemedy(name, error));
    return connecting;
  }

  /** Where the ssh program can do what ssh2 cannot: a switch, made by the user and kept in the settings. */
  async #offerRemedy(name: string, error: unknown): Promise<void> {
    const remedy = (error as { readonly remedy?: unknown } | null)?.remedy;
    if (remedy !== 'openssh-back-end' || backendOf(name) === 'openssh') return;
    const use = l10n.t('Use the ssh Program');
    const chosen = await window.showInformationMessage(
      l10n.t('{0} asks for something that only the ssh program can do. Use it for this host?', name),
      use,
    );
    if (chosen !== use) return;
    await writeHost(name, 'openssh');
    await this.connectWithProgress(name).catch((again: unknown) => this.#log.error(messageOf(again)));
  }

  /** After a loss: quietly, with growing waits, until it is there, somebody disconnects, or it fails for good. */
  async #connectAgain(name: string, session: Session, lost: RemoteError): Promise<void> {
    const { connectAgain } = await import('../../remote/backOff.ts');
    const retry = new AbortController();
    session.retry?.abort();
    session.retry = retry;
    this.#changed.fire();
    await connectAgain(lost, () => this.connect(name, { quietly: true }), {
      signal: retry.signal,
      onWait: (error, waitMs) =>
        this.#log.info(`${error.message} ${name}: again in ${Math.round(waitMs)} ms`),
    }).catch((error: unknown) => this.#log.info(messageOf(error)));
    if (session.retry !== retry) return;
    session.retry = null;
    if (!this.isDisposed) this.#changed.fire();
  }

  async disconnect(name: string): Promise<void> {
    const session = this.#sessions.get(name);
    if (session === undefined) return;
    session.retry?.abort();
    session.retry = null;
    const { connection, abort } = session;
    if (connection === null) {
      // A lost host that is tried again is given up.
      session.parked = true;
      this.#set(session, 'idle', null);
      return;
    }
    session.connection = null;
    session.parked = true;
    abort?.abort();
    const connected = await connection.catch(() => null);
    await connected?.host.dispose();
    this.#set(session, 'idle', null);
  }

  override dispose(): void {
    super.dispose();
    for (const name of this.#sessions.keys()) void this.disconnect(name);
  }

  async #open(name: string, quietly: boolean, signal: AbortSignal): Promise<ConnectedHost> {
    const [{ connect }, { openAgent }, archive] = await Promise.all([
      import('../../remote/connect.ts'),
      import('../../remote/agentClient.ts'),
      readAgentArchive(this.#context.extensionUri),
    ]);
    const prompter = new EditorPrompter(this.secrets, { quietly });
    const host = await connect(name, { prompter, log: this.#log, signal, backend: backendOf(name) });
    try {
      const agent = await openAgent(host, archive, this.#log, { signal });
      return { host, agent, probe: await agent.probe({ signal }) };
    } catch (error) {
      await host.dispose();
      throw error;
    }
  }

  #session(name: string): Session {
    const known = this.#sessions.get(name);
    if (known) return known;
    const session: Session = {
      state: 'idle',
      message: null,
      reason: null,
      probe: null,
      probedAtMs: null,
      connection: null,
      abort: null,
      retry: null,
      quiet: false,
      parked: false,
    };
    this.#sessions.set(name, session);
    return session;
  }

  /** `error`: why; null where there is nothing to be said. */
  #set(session: Session, state: HostState, error: unknown): void {
    if (this.isDisposed) return;
    session.state = state;
    session.message = error === null ? null : messageOf(error);
    session.reason = reasonOf(error);
    const connected = [...this.#sessions.values()].some((other) => other.state === 'connected');
    setContext('loadline.hostConnected', connected);
    this.#changed.fire();
  }
}

/** By its shape: the class itself is loaded with the first connection. */
function reasonOf(error: unknown): RemoteErrorReason | null {
  const { name, reason } = (error ?? {}) as { readonly name?: unknown; readonly reason?: unknown };
  return name === 'RemoteError' && typeof reason === 'string' ? (reason as RemoteErrorReason) : null;
}
