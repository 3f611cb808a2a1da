import { l10n, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { findDevice } from '../../core/device/catalogue.ts';
import { formatBytes } from '../../core/units.ts';
import type { ProbedGpu, ProbeRecord } from '../../protocol/agent.ts';
import type { GpuProcess } from '../../protocol/agentTelemetry.ts';
import type { RemoteErrorReason } from '../../remote/host.ts';
import {
  cudaOrdinal,
  driverTrouble,
  enginesFound,
  type FoundEngine,
  gpuFigures,
  gpuHardware,
  gpuLabel,
  gpuLinks,
} from '../hosts/gpuWords.ts';
import { type HostEntry, hostLabel } from '../hosts/hostRegistry.ts';
import { isRecorded, isTarget } from '../hosts/probedGpus.ts';
import type { GpuNow } from '../telemetry/busiestGpu.ts';
import { ageText } from '../words.ts';

export function hostItem(name: string, entry: HostEntry | undefined): TreeItem {
  const label = hostLabel(name);
  if (!entry) return new TreeItem(label);
  const { state, message, probe, probedAtMs, origin } = entry;
  const hasChildren =
    state === 'connected' && probe !== null && (probe.gpus.length > 0 || enginesFound(probe).length > 0);
  const item = new TreeItem(
    label,
    hasChildren ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.None,
  );
  // The id tells apart what is expanded: with the state in it, a host opens when it connects.
  item.id = `${name}/${hasChildren}`;
  item.description = describe(entry);
  item.contextValue = `host.${state}.${origin}`;
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
  const age = probedAtMs === null ? [] : [l10n.t('Probed {0}', ageText(probedAtMs))];
  item.tooltip = [message, ...(probe ? probeLines(probe) : []), ...age, from]
    .filter((line) => line)
    .join('\n');
  // The icon's state in words; of what failed all of the reason, which a narrow view cuts off.
  const said = {
    idle: [],
    connecting: [],
    connected: [l10n.t('connected')],
    failed: message ? [message] : [],
  };
  item.accessibilityInformation = { label: [label, ...said[state], item.description].join(', ') };
  return item;
}

function describe({ state, message, reason, isTriedAgain, probe }: HostEntry): string {
  switch (state) {
    case 'idle':
      return message ?? l10n.t('not connected');
    case 'connecting':
      return l10n.t('connecting');
    case 'failed':
      return [
        reason === null ? l10n.t('failed') : failureWords(reason),
        ...(isTriedAgain ? [l10n.t('tried again')] : []),
      ].join(' · ');
    case 'connected':
      return probe ? gpuSummary(probe) : '';
  }
}

/** What failed in so few words that they are read at a glance; what to do stands in the tooltip. */
function failureWords(reason: RemoteErrorReason): string {
  const words: Readonly<Record<RemoteErrorReason, string>> = {
    unreachable: l10n.t('not reached'),
    timeout: l10n.t('does not answer'),
    'host-key-unknown': l10n.t('host key not accepted'),
    'host-key-changed': l10n.t('host key changed'),
    'host-key-revoked': l10n.t('host key revoked'),
    'known-hosts-unreadable': l10n.t('host key not checked'),
    authentication: l10n.t('not let in'),
    cancelled: l10n.t('cancelled'),
    lost: l10n.t('connection lost'),
    'no-python': l10n.t('no Python 3.8 or newer'),
    'agent-upload': l10n.t('agent not put there'),
    'disk-full': l10n.t('disk full'),
    agent: l10n.t('agent failed'),
    config: l10n.t('SSH configuration'),
  };
  return words[reason];
}

/** `2 × H200` as the driver names them, or that there is none. */
function gpuSummary(probe: ProbeRecord): string {
  if (probe.gpus.length === 0) {
    const trouble = driverTrouble(probe);
    return trouble === undefined ? l10n.t('no GPU found') : l10n.t('no GPU: {0}', trouble);
  }
  const counts = new Map<string, number>();
  for (const { name } of probe.gpus) counts.set(name, (counts.get(name) ?? 0) + 1);
  const text = [...counts].map(([name, count]) => `${count} × ${findDevice(name)?.label ?? name}`).join(', ');
  return isRecorded(probe) ? l10n.t('{0} · recorded', text) : text;
}

/** A line for each kind of thing that was found; last what could not be found out. */
function probeLines(probe: ProbeRecord): readonly string[] {
  const { os, driver, cuda, cpuCount, memoryTotalBytes, python } = probe;
  const { models = [], disks = [], benchmarkTools = [], slurm, problems = [] } = probe;
  const machine = [
    os,
    driver && l10n.t('driver {0}', driver),
    cuda && `CUDA ${cuda}`,
    l10n.t('{0} CPU cores', cpuCount),
    memoryTotalBytes !== null && l10n.t('{0} memory', formatBytes(memoryTotalBytes)),
    `Python ${python}`,
  ];
  const cached = models.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    machine.filter((part) => part).join(' · '),
    enginesFound(probe)
      .map(({ label }) => label)
      .join(' · '),
    benchmarkTools.map(({ name, version }) => `${name} ${version ?? ''}`.trim()).join(' · '),
    slurm ? `Slurm ${slurm.version ?? ''}`.trim() : '',
    models.length > 0 ? l10n.t('{0} cached models, {1}', models.length, formatBytes(cached)) : '',
    disks.map(({ path, freeBytes }) => l10n.t('{0} free on {1}', formatBytes(freeBytes), path)).join(' · '),
    // Without a GPU it is why: none is installed, or its driver is not well.
    probe.gpus.length === 0 ? (probe.gpuDetail ?? '') : '',
    ...problems.map(({ part, message }) => `${part}: ${message}`),
  ].filter((line) => line !== '');
}

/** `probe`: of its host; undefined where that is gone. `position` in the probe's `gpus`. */
export function gpuItem(
  { host, gpu, position }: { readonly host: string; readonly gpu: ProbedGpu; readonly position: number },
  probe: ProbeRecord | undefined,
  { now, processes }: { readonly now: GpuNow | undefined; readonly processes: number },
): TreeItem {
  const label = gpuLabel(gpu);
  const item = new TreeItem(
    label,
    processes > 0 ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.None,
  );
  item.id = `${host}/${gpu.uuid}/${gpu.index}/${processes > 0}`;
  const figures = gpuFigures(gpu, now);
  const cuda = probe && cudaOrdinal(probe, gpu);
  item.description = [
    figures,
    ...(now?.recorded ? [l10n.t('recorded')] : []),
    ...(cuda === null ? [l10n.t('hidden from CUDA')] : []),
  ].join(' · ');
  const { powerLimitWatts, mig } = gpu;
  item.tooltip = [
    gpu.name,
    gpu.uuid,
    gpuHardware(gpu),
    ...(probe ? gpuLinks(probe, position) : []),
    cudaWords(cuda, probe?.cudaView?.visibleDevices ?? null),
    mig && `MIG ${mig.gpuInstance}/${mig.computeInstance}`,
    powerLimitWatts !== null && l10n.t('limit {0} W', Math.round(powerLimitWatts)),
    now ? l10n.t('As sampled now') : l10n.t('As at the probe; telemetry shows it live'),
  ]
    .filter((line) => line)
    .join('\n');
  item.iconPath = new ThemeIcon('circuit-board');
  item.contextValue = probe && isTarget(probe, gpu) ? 'gpu.target' : 'gpu';
  item.accessibilityInformation = { label: `${label}, ${item.description}` };
  return item;
}

/** As a program that is started there would have it. `visible`: CUDA_VISIBLE_DEVICES. */
function cudaWords(ordinal: number | null | undefined, visible: string | null): string {
  if (ordinal === undefined) return '';
  if (ordinal !== null) return l10n.t('CUDA device {0}', ordinal);
  return visible === null
    ? l10n.t('CUDA programs do not see it')
    : l10n.t('CUDA programs do not see it: CUDA_VISIBLE_DEVICES={0}', visible);
}

/** Engines of Loadline's runs and others of the connected user are marked; another's are not ours to end. */
export function processItem({ pid, user, name, memoryBytes, own, run }: GpuProcess): TreeItem {
  const label = name ?? l10n.t('process {0}', pid);
  const item = new TreeItem(label);
  item.description = [
    run === undefined ? own === true && l10n.t('yours') : l10n.t('Loadline run {0}', run),
    user,
    memoryBytes !== null && formatBytes(memoryBytes),
    `PID ${pid}`,
  ]
    .filter((part) => part)
    .join(' · ');
  item.iconPath = new ThemeIcon(run !== undefined ? 'graph-line' : own === true ? 'account' : 'person');
  item.contextValue = 'process';
  item.accessibilityInformation = { label: `${label}, ${item.description}` };
  return item;
}

export function engineItem({ label, place }: FoundEngine): TreeItem {
  const item = new TreeItem(label);
  item.description = place;
  item.tooltip = `${label}\n${place}`;
  item.iconPath = new ThemeIcon('server-process');
  item.contextValue = 'engine';
  return item;
}
