/** Quick fixes on the lines of a plan. */
import {
  CodeAction,
  CodeActionKind,
  type CodeActionProvider,
  l10n,
  languages,
  Range,
  type TextDocument,
  WorkspaceEdit,
} from 'vscode';
import { estimate } from '../../core/estimate/estimate.ts';
import { cellEstimateRequest } from '../../core/sweep/cellEstimate.ts';
import { type PlanFix, planFixes, withFlag, withKey, withoutItem } from '../../text/plan/planFixes.ts';
import { locateProblem } from '../../text/sweepPlan.ts';
import { DisposableStore } from '../disposable.ts';
import type { ExpandedAnalysis, PlanAnalyses } from './planAnalyses.ts';
import { planSelector } from './planFiles.ts';

export class PlanActions extends DisposableStore implements CodeActionProvider {
  readonly #analyses: PlanAnalyses;

  constructor(analyses: PlanAnalyses) {
    super();
    this.#analyses = analyses;
    this.register(
      languages.registerCodeActionsProvider(planSelector, this, {
        providedCodeActionKinds: [CodeActionKind.QuickFix],
      }),
    );
  }

  async provideCodeActions(document: TextDocument, range: Range): Promise<CodeAction[]> {
    const text = document.getText();
    const { parsed, expanded } = await this.#analyses.of(document);
    const touched = ({ range: place }: { range: { start: number; end: number } }) =>
      new Range(document.positionAt(place.start), document.positionAt(place.end)).intersection(range) !==
      undefined;
    const fixes = [...parsed.problems, ...parsed.warnings]
      .filter(touched)
      .flatMap((problem) => planFixes(text, problem));
    for (const place of expanded?.unfit ?? []) {
      const located = locateProblem(text, { code: '', message: '', path: place.path });
      if (expanded === undefined || !touched(located)) continue;
      const out =
        place.kind === 'value'
          ? withoutItem(text, place.path, l10n.t('Take this value out of the plan'))
          : undefined;
      if (out !== undefined) fixes.push(out);
      if (place.skipped) {
        fixes.push(
          withKey(
            text,
            'predictedNotToFit',
            'probe',
            l10n.t('Try what is predicted not to fit all the same'),
          ),
        );
      }
      fixes.push(...estimateFixes(text, expanded, place.labels[0]));
    }
    return fixes.map((fix) => actionOf(document, fix));
  }
}

/** Flags that would make the cell fit, as the estimate has verified them. */
function estimateFixes(
  text: string,
  { plan, context, measured }: ExpandedAnalysis,
  label: string | undefined,
): PlanFix[] {
  const cell = measured.cells.find((one) => one.label === label);
  if (cell === undefined) return [];
  const { flags, load, gpuCount = 1, arrangement = { copies: 1 } } = cell;
  const request = cellEstimateRequest(plan, { flags, load, gpuCount, arrangement }, context);
  if (request === null) return [];
  return estimate(request)
    .verdict.fixes.filter(({ flag, also = [] }) => also.length === 0 && !Object.hasOwn(plan.matrix, flag))
    .slice(0, 3)
    .flatMap(
      ({ flag, to, effect }) =>
        withFlag(text, flag, to, l10n.t('Set {0} to {1} ({2})', flag, String(to), effect)) ?? [],
    );
}

function actionOf(document: TextDocument, { title, edits }: PlanFix): CodeAction {
  const action = new CodeAction(title, CodeActionKind.QuickFix);
  const edit = new WorkspaceEdit();
  for (const { range, newText } of edits) {
    edit.replace(
      document.uri,
      new Range(document.positionAt(range.start), document.positionAt(range.end)),
      newText,
    );
  }
  action.edit = edit;
  return action;
}
