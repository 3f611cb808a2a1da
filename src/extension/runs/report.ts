/** The report of a run, in its folder. Loaded on first use. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, env, l10n, Uri, window } from 'vscode';
import type { ReportInput } from '../../core/sweep/reportContent.ts';
import type { RunResults } from '../../core/sweep/run.ts';
import { readRunEnvironment } from '../../protocol/runEnvironment.ts';
import { importedReport } from '../../storage/importedRun.ts';
import { reportInput, writeReports } from '../../storage/runReport.ts';
import type { RunView } from './runView.ts';

/**
 * Writes both reports and opens one of them: the page in a browser where the files are on this machine, else the
 * Markdown in the editor.
 */
export async function openReport(view: RunView): Promise<void> {
  const { directory, results } = view;
  if (!results) {
    void window.showInformationMessage(l10n.t('This run has nothing to report yet.'));
    return;
  }
  const input = results.origin === undefined ? await ownReport(directory, results) : importedReport(results);
  const files = await writeReports(directory, input);
  const isLocalDesktop = env.remoteName === undefined && env.appHost === 'desktop';
  if (isLocalDesktop) await env.openExternal(Uri.file(files.html));
  else await commands.executeCommand('markdown.showPreview', Uri.file(files.markdown));
}

async function ownReport(directory: string, results: RunResults): Promise<ReportInput> {
  const environment = readRunEnvironment(await readFile(join(directory, 'environment.json'), 'utf8'));
  if (!environment.ok) throw new Error(environment.problems[0]?.message);
  const planText = await readFile(join(directory, 'plan.yaml'), 'utf8');
  return reportInput(environment.value, planText, results);
}
