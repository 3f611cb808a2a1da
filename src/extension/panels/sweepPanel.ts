import { commands, type ExtensionContext, env, l10n, type WebviewPanel, window } from 'vscode';
import type { CellResult } from '../../core/sweep/run.ts';
import { type FromSweep, panelProtocol, type SweepDelta, type ToSweep } from '../../protocol/panel.ts';
import type { RunManager } from '../runs/runManager.ts';
import { isSimulated, type RunView } from '../runs/runView.ts';
import { isPlan } from '../sweep/planFiles.ts';
import { CellChanges } from './cellChanges.ts';
import { otherRuns } from './otherRuns.ts';
import { Panel } from './panel.ts';
import { isSlim, sentCells, sentResults } from './slimCells.ts';

const runCommands: ReadonlyMap<string, string> = new Map([
  ['cancel', 'loadline.cancelRun'],
  ['resume', 'loadline.resumeRun'],
  ['report', 'loadline.openReport'],
]);

type Content = Omit<SweepDelta, 'type' | 'results' | 'cells'>;

/** `cell`: picked when the run is shown. */
export interface SweepTarget {
  readonly run: string;
  readonly cell?: string;
}

/** *Which setting should I use?* One run, while it goes on and after. */
export class SweepPanel extends Panel<ToSweep, FromSweep> {
  readonly #runs: RunManager;
  readonly #changes = new CellChanges();
  #run: string;
  #cell: string | null;
  /** Of the last message, for what the runs then were. */
  #others: { readonly key: string; readonly of: Content['others'] } = { key: '', of: [] };
  #cursorCells = '';

  constructor(context: ExtensionContext, runs: RunManager, panel: WebviewPanel, target: SweepTarget) {
    super(context, 'sweep', panel);
    this.#runs = runs;
    this.#run = runOf(target);
    this.#cell = target.cell ?? null;
    this.register(runs.onDidChange(() => this.#update()));
    this.register(
      window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (this.isLive && isPlan(textEditor.document)) void this.#showCursor(textEditor);
      }),
    );
    this.#setTitle();
  }

  show(target: SweepTarget): void {
    this.#run = runOf(target);
    this.#cell = target.cell ?? null;
    this.#update();
    this.#sendCell();
  }

  protected snapshot(): ToSweep {
    const results = this.#view?.results ?? null;
    this.#changes.start(results);
    return {
      type: 'snapshot',
      protocol: panelProtocol,
      locale: env.language,
      ...sentResults(results),
      ...this.#content(),
    };
  }

  protected override shown(): void {
    this.#sendCell();
  }

  protected async received(message: Partial<FromSweep> & { readonly type: string }): Promise<void> {
    const command = runCommands.get(message.type);
    if (command !== undefined) await commands.executeCommand(command, this.#run);
    else if (message.type === 'compare') this.#compare('run' in message ? message.run : undefined);
    else await this.#aboutCell(message);
  }

  /** Once: what is picked after that is the page's own. */
  #sendCell(): void {
    if (this.#cell === null || !this.isLive) return;
    this.post({ type: 'pick', cell: this.#cell });
    this.#cell = null;
  }

  get #view(): RunView | undefined {
    return this.#runs.view(this.#run);
  }

  async #aboutCell(message: Partial<FromSweep> & { readonly type: string }): Promise<void> {
    const view = this.#view;
    const id = 'cell' in message ? message.cell : undefined;
    const cell = view?.results?.cells.find((one) => one.cell === id);
    if (view === undefined) return;
    if (message.type === 'telemetry') await this.#sendTelemetry(view, cell);
    else if (cell === undefined) return;
    else if (message.type === 'cell') this.#sendWhole(view, cell);
    else if (message.type === 'plan-line')
      await (await import('../runs/planOfRun.ts')).showPlanLine(view, cell);
    else if (message.type === 'engine-log')
      await (await import('../runs/engineLog.ts')).openEngineLog(view, cell);
    else if (message.type === 'remedy' && 'remedy' in message && typeof message.remedy === 'number')
      await (await import('../runs/planOfRun.ts')).applyRemedy(view, cell, message.remedy);
  }

  #sendWhole({ results }: RunView, cell: CellResult): void {
    if (results === null || !isSlim(results)) return;
    const { cells: _, ...head } = results;
    this.post({ type: 'delta', results: head, cells: [cell], ...this.#content() });
  }

  async #sendTelemetry({ directory, results }: RunView, cell: CellResult | undefined): Promise<void> {
    if (results === null) return;
    const { readRunTelemetry } = await import('../runs/runTelemetry.ts');
    this.post(await readRunTelemetry(directory, results, cell?.cell ?? null));
  }

  #compare(run: unknown): void {
    if (typeof run !== 'string') return;
    this.post({ type: 'compared-run', run, ...sentResults(this.#runs.view(run)?.results ?? null) });
  }

  /** The cells of the value that the cursor is in, where the file is the plan that is shown. */
  async #showCursor(editor: {
    readonly document: { getText(): string; offsetAt(at: unknown): number };
    readonly selection: { readonly active: unknown };
  }): Promise<void> {
    const results = this.#view?.results;
    if (!results) return;
    const { cellsAt } = await import('../../text/plan/planPlaces.ts');
    const text = editor.document.getText();
    const cells = cellsAt(text, editor.document.offsetAt(editor.selection.active), results.cells).map(
      ({ cell }) => cell,
    );
    const key = cells.join('\n');
    if (key === this.#cursorCells) return;
    this.#cursorCells = key;
    this.post({ type: 'plan-cursor', cells });
  }

  #update(): void {
    this.#setTitle();
    if (!this.isLive) return;
    const results = this.#view?.results ?? null;
    const cells = results === null ? undefined : this.#changes.take(results);
    if (results === null || cells === undefined) {
      this.post(this.snapshot());
      return;
    }
    const { cells: _, ...head } = results;
    this.post({ type: 'delta', results: head, cells: sentCells(results, cells), ...this.#content() });
  }

  #setTitle(): void {
    const view = this.#view;
    const name = view?.results?.name ?? this.#run;
    this.title = view && isSimulated(view) ? l10n.t('{0} (simulated)', name) : name || l10n.t('Sweep');
  }

  #content(): Content {
    const { progress = null, connection = null } = this.#view ?? {};
    return { progress, connection, others: this.#otherRuns() };
  }

  /** Looked for again where the runs are others: not with every record of one that goes on. */
  #otherRuns(): Content['others'] {
    const results = this.#view?.results ?? null;
    const views = this.#runs.views();
    const key = JSON.stringify([this.#run, views.map((view) => [view.run, view.results?.outcome])]);
    if (key !== this.#others.key)
      this.#others = { key, of: results === null ? [] : otherRuns(results, views) };
    return this.#others.of;
  }
}

/** A window of an earlier version kept the run's name alone. */
function runOf(target: SweepTarget | string): string {
  return typeof target === 'string' ? target : target.run;
}
