/** What the editor says of a `*.sweep.yaml`: its problems at their keys, values that make cells that cannot fit, and the lenses that rehearse and run it. Loaded with the first such file. */
import {
  CodeLens,
  type CodeLensProvider,
  Diagnostic,
  DiagnosticSeverity,
  DiagnosticTag,
  EventEmitter,
  l10n,
  languages,
  Range,
  type TextDocument,
  workspace,
} from 'vscode';
import type { UnfitPlace } from '../../core/sweep/unfitPlaces.ts';
import type { LocatedProblem } from '../../text/located.ts';
import { locateProblem } from '../../text/sweepPlan.ts';
import { DisposableStore } from '../disposable.ts';
import type { RunManager } from '../runs/runManager.ts';
import { isOver } from '../runs/runView.ts';
import { durationText } from '../words.ts';
import { PlanActions } from './planActions.ts';
import { type ExpandedAnalysis, PlanAnalyses } from './planAnalyses.ts';
import { isPlan, planSelector } from './planFiles.ts';
import { PlanCompletion, PlanHover } from './planHelp.ts';
import { PlanPreviews } from './planPreviews.ts';

/** Keystrokes closer together than this are answered once: longer where the last answer took long, as of a grid of thousands of cells. */
const settleMs = 150;
const mostSettleMs = 3000;

export class PlanLanguage extends DisposableStore implements CodeLensProvider {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.#changed.event;
  readonly #diagnostics = this.register(languages.createDiagnosticCollection('loadline plan'));
  readonly #analyses = new PlanAnalyses();
  readonly #runs: RunManager;
  readonly #pending = new Map<string, NodeJS.Timeout>();
  /** Which runs there are, and which are over. */
  #standing = '';
  #settleMs = settleMs;

  constructor(runs: RunManager, hosts: () => readonly string[]) {
    super();
    this.#runs = runs;
    this.register(languages.registerCodeLensProvider(planSelector, this));
    this.register(
      languages.registerCompletionItemProvider(planSelector, new PlanCompletion(hosts), ' ', '[', '{', ','),
    );
    this.register(languages.registerHoverProvider(planSelector, new PlanHover(this.#analyses)));
    this.register(new PlanActions(this.#analyses));
    this.register(new PlanPreviews(this.#analyses));
    this.register(workspace.onDidOpenTextDocument((document) => void this.#check(document)));
    this.register(workspace.onDidChangeTextDocument(({ document }) => this.#schedule(document)));
    this.register(runs.onDidChange(() => this.#runsChanged()));
    this.register(
      workspace.onDidCloseTextDocument((document) => {
        clearTimeout(this.#pending.get(document.uri.toString()));
        this.#diagnostics.delete(document.uri);
      }),
    );
    for (const document of workspace.textDocuments) void this.#check(document);
  }

  async provideCodeLenses(document: TextDocument): Promise<CodeLens[]> {
    const { expanded } = await this.#analyses.of(document);
    const running = this.#runs
      .runsOf({ uri: document.uri, text: document.getText() })
      .map(({ run, host, edited }) => ({
        title: edited
          ? l10n.t(
              '$(lock) Runs on {0} as it was when it was started: what is edited since counts for the next run',
              host,
            )
          : l10n.t('$(sync) Runs on {0} now', host),
        command: 'loadline.openSweep',
        tooltip: l10n.t('Opens the results of {0}', run),
        arguments: [run],
      }));
    const range = new Range(0, 0, 0, 0);
    const lenses = [...running, ...(expanded === undefined ? [] : planLenses(document, expanded))];
    return lenses.map((command) => new CodeLens(range, command));
  }

  override dispose(): void {
    for (const timer of this.#pending.values()) clearTimeout(timer);
    super.dispose();
  }

  /** A run has begun or ended: lenses say so, and start-up times are known better. Its progress changes nothing here. */
  #runsChanged(): void {
    const standing = this.#runs
      .views()
      .map((view) => `${view.run} ${isOver(view)}`)
      .join('\n');
    if (standing === this.#standing) return;
    this.#standing = standing;
    for (const document of workspace.textDocuments.filter(isPlan)) {
      this.#analyses.forget(document);
      void this.#check(document);
    }
  }

  #schedule(document: TextDocument): void {
    if (!isPlan(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.#pending.get(key));
    this.#pending.set(
      key,
      setTimeout(() => {
        this.#pending.delete(key);
        if (!document.isClosed) void this.#check(document);
      }, this.#settleMs),
    );
  }

  async #check(document: TextDocument): Promise<void> {
    if (!isPlan(document)) return;
    const { version } = document;
    const started = performance.now();
    const analysis = await this.#analyses.of(document);
    this.#settleMs = Math.min(mostSettleMs, Math.max(settleMs, 2 * (performance.now() - started)));
    // A later version has its own answer under way.
    if (document.isClosed || document.version !== version) return;
    const { parsed, problems, warnings, expanded } = analysis;
    const marked = (list: readonly LocatedProblem[], severity: DiagnosticSeverity) =>
      list.map((problem) => diagnosticOf(document, problem, severity));
    this.#diagnostics.set(document.uri, [
      ...marked([...parsed.problems, ...problems], DiagnosticSeverity.Error),
      ...marked([...parsed.warnings, ...warnings], DiagnosticSeverity.Warning),
      ...(expanded?.unfit ?? []).map((place) => struckThrough(document, place)),
    ]);
    this.#changed.fire();
  }
}

function planLenses(document: TextDocument, { plan, preview, rehearsal }: ExpandedAnalysis) {
  const lens = (title: string, command: string, tooltip: string) => ({
    title,
    command,
    tooltip,
    arguments: [document.uri],
  });
  const hosts = plan.hosts.join(', ');
  const { cells, expectedCells, starts, unfit, skipped, seconds, gpuHours } = preview.schedule;
  const lenses = [];
  if (rehearsal !== null) {
    lenses.push(
      lens(
        l10n.t('$(beaker) Rehearse (simulated, ≈ {0})', durationText(rehearsal.schedule.seconds)),
        'loadline.rehearseSweep',
        l10n.t('Runs the plan on {0} with a simulated engine: no GPU is used', hosts),
      ),
    );
  }
  lenses.push(
    lens(
      l10n.t(
        '$(play) Run on {0} ({1} cells, ≈ {2}, {3} GPU-h)',
        hosts,
        cells,
        durationText(seconds),
        hours(gpuHours),
      ),
      'loadline.runSweep',
      l10n.t('Shows the exact commands and asks before anything starts'),
    ),
    lens(
      starts === 1
        ? l10n.t('$(list-tree) 1 engine start for {0} cells', expectedCells)
        : l10n.t('$(list-tree) {0} engine starts for {1} cells', starts, expectedCells),
      'loadline.previewSweep',
      l10n.t(
        'Shows every cell with what is predicted of it, and the commands. {0}',
        preview.schedule.startsBecause.join('; '),
      ),
    ),
  );
  if (unfit > 0) {
    lenses.push(
      lens(
        skipped > 0
          ? l10n.t(
              '$(warning) {0} of {1} cells are predicted not to fit, and are left out',
              unfit,
              preview.cells.length,
            )
          : l10n.t('$(warning) {0} of {1} cells are predicted not to fit', unfit, preview.cells.length),
        'loadline.previewSweep',
        preview.cells
          .filter(({ predicted }) => predicted === 'does-not-fit')
          .slice(0, 10)
          .map(({ label, reason }) => `${label}: ${reason ?? ''}`)
          .join('\n'),
      ),
    );
  }
  return lenses;
}

function hours(gpuHours: number): string {
  return gpuHours < 0.1 ? gpuHours.toFixed(2) : gpuHours.toFixed(1);
}

function struckThrough(document: TextDocument, place: UnfitPlace): Diagnostic {
  const { path, kind, cells, reason, skipped, labels } = place;
  const what =
    kind === 'plan'
      ? l10n.t('No cell fits: {0}', reason)
      : kind === 'value'
        ? l10n.t('{0} cells with this cannot fit: {1}', cells, reason)
        : l10n.t('{0} combinations cannot fit, such as {1}: {2}', cells, labels[0] ?? '', reason);
  const then = skipped ? l10n.t('Left out of the run.') : l10n.t('Tried all the same.');
  const located = locateProblem(document.getText(), {
    code: `plan.unfit-${kind}`,
    message: `${what} ${then}`,
    path,
  });
  const diagnostic = diagnosticOf(document, located, DiagnosticSeverity.Hint);
  // Struck through, where it is one value that is left out; a whole key is not.
  if (kind === 'value' && skipped) diagnostic.tags = [DiagnosticTag.Deprecated];
  return diagnostic;
}

function diagnosticOf(
  document: TextDocument,
  { range, message, code }: LocatedProblem,
  severity: DiagnosticSeverity,
): Diagnostic {
  const place = new Range(document.positionAt(range.start), document.positionAt(range.end));
  const diagnostic = new Diagnostic(place, message, severity);
  diagnostic.source = 'Loadline';
  diagnostic.code = code;
  return diagnostic;
}
