import { basename, dirname } from 'node:path';
import {
  commands,
  EventEmitter,
  type ExtensionContext,
  type LogOutputChannel,
  l10n,
  Uri,
  window,
  workspace,
} from 'vscode';
import { contentHash as textHash } from '../../core/sweep/contentHash.ts';
import type { RunPhase } from '../../core/sweep/phases.ts';
import type { RunMode } from '../../core/sweep/run.ts';
import type { AgentClient } from '../../remote/agentClient.ts';
import { setContext } from '../contextKeys.ts';
import { DisposableStore } from '../disposable.ts';
import type { HostRegistry } from '../hosts/hostRegistry.ts';
import { messageOf, showError } from '../log.ts';
import { isOver, isSimulated, outcomeOf, type RunView } from './runView.ts';
import type { ReadyRun } from './startRun.ts';
import { type RunPlace, TrackedRun } from './trackedRun.ts';

/** Runs that this workspace started and that were not over when it was last open: where to find them again. */
const followedKey = 'loadline.followed';
interface Followed {
  readonly run: string;
  readonly workspace: string;
  readonly host: string;
  readonly plan?: FrozenPlan;
}

/** The plan as it was when the run began. */
interface FrozenPlan {
  readonly uri: string;
  /** Hash of its text. */
  readonly text: string;
}

/** A folder that is being written has its files by then. */
const loadSettleMs = 500;

/** A run of a plan that is not over. */
export interface PlanRun {
  readonly run: string;
  readonly host: string;
  /** The plan has been edited since: the run goes on with what it was. */
  readonly edited: boolean;
}

/** All runs of the workspace: those in its folders, and those that are started here. */
export class RunManager extends DisposableStore {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChange = this.#changed.event;
  readonly #context: ExtensionContext;
  readonly #hosts: HostRegistry;
  readonly #log: LogOutputChannel;
  readonly #runs = new Map<string, TrackedRun>();
  readonly #starting = new Set<string>();
  /** Runs that have a folder here and are being handed to their host: they are tracked once it has them. */
  readonly #beingHanded = new Set<string>();
  #loading: NodeJS.Timeout | undefined;

  constructor(context: ExtensionContext, hosts: HostRegistry, log: LogOutputChannel) {
    super();
    this.#context = context;
    this.#hosts = hosts;
    this.#log = log;
    // A host that was connected by hand has its runs followed again; trust makes that possible for all of them.
    this.register(hosts.onDidChange(() => this.#followWhereConnected()));
    this.register(workspace.onDidGrantWorkspaceTrust(() => void this.load()));
    this.register(workspace.onDidChangeWorkspaceFolders(() => void this.load()));
    // Runs that a terminal started or follows show as their folders are written; of what came with its folder that alone is told.
    const written = this.register(
      workspace.createFileSystemWatcher('**/.loadline{,/runs,/runs/*,/runs/*/results.json}'),
    );
    this.register(written.onDidCreate(() => this.#loadSoon()));
    this.register(written.onDidChange((file) => void this.#wasWritten(file)));
  }

  /** The newest first. */
  views(): readonly RunView[] {
    return (
      [...this.#runs.values()]
        .map(({ view }) => view)
        // A folder without results whose host is not known either holds nothing: its host never took the run.
        .filter(({ results, host }) => results !== null || host !== null)
        .sort((a, b) => (a.run < b.run ? 1 : -1))
    );
  }

  view(run: string): RunView | undefined {
    return this.#runs.get(run)?.view;
  }

  /** Runs of a plan that are not over. */
  runsOf({ uri, text }: { readonly uri: Uri; readonly text: string }): readonly PlanRun[] {
    const hash = textHash(text);
    return this.#followed()
      .filter(({ run, plan }) => {
        const view = this.#runs.get(run)?.view;
        return plan?.uri === uri.toString() && view !== undefined && !isOver(view);
      })
      .map(({ run, host, plan }) => ({ run, host, edited: plan?.text !== hash }));
  }

  /** What runs did on a host when, as far as this window follows them. */
  phases(host: string): readonly RunPhase[] {
    return [...this.#runs.values()].flatMap((tracked) => (tracked.view.host === host ? tracked.phases : []));
  }

  /** Reads the run folders of the workspace, and follows what is not over yet: a window was closed on it. */
  async load(): Promise<void> {
    const { listRunFolders, runFolder } = await import('../../storage/runFolder.ts');
    const followed = this.#followed();
    const folders = new Set((workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath));
    const places: RunPlace[] = followed.map(({ run, workspace: folder }) => ({
      run,
      workspace: folder,
      directory: runFolder(folder, run),
    }));
    for (const folder of folders)
      for (const { run, directory } of await listRunFolders(folder))
        places.push({ run, workspace: folder, directory });
    for (const place of places) {
      if (this.#runs.has(place.run) || this.#beingHanded.has(place.run)) continue;
      const host = followed.find(({ run }) => run === place.run)?.host ?? null;
      const tracked = this.#track(new TrackedRun(place, this.#hosts, this.#log, null, host), place.run);
      await tracked.read();
    }
    for (const tracked of this.#runs.values()) {
      const { run } = tracked.view;
      if (!isOver(tracked.view)) this.#follow(tracked, true);
      else if (followed.some((one) => one.run === run)) {
        // It ended while no window was open, or just as one closed: said now, and once.
        await this.#forget(run);
        void this.#announce(tracked.view);
      }
    }
  }

  /** Takes the run's folder off this machine, into the trash where there is one. What the host keeps of it stays there. */
  async remove(run: string): Promise<void> {
    const tracked = this.#runs.get(run);
    if (tracked === undefined) return;
    tracked.dispose();
    await tracked.settled();
    await removeFolder(Uri.file(tracked.view.directory));
    this.#runs.delete(run);
    await this.#forget(run);
    this.#publish();
  }

  /** A run folder that was written here just now, or anew. */
  async show(place: RunPlace): Promise<void> {
    const known = this.#runs.get(place.run);
    const tracked =
      known ?? this.#track(new TrackedRun(place, this.#hosts, this.#log, null, null), place.run);
    await tracked.read();
  }

  #loadSoon(): void {
    this.#loading ??= setTimeout(() => {
      this.#loading = undefined;
      if (!this.isDisposed) void this.load();
    }, loadSettleMs);
  }

  async #wasWritten({ fsPath }: Uri): Promise<void> {
    if (basename(fsPath) !== 'results.json') return;
    const directory = dirname(fsPath);
    const run = basename(directory);
    // Of a run that is followed here the file is ours.
    if (this.isDisposed || this.#beingHanded.has(run) || this.#runs.get(run)?.isFollowed === true) return;
    await this.show({ run, workspace: dirname(dirname(dirname(directory))), directory });
  }

  /** Starts the plan on its host. Gives the run, or undefined where it was not started; says why. */
  async start(plan: Uri, mode: RunMode): Promise<string | undefined> {
    const key = plan.toString();
    if (this.#starting.has(key)) return undefined;
    this.#starting.add(key);
    try {
      return await this.#start(plan, mode);
    } catch (error) {
      void showError(this.#log, messageOf(error), error);
      return undefined;
    } finally {
      this.#starting.delete(key);
    }
  }

  async cancel(run: string): Promise<void> {
    await this.#ask(run, l10n.t('Cancelling {0}', run), (agent) => agent.cancel(run));
  }

  /** Goes on with the first cell that has no result. */
  async resume(run: string): Promise<void> {
    const tracked = this.#runs.get(run);
    await this.#ask(run, l10n.t('Resuming {0}', run), (agent) => agent.resume(run));
    if (tracked) this.#follow(tracked, false);
  }

  override dispose(): void {
    clearTimeout(this.#loading);
    for (const tracked of this.#runs.values()) tracked.dispose();
    super.dispose();
  }

  async #start(plan: Uri, mode: RunMode): Promise<string | undefined> {
    const { readyRuns } = await import('./startRun.ts');
    const version = String(this.#context.extension.packageJSON.version);
    const ready = await readyRuns(plan, mode, this.#hosts, version);
    const started = await Promise.all(
      ready.map((one) =>
        this.#startOne(one, { uri: plan.toString(), text: textHash(one.request.plan) }).catch(
          (error: unknown) => {
            // The others go on.
            void showError(this.#log, messageOf(error), error);
          },
        ),
      ),
    );
    return started.find((run) => run !== undefined);
  }

  async #startOne(ready: ReadyRun, plan: FrozenPlan): Promise<string> {
    const { run } = ready.context;
    const { agent } = await this.#hosts.connect(ready.host);
    this.#beingHanded.add(run);
    try {
      return await this.#hand(ready, plan, agent);
    } finally {
      this.#beingHanded.delete(run);
    }
  }

  async #hand(ready: ReadyRun, plan: FrozenPlan, agent: AgentClient): Promise<string> {
    const { ensureRunFolder } = await import('../../storage/runFolder.ts');
    const { run } = ready.context;
    const directory = await ensureRunFolder(ready.workspace, run);
    // Before the host has it: a window that closes right after must find the run again.
    await this.#remember({ run, workspace: ready.workspace, host: ready.host, plan });
    try {
      await agent.run(ready.request);
    } catch (error) {
      await this.#forget(run);
      throw error;
    }
    const place: RunPlace = { run, workspace: ready.workspace, directory };
    const tracked = new TrackedRun(place, this.#hosts, this.#log, ready.context, ready.host);
    this.#follow(this.#track(tracked, run), false);
    return run;
  }

  #followed(): readonly Followed[] {
    return this.#context.workspaceState.get<readonly Followed[]>(followedKey) ?? [];
  }

  #track(tracked: TrackedRun, run: string): TrackedRun {
    this.#runs.set(run, tracked);
    tracked.onDidChange(() => this.#publish());
    return tracked;
  }

  #follow(tracked: TrackedRun, quietly: boolean): void {
    if (tracked.isFollowed || !workspace.isTrusted) return;
    void tracked.follow({ quietly }).then(async () => {
      if (!isOver(tracked.view)) return;
      await tracked.settled();
      await this.#forget(tracked.view.run);
      if (!this.isDisposed) void this.#announce(tracked.view);
    });
  }

  #followWhereConnected(): void {
    const connected = new Set(
      this.#hosts.entries().flatMap(({ name, state }) => (state === 'connected' ? [name] : [])),
    );
    for (const tracked of this.#runs.values()) {
      const { host, connection } = tracked.view;
      const waits = connection !== null && host !== null && connected.has(host) && !isOver(tracked.view);
      if (waits) this.#follow(tracked, true);
    }
  }

  /** Asks the run's host for something; the answer shows in the journal. */
  async #ask(run: string, title: string, ask: (agent: AgentClient) => Promise<unknown>): Promise<void> {
    const host = this.view(run)?.host;
    if (!host) return;
    try {
      const { agent } = await this.#hosts.connectWithProgress(host);
      await window.withProgress({ location: { viewId: 'loadline.runs' }, title }, () => ask(agent));
    } catch (error) {
      void showError(this.#log, messageOf(error), error);
    }
  }

  async #announce(view: RunView): Promise<void> {
    const { run, results } = view;
    if (!results) return;
    const done = results.cells.filter(({ state }) => state === 'done').length;
    const summary = l10n.t('{0} of {1} cells have a result.', done, results.cells.length);
    const says = results.answer ?? summary;
    const marked = isSimulated(view)
      ? l10n.t('{0} (simulated): {1}', results.name, says)
      : `${results.name}: ${says}`;
    const open = l10n.t('Open Results');
    const report = l10n.t('Open Report');
    const chosen =
      results.outcome === 'failed'
        ? await window.showWarningMessage(marked, open)
        : await window.showInformationMessage(marked, open, report);
    if (chosen === undefined) return;
    await commands.executeCommand(chosen === open ? 'loadline.openSweep' : 'loadline.openReport', run);
  }

  #publish(): void {
    if (this.isDisposed) return;
    const views = this.views();
    setContext('loadline.hasRuns', views.length > 0);
    setContext(
      'loadline.runActive',
      views.some((view) => outcomeOf(view) === 'running'),
    );
    setContext(
      'loadline.runInterrupted',
      views.some((view) => outcomeOf(view) === 'interrupted'),
    );
    this.#changed.fire();
  }

  async #remember(followed: Followed): Promise<void> {
    const { workspaceState } = this.#context;
    const others = workspaceState.get<readonly Followed[]>(followedKey) ?? [];
    await workspaceState.update(followedKey, [...others, followed]);
  }

  async #forget(run: string): Promise<void> {
    const { workspaceState } = this.#context;
    const followed = workspaceState.get<readonly Followed[]>(followedKey) ?? [];
    await workspaceState.update(
      followedKey,
      followed.filter((other) => other.run !== run),
    );
  }
}

async function removeFolder(folder: Uri): Promise<void> {
  try {
    await workspace.fs.delete(folder, { recursive: true, useTrash: true });
  } catch {
    // A machine without a trash: a server, a container.
    await workspace.fs.delete(folder, { recursive: true, useTrash: false });
  }
}
