import { ConfigurationTarget, l10n, type QuickPickItem, Uri, window, workspace } from 'vscode';
import { allDevices, findDevice } from '../core/device/catalogue.ts';
import { formatBytes } from '../core/units.ts';
import { section } from './settings.ts';

/** Asks for a GPU of the catalogue and writes the setting where its present value stands. */
export async function chooseGpu(uri?: string): Promise<void> {
  const scope = uri === undefined ? (window.activeTextEditor?.document.uri ?? null) : Uri.parse(uri);
  const settings = workspace.getConfiguration(section, scope);
  const present = findDevice(settings.get<string>('gpu') ?? '');
  const items = allDevices().map((device): QuickPickItem & { readonly id: string } => ({
    id: device.id,
    label: device.label,
    description: l10n.t(
      '{0}, compute capability {1}',
      formatBytes(device.cudaTotalBytes),
      device.computeCapability,
    ),
    ...(device.id === present?.id ? { picked: true, detail: l10n.t('chosen') } : {}),
  }));
  const chosen = await window.showQuickPick(items, {
    title: l10n.t('GPU that deployments are estimated for'),
    placeHolder: l10n.t('A comment in the file wins over it: # loadline: gpu=h200 x2'),
    matchOnDescription: true,
  });
  if (chosen) await settings.update('gpu', chosen.id, targetOf(settings.inspect('gpu')));
}

/** The narrowest scope that has a value; the user's where none has. */
export function targetOf(
  inspected: { readonly workspaceFolderValue?: unknown; readonly workspaceValue?: unknown } | undefined,
): ConfigurationTarget {
  if (inspected?.workspaceFolderValue !== undefined) return ConfigurationTarget.WorkspaceFolder;
  if (inspected?.workspaceValue !== undefined) return ConfigurationTarget.Workspace;
  return ConfigurationTarget.Global;
}
