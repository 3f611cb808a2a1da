import { commands, l10n, window, workspace } from 'vscode';

/**
 * True where the workspace may connect, execute and download. Where not, says so with a way to change it: reading and
 * estimating never ask this.
 */
export async function requireTrust(): Promise<boolean> {
  if (workspace.isTrusted) return true;
  const manage = l10n.t('Manage Workspace Trust');
  const chosen = await window.showWarningMessage(
    l10n.t('Connecting to hosts and running sweeps need a trusted workspace. Estimates work without.'),
    manage,
  );
  if (chosen === manage) await commands.executeCommand('workbench.trust.manage');
  return workspace.isTrusted;
}
