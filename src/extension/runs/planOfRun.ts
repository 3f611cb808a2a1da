/** The plan that a run is of: the file that the user edits, or what the run keeps of it. Loaded on first use. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  l10n,
  type TextDocument,
  TextEditorRevealType,
  Uri,
  ViewColumn,
  WorkspaceEdit,
  window,
  workspace,
} from 'vscode';
import type { CellResult } from '../../core/sweep/run.ts';
import type { OffsetEdit } from '../../text/edits.ts';
import type { OffsetRange } from '../../text/located.ts';
import { cellPlaces, remedyEdits } from '../../text/plan/planPlaces.ts';
import { rangeIn } from './planRanges.ts';
import type { RunView } from './runView.ts';

const mostPlans = 500;

/** The cell's line in the plan; of a plan that was edited since, in the text that the run was started with. */
export async function showPlanLine(view: RunView, cell: CellResult): Promise<void> {
  const frozen = Uri.file(join(view.directory, 'plan.yaml'));
  const text = await readFile(frozen.fsPath, 'utf8');
  const same = (await plansOf(view)).find((document) => document.getText() === text);
  const document = same ?? (await workspace.openTextDocument(frozen));
  const [place] = cellPlaces(document.getText(), cell);
  await showAt(document, place ?? { start: 0, end: 0 });
  if (same === undefined)
    void window.setStatusBarMessage(l10n.t('The plan as it was when the run started'), 5000);
}

/** Writes the remedy into the plan that the user edits. Says so where there is none, or it does not have the flag. */
export async function applyRemedy(view: RunView, cell: CellResult, index: number): Promise<void> {
  const remedy = cell.failure?.remedies?.[index];
  if (remedy === undefined) return;
  const [document] = await plansOf(view);
  if (document === undefined) {
    void window.showWarningMessage(l10n.t('The plan of this run is not in the workspace.'));
    return;
  }
  const edits = remedyEdits(document.getText(), cell, remedy);
  if (edits.length === 0) {
    const [place] = cellPlaces(document.getText(), cell);
    await showAt(document, place ?? { start: 0, end: 0 });
    void window.showInformationMessage(
      l10n.t('How far is for you to choose: {0} {1}. {2}', remedy.change, remedy.flag, remedy.why),
    );
    return;
  }
  await applyEdits(document, edits);
}

async function applyEdits(document: TextDocument, edits: readonly OffsetEdit[]): Promise<void> {
  const edit = new WorkspaceEdit();
  for (const { range, newText } of edits) edit.replace(document.uri, rangeIn(document, range), newText);
  const [first] = edits;
  if ((await workspace.applyEdit(edit)) && first !== undefined)
    await showAt(document, { start: first.range.start, end: first.range.start + first.newText.length });
}

/** Plans of the run's name, the one that is as it was first. */
async function plansOf({ results, workspace: folder }: RunView): Promise<readonly TextDocument[]> {
  if (results === null) return [];
  const named = new RegExp(`^name:\\s*["']?${results.name.replaceAll('.', '\\.')}["']?\\s*(#.*)?$`, 'm');
  const uris = await workspace.findFiles(
    '**/*.sweep.{yaml,yml}',
    '**/{node_modules,.loadline}/**',
    mostPlans,
  );
  const found: TextDocument[] = [];
  for (const uri of uris) {
    const document = await workspace.openTextDocument(uri);
    if (named.test(document.getText())) found.push(document);
  }
  const isNear = (document: TextDocument) => Number(document.uri.fsPath.startsWith(folder));
  return found.sort((a, b) => isNear(b) - isNear(a));
}

/** Where it is open already, else beside the panel. */
async function showAt(document: TextDocument, place: OffsetRange): Promise<void> {
  const range = rangeIn(document, place);
  const open = window.visibleTextEditors.find((editor) => editor.document === document);
  const editor = await window.showTextDocument(document, {
    viewColumn: open?.viewColumn ?? ViewColumn.One,
    selection: range,
  });
  editor.revealRange(range, TextEditorRevealType.InCenterIfOutsideViewport);
}
