import { l10n, StatusBarAlignment, window } from 'vscode';
import { DisposableStore } from '../disposable.ts';
import type { RunManager } from '../runs/runManager.ts';
import { isSimulated, outcomeOf } from '../runs/runView.ts';
import { leftText } from '../words.ts';

/** Shown while a run goes on, and only then. */
export class RunStatusItem extends DisposableStore {
  readonly #item = this.register(window.createStatusBarItem('loadline.run', StatusBarAlignment.Left, 0));

  constructor(runs: RunManager) {
    super();
    this.#item.name = l10n.t('Loadline run');
    this.register(runs.onDidChange(() => this.#update(runs)));
    this.#update(runs);
  }

  #update(runs: RunManager): void {
    const active = runs.views().filter((view) => outcomeOf(view) === 'running');
    const [first] = active;
    if (!first) {
      this.#item.hide();
      return;
    }
    const { progress, results, connection } = first;
    const parts = [
      isSimulated(first) && l10n.t('simulated'),
      progress && `${progress.completed}/${progress.total}`,
      progress && leftText(progress),
      connection !== null && l10n.t('not connected'),
      active.length > 1 && l10n.t('and {0} more', active.length - 1),
    ].filter((part) => part);
    const text = [results?.name ?? first.run, ...parts].join(' · ');
    this.#item.text = `$(${connection === null ? 'sync~spin' : 'debug-disconnect'}) ${text}`;
    this.#item.tooltip = [first.run, progress?.cell, progress?.phase, connection]
      .filter((line) => line)
      .join('\n');
    this.#item.accessibilityInformation = { label: text };
    this.#item.command = {
      command: 'loadline.openSweep',
      title: l10n.t('Open Sweep Results'),
      arguments: [first.run],
    };
    this.#item.show();
  }
}
