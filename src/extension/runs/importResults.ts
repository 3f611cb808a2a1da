/** Results of other load generators, opened as runs of the workspace. Loaded on first use. */
import { basename } from 'node:path';
import { l10n, ProgressLocation, Uri, window, workspace } from 'vscode';
import type { Problem } from '../../core/result.ts';
import { readForeignFiles } from '../../storage/foreignFiles.ts';
import { writeImportedRun } from '../../storage/importedRun.ts';
import type { RunManager } from './runManager.ts';

/** Files and folders of the explorer (the one clicked, then all that are selected), else those that the user picks. Gives the last run. */
export async function importResults(
  runs: RunManager,
  clicked: unknown,
  selected: unknown,
): Promise<string | undefined> {
  const chosen = Array.isArray(selected) ? selected.filter(isUri) : isUri(clicked) ? [clicked] : await pick();
  const [first] = chosen;
  if (first === undefined) return undefined;
  const folder = workspace.getWorkspaceFolder(first) ?? workspace.workspaceFolders?.[0];
  if (folder === undefined)
    throw new Error(l10n.t('Open a folder first: results are kept in its .loadline/runs.'));
  return window.withProgress(
    { location: ProgressLocation.Window, title: l10n.t('Reading benchmark results') },
    async () => {
      const paths = new Map(chosen.map((uri) => [workspace.asRelativePath(uri, false), uri.fsPath]));
      const { files, problems } = await readForeignFiles(
        [...paths.keys()],
        (name) => paths.get(name) ?? name,
      );
      if (problems.length > 0) throw new Error(words(problems));
      const { readForeign } = await import('../../core/foreign/foreign.ts');
      const read = readForeign(files);
      if (!read.ok) throw new Error(words(read.problems));
      let last: string | undefined;
      for (const results of read.value) {
        const directory = await writeImportedRun(folder.uri.fsPath, results);
        await runs.show({ run: results.run, workspace: folder.uri.fsPath, directory });
        last = results.run;
      }
      return last;
    },
  );
}

async function pick(): Promise<readonly Uri[]> {
  const chosen = await window.showOpenDialog({
    title: l10n.t('Results of a Load Generator'),
    openLabel: l10n.t('Open'),
    canSelectMany: true,
    filters: { [l10n.t('Benchmark results')]: ['json', 'jsonl', 'csv'] },
  });
  return chosen ?? [];
}

function isUri(value: unknown): value is Uri {
  return value instanceof Uri && value.scheme === 'file';
}

/** The first problem, where it is, and how many more there are. */
function words([first, ...more]: readonly Problem[]): string {
  if (first === undefined) return l10n.t('These files cannot be read.');
  const [file, ...keys] = first.path ?? [];
  const place = [basename(String(file ?? '')), ...keys].filter((part) => part !== '').join(' › ');
  const message = place === '' ? first.message : `${place}: ${first.message}`;
  return more.length === 0 ? message : l10n.t('{0} (and {1} more)', message, more.length);
}
