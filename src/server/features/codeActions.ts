import {
  type CodeAction,
  CodeActionKind,
  type Diagnostic,
  type Range,
  type TextEdit,
} from 'vscode-languageserver';
import { closest } from '../../core/closest.ts';
import type { FlagValue } from '../../core/engine/deployment.ts';
import { findEngine } from '../../core/engine/engine.ts';
import type { Fix, FlagEdit } from '../../core/estimate/types.ts';
import { type FlagChange, flagEdits, targetEdit } from '../../text/edits.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../analysis.ts';
import { messages } from '../messages.ts';
import { rangeIn, rangesTouch } from '../places.ts';
import { diagnosticsOf, doesNotFitCode, tightCode } from './diagnostics.ts';

/** Quick fixes for what is marked in `range`, best first, each with its effect in the title. */
export function codeActionsIn(analysis: DocumentAnalysis, range: Range): CodeAction[] {
  const marked = diagnosticsOf(analysis).filter((diagnostic) => rangesTouch(diagnostic.range, range));
  return analysis.deployments.flatMap((deployment) => [
    ...fixesOf(analysis, deployment, marked),
    ...respellings(analysis, deployment, marked),
  ]);
}

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

function fixesOf(
  analysis: DocumentAnalysis,
  deployment: AnalysedDeployment,
  marked: readonly Diagnostic[],
): CodeAction[] {
  const { estimate, located } = deployment;
  const whole = rangeIn(analysis.snapshot, located.range);
  const diagnostic = marked.find(
    ({ code, range }) => (code === doesNotFitCode || code === tightCode) && rangesTouch(range, whole),
  );
  if (!diagnostic || !isKnown(estimate)) return [];
  const actions = estimate.verdict.fixes.flatMap((fix) => {
    const edits = editsOf(analysis, deployment, fix);
    return edits ? [quickFix(analysis, messages.setFlag(fix), diagnostic, edits)] : [];
  });
  return actions.map((action, index) => ({ ...action, isPreferred: index === 0 }));
}

/** A fix that takes more GPUs than the deployment is given also says so in the comment that names them. */
function editsOf(
  analysis: DocumentAnalysis,
  deployment: AnalysedDeployment,
  fix: Fix,
): TextEdit[] | undefined {
  const { request, estimate, located } = deployment;
  const wanted = [fix, ...(fix.also ?? [])];
  const changes = wanted.flatMap((edit) => changeOf(edit) ?? []);
  if (changes.length < wanted.length || !request || !isKnown(estimate)) return undefined;
  const edits = textEdits(analysis, deployment, changes);
  const after = Object.fromEntries(wanted.map(({ flag, to }) => [flag, to]));
  const needed = gpusNeeded({ ...estimate.resolved, ...after });
  if (needed <= request.gpuCount) return edits;
  const target = { gpu: located.target?.gpu ?? request.device.id, gpuCount: needed };
  const edit = targetEdit(analysis.snapshot.getText(), located, target);
  return edit && [...edits, { range: rangeIn(analysis.snapshot, edit.range), newText: edit.newText }];
}

function gpusNeeded(flags: Readonly<Record<string, FlagValue>>): number {
  return ['tensor-parallel-size', 'pipeline-parallel-size', 'data-parallel-size']
    .map((flag) => Number(flags[flag] ?? 1))
    .reduce((product, size) => product * size, 1);
}

/** Lists are not written by a quick fix. */
function changeOf({ flag, to }: FlagEdit): FlagChange | undefined {
  return typeof to === 'object' ? undefined : { flag, to };
}

/** `--max-model-length` -> `--max-model-len`, where the engine's table has a name that near. */
function respellings(
  analysis: DocumentAnalysis,
  { located }: AnalysedDeployment,
  marked: readonly Diagnostic[],
): CodeAction[] {
  const { snapshot } = analysis;
  const names = findEngine(located.deployment.engine)?.flags.map(({ name }) => name) ?? [];
  const unknown = marked.filter(({ code }) => code === 'flag.unknown');
  return Object.entries(located.flags).flatMap(([flag, { key }]) => {
    const place = rangeIn(snapshot, key);
    const diagnostic = unknown.find(({ range }) => rangesTouch(range, place));
    const meant = diagnostic && closest(flag, names);
    if (!diagnostic || meant === undefined) return [];
    const written = snapshot.getText(place);
    const newText =
      (/^-*/.exec(written)?.[0] ?? '') + (written.includes('_') ? meant.replaceAll('-', '_') : meant);
    return [quickFix(analysis, messages.replaceBy(newText), diagnostic, [{ range: place, newText }])];
  });
}

function quickFix(
  { snapshot }: DocumentAnalysis,
  title: string,
  diagnostic: Diagnostic,
  edits: TextEdit[],
): CodeAction {
  return {
    title,
    kind: CodeActionKind.QuickFix,
    diagnostics: [diagnostic],
    edit: {
      // With the version, so that a client refuses the edit on a text that has moved on.
      documentChanges: [{ textDocument: { uri: snapshot.uri, version: snapshot.version }, edits }],
    },
  };
}
