/**
 * What the last run of a plan found, on the plan's own lines: each cell that failed, at the value that sets it apart, with the
 * changes that would keep it from failing as quick fixes. Loaded with the first plan.
 */
import {
  CodeAction,
  CodeActionKind,
  type CodeActionProvider,
  Diagnostic,
  DiagnosticRelatedInformation,
  DiagnosticSeverity,
  Location,
  l10n,
  languages,
  Range,
  type TextDocument,
  Uri,
  WorkspaceEdit,
  workspace,
} from 'vscode';
import type { CellResult, RunResults } from '../../core/sweep/run.ts';
import { sourceOf } from '../../text/recipes/recipe.ts';
import { DisposableStore } from '../disposable.ts';
import type { Estimates } from '../estimates.ts';
import { type ConfigFix, configFixes, type Finding, findingsOf } from '../runs/findings.ts';
import { rangeIn } from '../runs/planRanges.ts';
import type { RunManager } from '../runs/runManager.ts';
import { isSimulated, type RunView } from '../runs/runView.ts';
import { cellLabel } from '../views/runNodes.ts';
import { isPlan, planSelector } from './planFiles.ts';

export class RunFindings extends DisposableStore implements CodeActionProvider {
  readonly #diagnostics = this.register(languages.createDiagnosticCollection('loadline runs'));
  readonly #runs: RunManager;
  readonly #estimates: Estimates;
  /** What is shown of each plan, so that the same again is not set. */
  readonly #shown = new Map<string, readonly Finding[]>();
  #keys = new Map<string, string>();

  constructor(runs: RunManager, estimates: Estimates) {
    super();
    this.#runs = runs;
    this.#estimates = estimates;
    this.register(
      languages.registerCodeActionsProvider(planSelector, this, {
        providedCodeActionKinds: [CodeActionKind.QuickFix],
      }),
    );
    this.register(runs.onDidChange(() => this.#checkAll()));
    this.register(workspace.onDidOpenTextDocument((document) => this.#check(document)));
    this.register(workspace.onDidChangeTextDocument(({ document }) => this.#check(document)));
    this.register(
      workspace.onDidCloseTextDocument(({ uri }) => {
        this.#diagnostics.delete(uri);
        this.#shown.delete(uri.toString());
        this.#keys.delete(uri.toString());
      }),
    );
    this.#checkAll();
  }

  async provideCodeActions(document: TextDocument, range: Range): Promise<CodeAction[]> {
    const shown = this.#shown.get(document.uri.toString()) ?? [];
    const diagnostics = this.#diagnostics.get(document.uri) ?? [];
    const marked = shown.flatMap((finding, at) => {
      const diagnostic = diagnostics[at];
      return diagnostic?.range.intersection(range) ? [{ finding, diagnostic }] : [];
    });
    const actions = marked.map(async ({ finding, diagnostic }) => [
      ...finding.fixes.map(({ title, edits, preferred }) => {
        const action = quickFix(title, diagnostic);
        action.isPreferred = preferred;
        action.edit = new WorkspaceEdit();
        for (const { range: place, newText } of edits)
          action.edit.replace(document.uri, rangeIn(document, place), newText);
        return action;
      }),
      ...(await this.#inConfig(document, finding, diagnostic)),
    ]);
    return (await Promise.all(actions)).flat();
  }

  /** The same changes where the deployment stands that the plan was made from; none where that file or the model in it is another by now. */
  async #inConfig(document: TextDocument, finding: Finding, diagnostic: Diagnostic): Promise<CodeAction[]> {
    const source = sourceOf(document.getText());
    const model = /^model:\s*["']?([^\s"'#]+)/m.exec(document.getText())?.[1];
    if (source === undefined || model === undefined || document.uri.scheme !== 'file') return [];
    const config = Uri.joinPath(document.uri, '..', source).toString();
    let fixes: readonly ConfigFix[];
    try {
      await workspace.openTextDocument(Uri.parse(config));
      fixes = configFixes(finding, model, source, await this.#estimates.of(config));
    } catch {
      // It was moved or removed, or nothing reads it any more.
      return [];
    }
    return fixes.map(({ title, index, change }) => {
      const action = quickFix(title, diagnostic);
      action.command = { title, command: 'loadline.applyFix', arguments: [config, index, [change]] };
      return action;
    });
  }

  #checkAll(): void {
    for (const document of workspace.textDocuments) this.#check(document);
  }

  #check(document: TextDocument): void {
    if (!isPlan(document)) return;
    const uri = document.uri.toString();
    const view = this.#lastRun(document);
    const failed = view?.results ? failedCells(view.results) : [];
    const key = JSON.stringify([document.version, view?.run, failed.map(({ cell }) => cell)]);
    if (key === this.#keys.get(uri)) return;
    this.#keys.set(uri, key);
    const findings = view === undefined ? [] : findingsOf(document.getText(), failed);
    this.#shown.set(uri, findings);
    this.#diagnostics.set(
      document.uri,
      view === undefined ? [] : findings.map((finding) => diagnosticOf(document, view, finding)),
    );
  }

  /** The newest of the plan's name in the folder that the plan is in. */
  #lastRun(document: TextDocument): RunView | undefined {
    const name = /^name:\s*["']?([A-Za-z0-9][A-Za-z0-9._-]*)/m.exec(document.getText())?.[1];
    const folder = workspace.getWorkspaceFolder(document.uri)?.uri.fsPath;
    return this.#runs
      .views()
      .find((view) => view.results?.name === name && (folder === undefined || view.workspace === folder));
  }
}

function quickFix(title: string, diagnostic: Diagnostic): CodeAction {
  const action = new CodeAction(title, CodeActionKind.QuickFix);
  action.diagnostics = [diagnostic];
  return action;
}

/** Without what a search ran into on purpose, and what was only cut short. */
function failedCells({ cells, searches = [] }: RunResults): readonly CellResult[] {
  const searched = new Set(searches.flatMap(({ bad }) => bad));
  return cells.filter(
    ({ cell, state, failure }) => state === 'failed' && failure?.kind !== 'cancelled' && !searched.has(cell),
  );
}

function diagnosticOf(document: TextDocument, view: RunView, { cells, range }: Finding): Diagnostic {
  const [first] = cells;
  const more = cells.length > 1 ? l10n.t(' (and {0} more cells)', cells.length - 1) : '';
  const said = first === undefined ? '' : `${cellLabel(first)}${more}. ${first.failure?.message ?? ''}`;
  const place = rangeIn(document, range);
  // A rehearsal says what the estimate says: that is a hint.
  const severity = isSimulated(view) ? DiagnosticSeverity.Information : DiagnosticSeverity.Warning;
  const diagnostic = new Diagnostic(
    place,
    isSimulated(view) ? l10n.t('Simulated: {0}', said) : said,
    severity,
  );
  diagnostic.source = 'Loadline';
  diagnostic.code = 'sweep.cell-failed';
  diagnostic.relatedInformation = [
    new DiagnosticRelatedInformation(
      new Location(Uri.joinPath(Uri.file(view.directory), 'journal.jsonl'), new Range(0, 0, 0, 0)),
      l10n.t('Measured run {0} on {1}', view.run, view.host ?? ''),
    ),
  ];
  return diagnostic;
}
