import { type LogOutputChannel, l10n, window } from 'vscode';

/** The one log channel. Its level is the user's (*Developer: Set Log Level*); callers take secrets out before. */
export function createLog(): LogOutputChannel {
  return window.createOutputChannel('Loadline', { log: true });
}

/** What went wrong as one sentence for a person. The stack is for the log. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Says an error where it is seen, with a way to the log. Not awaited by callers: the message may stand for hours. */
export async function showError(log: LogOutputChannel, message: string, error?: unknown): Promise<void> {
  log.error(message, ...(error === undefined ? [] : [error instanceof Error ? (error.stack ?? '') : error]));
  const showLog = l10n.t('Show Log');
  if ((await window.showErrorMessage(message, showLog)) === showLog) log.show();
}
