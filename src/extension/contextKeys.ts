import { commands } from 'vscode';

/** Context keys that the manifest's `when` clauses ask for. */
export type ContextKey =
  | 'loadline.hasDeployment'
  | 'loadline.hasRuns'
  | 'loadline.hostConnected'
  | 'loadline.runActive'
  | 'loadline.runInterrupted';

export function setContext(key: ContextKey, value: boolean): void {
  void commands.executeCommand('setContext', key, value);
}
