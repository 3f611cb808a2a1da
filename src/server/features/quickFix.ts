import { type CodeAction, CodeActionKind, type Diagnostic, type TextEdit } from 'vscode-languageserver';
import type { Target } from '../../core/engine/deployment.ts';
import { type FlagChange, flagEdits, gpuCountEdits, targetEdit } from '../../text/edits.ts';
import type { AnalysedDeployment, DocumentAnalysis } from '../documentAnalysis.ts';
import { rangeIn } from '../places.ts';

/** Text edits of flag changes, as LSP has them. */
export function textEdits(
  { snapshot }: DocumentAnalysis,
  { located }: AnalysedDeployment,
  changes: readonly FlagChange[],
): TextEdit[] {
  return flagEdits(snapshot.getText(), located, changes).map(({ range, newText }) => ({
    range: rangeIn(snapshot, range),
    newText,
  }));
}

/** The edit that names the GPUs in a comment; none where no comment can stand. */
export function targetTextEdits(
  { snapshot }: DocumentAnalysis,
  { located }: AnalysedDeployment,
  { gpu, gpuCount }: Target,
): TextEdit[] {
  const edit = targetEdit(snapshot.getText(), located, { gpu, gpuCount });
  return edit ? [{ range: rangeIn(snapshot, edit.range), newText: edit.newText }] : [];
}

/**
 * The edits that give it so many GPUs of this kind: where the document counts them, and in the comment where that does too or is all
 * there is. None where the document names the very GPUs.
 */
export function gpuCountTextEdits(
  analysis: DocumentAnalysis,
  deployment: AnalysedDeployment,
  target: Target,
): TextEdit[] {
  const { snapshot } = analysis;
  const text = snapshot.getText();
  const { located } = deployment;
  const counted = gpuCountEdits(text, located, target.gpuCount);
  const comment = located.target && text.slice(located.target.range.start, located.target.range.end);
  if (counted?.length === 0) return [];
  const edits = (counted ?? []).map(({ range, newText }) => ({ range: rangeIn(snapshot, range), newText }));
  return counted === undefined || / x\d+$/.test(comment ?? '')
    ? [...edits, ...targetTextEdits(analysis, deployment, target)]
    : edits;
}

export function quickFix(
  { snapshot }: DocumentAnalysis,
  title: string,
  diagnostic: Diagnostic,
  edits: TextEdit[],
  isPreferred = false,
): CodeAction {
  return {
    title,
    kind: CodeActionKind.QuickFix,
    diagnostics: [diagnostic],
    ...(isPreferred ? { isPreferred } : {}),
    edit: {
      // With the version, so that a client refuses the edit on a text that has moved on.
      documentChanges: [{ textDocument: { uri: snapshot.uri, version: snapshot.version }, edits }],
    },
  };
}
