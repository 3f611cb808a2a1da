import {
  type ConfigurationScope,
  ConfigurationTarget,
  l10n,
  type QuickPickItem,
  QuickPickItemKind,
  ThemeIcon,
  Uri,
  window,
  workspace,
} from 'vscode';
import { allDevices, findDevice } from '../core/device/catalogue.ts';
import type { Device } from '../core/device/device.ts';
import { allInstances } from '../core/device/instances.ts';
import { findEngine } from '../core/engine/engines.ts';
import type { VerdictOutcome } from '../core/estimate/types.ts';
import { gpuPrice, instancePrice, type Prices, parsePrices } from '../core/rank/prices.ts';
import { formatBytes } from '../core/units.ts';
import type { GpuVerdict, LiveTarget } from '../protocol/lsp.ts';
import { deploymentAt } from './deploymentAt.ts';
import type { Estimates } from './estimates.ts';
import { hostLabel } from './hosts/hostRegistry.ts';
import type { LiveTargetChoice } from './hosts/liveTarget.ts';
import { ownPrices, section } from './settings.ts';
import { ageText } from './words.ts';

interface GpuItem extends QuickPickItem {
  /** Left out on separators. */
  readonly gpu?: string;
  /** Left out where the present number stays. */
  readonly gpuCount?: number;
  /** GPUs of a probed host. */
  readonly live?: LiveTarget;
  /** Stands ready to be taken. */
  readonly isPresent?: boolean;
}

interface ChosenDeployment {
  readonly uri: string;
  readonly index: number;
}

/**
 * Asks for a GPU, a probed host, or a cloud instance with its GPUs, with the verdict on each for the deployment that it is about.
 * Written where the present target stands: in the comment of the file, else in the settings. A probed host is written nowhere: it
 * counts until it is disconnected; only a comment that names another GPU is set to this one.
 */
export async function chooseGpu(
  { estimates, liveTarget }: { readonly estimates: Estimates; readonly liveTarget: LiveTargetChoice },
  uri?: string,
  index?: number,
): Promise<void> {
  const about = await deploymentFor(estimates, uri, index);
  const scope = about ? Uri.parse(about.uri) : (window.activeTextEditor?.document.uri ?? null);
  const deployment = about && (await estimates.of(about.uri))[about.index];
  const verdicts = about ? await estimates.verdicts(about) : [];
  const present = findDevice(
    deployment?.target.gpu ?? workspace.getConfiguration(section, scope).get<string>('gpu') ?? '',
  );
  const chosen = await pick(
    [...liveItems(liveTarget), ...gpuItems(verdicts, present)],
    present,
    about !== undefined,
  );
  if (!chosen?.item.gpu) return;
  const { gpu, live, gpuCount = deployment?.target.gpuCount ?? 1 } = chosen.item;
  liveTarget.choose(live ? { host: live.host, gpu: live.gpu } : null);
  if (live) {
    const { target } = deployment ?? {};
    const isOther = target?.from !== 'fallback' && findDevice(target?.gpu ?? '')?.id !== gpu;
    if (about && target && (chosen.intoFile || isOther))
      await estimates.applyTarget({ ...about, gpu, gpuCount });
    return;
  }
  const inFile = chosen.intoFile || deployment?.target.from === 'comment';
  if (about && inFile && (await estimates.applyTarget({ ...about, gpu, gpuCount }))) return;
  await write(scope, gpu, chosen.item.gpuCount);
}

/** The deployment of a lens; else the one around the cursor; else the first of the file. */
async function deploymentFor(
  estimates: Estimates,
  uri: string | undefined,
  index: number | undefined,
): Promise<ChosenDeployment | undefined> {
  if (uri !== undefined && index !== undefined) return { uri, index };
  const editor = window.activeTextEditor;
  if (!editor) return undefined;
  const active = uri ?? editor.document.uri.toString();
  const deployments = await estimates.of(active);
  const found = deploymentAt(deployments, editor.selection.active.line) ?? deployments[0];
  return found && { uri: active, index: found.index };
}

async function write(scope: ConfigurationScope | null, gpu: string, gpuCount?: number): Promise<void> {
  const settings = workspace.getConfiguration(section, scope);
  await settings.update('gpu', gpu, targetOf(settings.inspect('gpu')));
  if (gpuCount === undefined || settings.get<number>('gpuCount') === gpuCount) return;
  await settings.update('gpuCount', gpuCount, targetOf(settings.inspect('gpuCount')));
}

/** The narrowest scope that has a value; else the workspace's, where one is open: what a file runs on belongs to the project. */
function targetOf(
  inspected:
    | {
        readonly workspaceFolderValue?: unknown;
        readonly workspaceValue?: unknown;
        readonly globalValue?: unknown;
      }
    | undefined,
): ConfigurationTarget {
  if (inspected?.workspaceFolderValue !== undefined) return ConfigurationTarget.WorkspaceFolder;
  if (inspected?.workspaceValue !== undefined) return ConfigurationTarget.Workspace;
  const open = (workspace.workspaceFolders?.length ?? 0) > 0;
  return open && inspected?.globalValue === undefined
    ? ConfigurationTarget.Workspace
    : ConfigurationTarget.Global;
}

/** What is typed may be any name of a GPU: a driver's, or a MIG slice (`h100:mig-3g.40gb`). */
async function pick(
  items: readonly GpuItem[],
  present: Device | undefined,
  hasDeployment: boolean,
): Promise<{ readonly item: GpuItem; readonly intoFile: boolean } | undefined> {
  const picker = window.createQuickPick<GpuItem>();
  const intoFile = {
    iconPath: new ThemeIcon('comment'),
    tooltip: l10n.t('Write it into the file, as a comment'),
  };
  const buttons = hasDeployment ? [intoFile] : [];
  const offered = items.map((item) => (item.gpu === undefined ? item : { ...item, buttons }));
  picker.title = l10n.t('GPU that deployments are estimated for');
  picker.placeholder = l10n.t('A name, a MIG slice such as h100:mig-3g.40gb, or an instance type');
  picker.matchOnDescription = true;
  picker.matchOnDetail = true;
  picker.items = offered;
  const ready = offered.filter((item) => item.isPresent);
  picker.activeItems = ready.length > 0 ? ready : offered.filter((item) => isPlain(item, present));
  picker.onDidChangeValue((typed) => {
    const named = findDevice(typed);
    const isListed = named === undefined || allDevices().includes(named);
    picker.items = isListed ? offered : [{ ...gpuItem(named), alwaysShow: true, buttons }, ...offered];
  });
  return new Promise((resolve) => {
    const done = (item: GpuItem | undefined, into: boolean): void => {
      resolve(item && { item, intoFile: into });
      picker.dispose();
    };
    picker.onDidAccept(() => done(picker.selectedItems[0], false));
    picker.onDidTriggerItemButton(({ item }) => done(item, true));
    picker.onDidHide(() => done(undefined, false));
    picker.show();
  });
}

function isPlain({ gpu, gpuCount, live }: GpuItem, present: Device | undefined): boolean {
  return gpu === present?.id && gpuCount === undefined && live === undefined;
}

const marks: Readonly<Record<VerdictOutcome, string>> = {
  fits: '$(pass)',
  tight: '$(warning)',
  'does-not-fit': '$(error)',
  unknown: '$(question)',
};

function gpuItems(verdicts: readonly GpuVerdict[], present: Device | undefined): readonly GpuItem[] {
  const parsed = parsePrices(ownPrices());
  const prices: Prices = parsed.ok ? parsed.value : { gpus: new Map(), instances: new Map() };
  const verdictOn = (id: string) => verdicts.find(({ device }) => device === id);
  const separator = (label: string): GpuItem => ({ label, kind: QuickPickItemKind.Separator });
  return [
    separator(l10n.t('GPUs')),
    ...allDevices().map((device) => {
      const price = gpuPrice(device, prices)?.dollarsPerHour;
      return gpuItem(device, { verdict: verdictOn(device.id), price, isPresent: device.id === present?.id });
    }),
    separator(l10n.t('Cloud instances')),
    ...allInstances().map((instance): GpuItem => {
      const device = findDevice(instance.device);
      const price = instancePrice(instance, prices)?.dollarsPerHour;
      return {
        label: instance.id,
        gpu: instance.device,
        gpuCount: instance.gpuCount,
        description: [
          instance.cloud,
          `${instance.gpuCount} × ${device?.label ?? instance.device}`,
          ...priceWords(price),
        ].join(' · '),
      };
    }),
  ];
}

/** `gpu-01: H200`, `131 GiB free of 140 GiB · vLLM 0.26.0 · probed 3 min ago`. */
function liveItems(liveTarget: LiveTargetChoice): readonly GpuItem[] {
  const offered = liveTarget.offered();
  if (offered.length === 0) return [];
  const { present } = liveTarget;
  const items = offered.flatMap((live): GpuItem[] => {
    const device = findDevice(live.gpu);
    if (!device) return [];
    const isPresent = present?.host === live.host && present.gpu === live.gpu;
    const kind = live.gpus.length === 1 ? device.label : `${live.gpus.length} × ${device.label}`;
    return [
      {
        label: `$(vm-active) ${hostLabel(live.host)}: ${kind}`,
        gpu: device.id,
        live,
        isPresent,
        description: [
          ...memoryWords(live, device),
          ...live.engines.map(({ name, version }) => `${findEngine(name)?.label ?? name} ${version}`),
          l10n.t('probed {0}', ageText(live.probedAtMs)),
          ...(isPresent ? [l10n.t('chosen')] : []),
        ].join(' · '),
      },
    ];
  });
  return [{ label: l10n.t('Probed hosts'), kind: QuickPickItemKind.Separator }, ...items];
}

/** Of the fullest, where there are several. */
function memoryWords({ gpus }: LiveTarget, { cudaTotalBytes }: Device): string[] {
  const free = gpus.map(({ freeBytes }) => freeBytes).filter((bytes) => bytes !== null);
  const total = formatBytes(gpus[0]?.cudaTotalBytes ?? cudaTotalBytes);
  if (free.length < gpus.length) return [total];
  const least = formatBytes(Math.min(...free));
  return [
    gpus.length === 1
      ? l10n.t('{0} free of {1}', least, total)
      : l10n.t('at least {0} free of {1} each', least, total),
  ];
}

function gpuItem(
  device: Device,
  more: {
    readonly verdict?: GpuVerdict | undefined;
    readonly price?: number | undefined;
    readonly isPresent?: boolean;
  } = {},
): GpuItem {
  const { verdict, price, isPresent } = more;
  const words = verdict && verdictWords(verdict);
  const parts = [
    formatBytes(device.cudaTotalBytes),
    l10n.t('compute capability {0}', device.computeCapability),
    ...priceWords(price),
    ...(isPresent ? [l10n.t('chosen')] : []),
  ];
  return {
    label: verdict ? `${marks[verdict.outcome]} ${device.label}` : device.label,
    gpu: device.id,
    description: [...(words === undefined ? [] : [words]), ...parts].join(' · '),
  };
}

function verdictWords({ outcome, maxConcurrency, maxModelLen }: GpuVerdict): string {
  if (outcome === 'does-not-fit') return l10n.t('does not fit');
  if (outcome === 'unknown') return l10n.t('not known');
  const times = maxConcurrency.toFixed(1);
  const tokens = maxModelLen.toLocaleString();
  return outcome === 'fits'
    ? l10n.t('fits, {0}× at {1} tokens', times, tokens)
    : l10n.t('tight, {0}× at {1} tokens', times, tokens);
}

function priceWords(dollarsPerHour: number | undefined): string[] {
  return dollarsPerHour === undefined ? [] : [l10n.t('US$ {0}/h', dollarsPerHour.toFixed(2))];
}
