/** What the editor says of a `*.sweep.yaml`: its problems at their keys, and the lenses that rehearse and run it. Loaded with the first such file. */
import { dirname } from 'node:path';
import {
  CodeLens,
  type CodeLensProvider,
  Diagnostic,
  DiagnosticSeverity,
  EventEmitter,
  l10n,
  languages,
  Range,
  type TextDocument,
  workspace,
} from 'vscode';
import { findDevice } from '../../core/device/catalogue.ts';
import { expandPlan } from '../../core/sweep/cells.ts';
import type { SweepPlan } from '../../core/sweep/planSchema.ts';
import type { Cell, RunMode } from '../../core/sweep/run.ts';
import { resolveModel } from '../../storage/modelFolder.ts';
import type { LocatedProblem } from '../../text/located.ts';
import { type ParsedSweepPlan, parseSweepPlan } from '../../text/sweepPlan.ts';
import { DisposableStore } from '../disposable.ts';
import { durationText } from '../words.ts';
import { isPlan, planSelector } from './planFiles.ts';

/** Keystrokes closer together than this are answered once. */
const settleMs = 150;

export class PlanLanguage extends DisposableStore implements CodeLensProvider {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.#changed.event;
  readonly #diagnostics = this.register(languages.createDiagnosticCollection('loadline plan'));
  readonly #parsed = new WeakMap<
    TextDocument,
    { readonly version: number; readonly plan: ParsedSweepPlan }
  >();
  readonly #pending = new Map<string, NodeJS.Timeout>();

  constructor() {
    super();
    this.register(languages.registerCodeLensProvider(planSelector, this));
    this.register(workspace.onDidOpenTextDocument((document) => this.#check(document)));
    this.register(workspace.onDidChangeTextDocument(({ document }) => this.#schedule(document)));
    this.register(
      workspace.onDidCloseTextDocument((document) => {
        clearTimeout(this.#pending.get(document.uri.toString()));
        this.#diagnostics.delete(document.uri);
      }),
    );
    for (const document of workspace.textDocuments) this.#check(document);
  }

  async provideCodeLenses(document: TextDocument): Promise<CodeLens[]> {
    const { result } = this.#parse(document);
    if (!result.ok) return [];
    const plan = result.value;
    const range = new Range(0, 0, 0, 0);
    const [rehearsal, measured] = await Promise.all([
      cellsOf(plan, document, 'rehearsal'),
      cellsOf(plan, document, 'measured'),
    ]);
    const lens = (title: string, command: string, tooltip: string): CodeLens =>
      new CodeLens(range, { title, command, tooltip, arguments: [document.uri] });
    const [host = ''] = plan.hosts;
    const unfit = measured.filter(({ prediction }) => prediction?.outcome === 'does-not-fit');
    return [
      lens(
        l10n.t('$(beaker) Rehearse (simulated, ≈ {0})', expected(rehearsal)),
        'loadline.rehearseSweep',
        l10n.t('Runs the plan on {0} with a simulated engine: no GPU is used', host),
      ),
      lens(
        l10n.t('$(play) Run on {0} ({1} cells, ≈ {2})', host, running(measured).length, expected(measured)),
        'loadline.runSweep',
        l10n.t('Shows the exact commands and asks before anything starts'),
      ),
      ...(unfit.length > 0
        ? [
            lens(
              l10n.t('$(warning) {0} of {1} cells are predicted not to fit', unfit.length, measured.length),
              '',
              unfit.map(({ label, prediction }) => `${label}: ${prediction?.reason ?? ''}`).join('\n'),
            ),
          ]
        : []),
    ];
  }

  override dispose(): void {
    for (const timer of this.#pending.values()) clearTimeout(timer);
    super.dispose();
  }

  #schedule(document: TextDocument): void {
    if (!isPlan(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.#pending.get(key));
    this.#pending.set(
      key,
      setTimeout(() => {
        this.#pending.delete(key);
        if (!document.isClosed) this.#check(document);
      }, settleMs),
    );
  }

  #check(document: TextDocument): void {
    if (!isPlan(document)) return;
    const { problems, warnings } = this.#parse(document);
    this.#diagnostics.set(document.uri, [
      ...problems.map((problem) => diagnosticOf(document, problem, DiagnosticSeverity.Error)),
      ...warnings.map((problem) => diagnosticOf(document, problem, DiagnosticSeverity.Warning)),
    ]);
    this.#changed.fire();
  }

  #parse(document: TextDocument): ParsedSweepPlan {
    const known = this.#parsed.get(document);
    if (known?.version === document.version) return known.plan;
    const plan = parseSweepPlan(document.getText());
    this.#parsed.set(document, { version: document.version, plan });
    return plan;
  }
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

/** Cells with their predictions, for the GPU that the plan names. */
async function cellsOf(plan: SweepPlan, document: TextDocument, mode: RunMode): Promise<readonly Cell[]> {
  const folders = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const model = await resolveModel(plan.model, [dirname(document.uri.fsPath), ...folders]);
  const device = (plan.gpu === undefined ? undefined : findDevice(plan.gpu)) ?? null;
  const cells = expandPlan(plan, { mode, device, model: model.ok ? model.value : null });
  return cells.ok ? cells.value : [];
}

function running(cells: readonly Cell[]): readonly Cell[] {
  return cells.filter(({ skipped }) => !skipped);
}

function expected(cells: readonly Cell[]): string {
  return durationText(running(cells).reduce((total, { expectedSeconds }) => total + expectedSeconds, 0));
}
