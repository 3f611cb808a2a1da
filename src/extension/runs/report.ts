/** The report of a run, in its folder. Loaded on first use. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, env, l10n, Uri, window } from 'vscode';
import { readRunEnvironment } from '../../protocol/runEnvironment.ts';
import { reportInput, writeReports } from '../../storage/runReport.ts';
import type { RunView } from './runView.ts';

/**
 * Writes both reports and opens one of them: the page in a browser where the files are on this machine, else the
 * Markdown in the editor.
 */
export async function openReport({ directory, results }: RunView): Promise<void> {
  if (!results) {
    void window.showInformationMessage(l10n.t('This run has nothing to report yet.'));
    return;
  }
  const environment = readRunEnvironment(await readFile(join(directory, 'environment.json'), 'utf8'));
  if (!environment.ok) throw new Error(environment.problems[0]?.message);
  const planText = await readFile(join(directory, 'plan.yaml'), 'utf8');
  const files = await writeReports(directory, reportInput(environment.value, planText, results));
  const isLocalDesktop = env.remoteName === undefined && env.appHost === 'desktop';
  if (isLocalDesktop) await env.openExternal(Uri.file(files.html));
  else await commands.executeCommand('markdown.showPreview', Uri.file(files.markdown));
}
