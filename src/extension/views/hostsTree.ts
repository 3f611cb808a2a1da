import {
  EventEmitter,
  l10n,
  ThemeColor,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  TreeItemCollapsibleState,
} from 'vscode';
import { findDevice } from '../../core/device/catalogue.ts';
import { formatBytes, formatSignificant, GiB } from '../../core/units.ts';
import type { ProbedGpu, ProbeRecord } from '../../protocol/agent.ts';
import { DisposableStore } from '../disposable.ts';
import { type HostEntry, type HostRegistry, thisMachine } from '../hosts/hostRegistry.ts';

export type HostNode =
  | { readonly kind: 'host'; readonly name: string }
  | { readonly kind: 'gpu'; readonly host: string; readonly gpu: ProbedGpu };

/** *GPU Hosts*: this machine, SSH aliases and hosts added by hand, each with its state and its GPUs. */
export class HostsTree extends DisposableStore implements TreeDataProvider<HostNode> {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #hosts: HostRegistry;
  #read = false;

  constructor(hosts: HostRegistry) {
    super();
    this.#hosts = hosts;
    this.register(hosts.onDidChange(() => this.#changed.fire()));
  }

  getChildren(node?: HostNode): HostNode[] | Promise<HostNode[]> {
    if (node === undefined) return this.#roots();
    if (node.kind === 'gpu') return [];
    const { name } = node;
    return (this.#entry(name)?.probe?.gpus ?? []).map((gpu) => ({ kind: 'gpu', host: name, gpu }));
  }

  getTreeItem(node: HostNode): TreeItem {
    if (node.kind === 'gpu') return gpuItem(node.gpu);
    const entry = this.#entry(node.name);
    return entry ? hostItem(entry) : new TreeItem(node.name);
  }

  async #roots(): Promise<HostNode[]> {
    // The SSH configuration is read when the view is first looked at, not at start-up.
    if (!this.#read) {
      this.#read = true;
      await this.#hosts.refresh();
    }
    return this.#hosts.entries().map(({ name }) => ({ kind: 'host', name }));
  }

  #entry(name: string): HostEntry | undefined {
    return this.#hosts.entries().find((entry) => entry.name === name);
  }
}

function hostItem(entry: HostEntry): TreeItem {
  const { name, state, message, probe, origin } = entry;
  const label = name === thisMachine ? l10n.t('This machine') : name;
  const hasGpus = state === 'connected' && (probe?.gpus.length ?? 0) > 0;
  const item = new TreeItem(
    label,
    hasGpus ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.None,
  );
  // The id tells apart what is expanded: with the state in it, a host opens when it connects.
  item.id = `${name}/${hasGpus}`;
  item.description = describe(entry);
  item.contextValue = `host.${state}`;
  item.iconPath = {
    idle: new ThemeIcon('vm-outline'),
    connecting: new ThemeIcon('sync~spin'),
    connected: new ThemeIcon('vm-active', new ThemeColor('charts.green')),
    failed: new ThemeIcon('error', new ThemeColor('list.errorForeground')),
  }[state];
  const from = {
    'this-machine': l10n.t('Where this window runs'),
    'ssh-config': l10n.t('From the SSH configuration'),
    added: l10n.t('Added by hand (setting loadline.hosts)'),
  }[origin];
  item.tooltip = [message, probe && probeLines(probe), from].filter((line) => line).join('\n');
  item.accessibilityInformation = { label: `${label}, ${item.description}` };
  return item;
}

function describe({ state, message, probe }: HostEntry): string {
  switch (state) {
    case 'idle':
      return message ?? l10n.t('not connected');
    case 'connecting':
      return l10n.t('connecting');
    case 'failed':
      return message ?? l10n.t('failed');
    case 'connected':
      return probe ? gpuSummary(probe) : '';
  }
}

/** `2 × H200` as the driver names them, or that there is none. */
function gpuSummary({ gpus, gpuSource }: ProbeRecord): string {
  if (gpus.length === 0) return l10n.t('connected · no GPU found');
  const counts = new Map<string, number>();
  for (const { name } of gpus) counts.set(name, (counts.get(name) ?? 0) + 1);
  const text = [...counts].map(([name, count]) => `${count} × ${findDevice(name)?.label ?? name}`).join(', ');
  return gpuSource.startsWith('recorded:') ? l10n.t('{0} · recorded', text) : text;
}

function probeLines({ os, driver, cuda, cpuCount, memoryTotalBytes, python, engines }: ProbeRecord): string {
  return [
    os,
    driver && l10n.t('driver {0}', driver),
    cuda && `CUDA ${cuda}`,
    l10n.t('{0} CPU cores', cpuCount),
    memoryTotalBytes !== null && l10n.t('{0} memory', formatBytes(memoryTotalBytes)),
    `Python ${python}`,
    ...engines.map(({ name, version }) => `${name} ${version ?? ''}`.trim()),
  ]
    .filter((part) => part)
    .join(' · ');
}

function gpuItem(gpu: ProbedGpu): TreeItem {
  const item = new TreeItem(`${gpu.index}: ${findDevice(gpu.name)?.label ?? gpu.name}`);
  const total = formatSignificant(gpu.memoryTotalBytes / GiB);
  item.description = [
    gpu.memoryUsedBytes === null
      ? `${total} GiB`
      : l10n.t('{0} of {1} GiB used', formatSignificant(gpu.memoryUsedBytes / GiB), total),
    gpu.powerLimitWatts !== null && l10n.t('limit {0} W', Math.round(gpu.powerLimitWatts)),
  ]
    .filter((part) => part)
    .join(' · ');
  item.tooltip = `${gpu.name}\n${gpu.uuid}`;
  item.iconPath = new ThemeIcon('circuit-board');
  item.contextValue = 'gpu';
  return item;
}
