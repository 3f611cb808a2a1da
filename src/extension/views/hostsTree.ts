import { EventEmitter, l10n, type TreeDataProvider, type TreeItem, type TreeView, workspace } from 'vscode';
import type { ProbedGpu, ProbeRecord } from '../../protocol/agent.ts';
import type { GpuProcess } from '../../protocol/agentTelemetry.ts';
import { DisposableStore } from '../disposable.ts';
import { enginesFound, type FoundEngine, processesOn } from '../hosts/gpuWords.ts';
import type { HostEntry, HostRegistry } from '../hosts/hostRegistry.ts';
import { type GpuNow, gpusNow, type WatchedHost } from '../telemetry/busiestGpu.ts';
import { engineItem, gpuItem, hostItem, processItem } from './hostItems.ts';

export type HostNode =
  | { readonly kind: 'host'; readonly name: string }
  /** `position` counts in the probe's `gpus`. */
  | { readonly kind: 'gpu'; readonly host: string; readonly position: number; readonly gpu: ProbedGpu }
  | { readonly kind: 'process'; readonly host: string; readonly process: GpuProcess }
  | { readonly kind: 'engine'; readonly host: string; readonly engine: FoundEngine };

/** The hosts that are watched, where somebody does. */
export interface Watching {
  readonly feeds: readonly (WatchedHost & { readonly isLive: boolean })[];
  onDidChange(listener: () => void): { dispose(): void };
}

/** Often enough to be looked at, seldom enough not to move while it is read. */
const updateEveryMs = 1000;
/** Where nothing comes any more, figures are looked at again: they are no longer of now. */
const silentAfterMs = 10_000;

/**
 * *GPU Hosts*: this machine, SSH aliases and hosts added by hand, each with its state, its GPUs, what runs on them and the
 * engines found there. Empty in an untrusted workspace, where nothing connects and the welcome text says so.
 */
export class HostsTree extends DisposableStore implements TreeDataProvider<HostNode> {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #hosts: HostRegistry;
  readonly #watching: Watching | undefined;
  #view: TreeView<HostNode> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #read = false;

  constructor(hosts: HostRegistry, watching?: Watching) {
    super();
    this.#hosts = hosts;
    this.#watching = watching;
    this.register(hosts.onDidChange(() => this.#changed.fire()));
    this.register(workspace.onDidGrantWorkspaceTrust(() => this.#changed.fire()));
    this.register({ dispose: () => clearTimeout(this.#timer) });
    this.register({ dispose: () => clearTimeout(this.#look) });
    if (watching) this.register(watching.onDidChange(() => this.#watched()));
  }

  /** The view says by itself where hosts come from while there is only this machine. */
  showIn(view: TreeView<HostNode>): void {
    this.#view = view;
  }

  getChildren(node?: HostNode): HostNode[] | Promise<HostNode[]> {
    if (node === undefined) return this.#roots();
    const probe = node.kind === 'host' ? this.#entry(node.name)?.probe : this.#entry(node.host)?.probe;
    if (!probe) return [];
    if (node.kind === 'host')
      return [
        ...probe.gpus.map((gpu, position): HostNode => ({ kind: 'gpu', host: node.name, position, gpu })),
        ...enginesFound(probe).map((engine): HostNode => ({ kind: 'engine', host: node.name, engine })),
      ];
    if (node.kind !== 'gpu') return [];
    return this.#processes(node, probe).map((process) => ({ kind: 'process', host: node.host, process }));
  }

  getTreeItem(node: HostNode): TreeItem {
    if (node.kind === 'process') return processItem(node.process);
    if (node.kind === 'engine') return engineItem(node.engine);
    if (node.kind === 'host') return hostItem(node.name, this.#entry(node.name));
    const probe = this.#entry(node.host)?.probe;
    return gpuItem(node, probe ?? undefined, {
      now: this.#now(node.host, node.gpu),
      processes: probe ? this.#processes(node, probe).length : 0,
    });
  }

  async #roots(): Promise<HostNode[]> {
    if (!workspace.isTrusted) return [];
    // The SSH configuration is read when the view is first looked at, not at start-up.
    if (!this.#read) {
      this.#read = true;
      await this.#hosts.refresh();
    }
    const entries = this.#hosts.entries();
    if (this.#view)
      this.#view.message = entries.every(({ origin }) => origin === 'this-machine')
        ? l10n.t('Hosts of your SSH configuration and those added with + stand here.')
        : '';
    return entries.map(({ name }) => ({ kind: 'host', name }));
  }

  #watched(): void {
    if (this.#view?.visible !== true) return;
    this.#lookLater();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#changed.fire();
    }, updateEveryMs);
  }

  #lookLater(): void {
    clearTimeout(this.#look);
    this.#look = setTimeout(() => {
      this.#changed.fire();
      if (this.#watching?.feeds.some(({ isLive }) => isLive)) this.#lookLater();
    }, silentAfterMs);
  }

  #now(host: string, { uuid }: ProbedGpu): GpuNow | undefined {
    const feed = this.#feed(host);
    return feed && gpusNow(feed).find(({ gpu }) => gpu.uuid === uuid);
  }

  /** As telemetry sees them now, else as the probe found them. */
  #processes(
    { host, gpu: { uuid }, position }: Extract<HostNode, { kind: 'gpu' }>,
    probe: ProbeRecord,
  ): readonly GpuProcess[] {
    const feed = this.#feed(host);
    const at = feed?.header?.gpus.findIndex((gpu) => gpu.uuid === uuid) ?? -1;
    return (at < 0 ? undefined : feed?.processes?.(at)) ?? processesOn(probe, position);
  }

  /** What a lost host said last is not what is now. */
  #feed(host: string): Watching['feeds'][number] | undefined {
    return this.#watching?.feeds.find((each) => each.host === host && each.isLive);
  }

  #entry(name: string): HostEntry | undefined {
    return this.#hosts.entries().find((entry) => entry.name === name);
  }
}
