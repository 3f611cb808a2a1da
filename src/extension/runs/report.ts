/** The report of a run, in its folder. Loaded on first use. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, env, l10n, Uri, window } from 'vscode';
import { reportHtml } from '../../core/sweep/reportHtml.ts';
import { reportMarkdown } from '../../core/sweep/reportMarkdown.ts';
import { readRunEnvironment } from '../../protocol/runEnvironment.ts';
import { quoteCommand } from '../../remote/quote.ts';
import { writeFileAtomically } from '../../storage/atomicFile.ts';
import type { RunView } from './runView.ts';

/**
 * Writes report.html and report.md and opens one of them: the page in a browser where the files are on this machine, else the
 * Markdown in the editor.
 */
export async function openReport({ directory, results }: RunView): Promise<void> {
  if (!results) {
    void window.showInformationMessage(l10n.t('This run has nothing to report yet.'));
    return;
  }
  const environment = readRunEnvironment(await readFile(join(directory, 'environment.json'), 'utf8'));
  if (!environment.ok) throw new Error(environment.problems[0]?.message);
  const { context, facts, commands: engineCommands } = environment.value;
  const input = {
    results,
    cells: context.cells,
    planText: await readFile(join(directory, 'plan.yaml'), 'utf8'),
    environment: facts,
    commands: engineCommands.map(quoteCommand),
  };
  const page = join(directory, 'report.html');
  const text = join(directory, 'report.md');
  await writeFileAtomically(page, reportHtml(input));
  await writeFileAtomically(text, reportMarkdown(input));
  const isLocalDesktop = env.remoteName === undefined && env.appHost === 'desktop';
  if (isLocalDesktop) await env.openExternal(Uri.file(page));
  else await commands.executeCommand('markdown.showPreview', Uri.file(text));
}
