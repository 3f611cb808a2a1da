import { commands, type ExtensionContext, env, l10n, type WebviewPanel } from 'vscode';
import { type FromSweep, panelProtocol, type ToSweep } from '../../protocol/panel.ts';
import type { RunManager } from '../runs/runManager.ts';
import { isSimulated } from '../runs/runView.ts';
import { Panel } from './panel.ts';

type Shown = Omit<Extract<ToSweep, { readonly type: 'delta' }>, 'type'>;

/** *Which setting should I use?* One run, while it goes on and after. */
export class SweepPanel extends Panel<ToSweep, FromSweep> {
  readonly #runs: RunManager;
  #run: string;

  constructor(context: ExtensionContext, runs: RunManager, panel: WebviewPanel, run: string) {
    super(context, 'sweep', panel);
    this.#runs = runs;
    this.#run = run;
    this.register(runs.onDidChange(() => this.#update()));
    this.#setTitle();
  }

  show(run: string): void {
    this.#run = run;
    this.#update();
  }

  protected snapshot(): ToSweep {
    return { type: 'snapshot', protocol: panelProtocol, locale: env.language, ...this.#shown() };
  }

  protected async received({ type }: { readonly type: string }): Promise<void> {
    const command = {
      cancel: 'loadline.cancelRun',
      resume: 'loadline.resumeRun',
      report: 'loadline.openReport',
    }[type];
    if (command !== undefined) await commands.executeCommand(command, this.#run);
  }

  #update(): void {
    this.#setTitle();
    this.post({ type: 'delta', ...this.#shown() });
  }

  #setTitle(): void {
    const view = this.#runs.view(this.#run);
    const name = view?.results?.name ?? this.#run;
    this.title = view && isSimulated(view) ? l10n.t('{0} (simulated)', name) : name || l10n.t('Sweep');
  }

  #shown(): Shown {
    const { results = null, progress = null, connection = null } = this.#runs.view(this.#run) ?? {};
    return { results, progress, connection };
  }
}
