import {
  EventEmitter,
  l10n,
  ThemeColor,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  TreeItemCollapsibleState,
} from 'vscode';
import type { CellResult, CellState } from '../../core/sweep/run.ts';
import { DisposableStore } from '../disposable.ts';
import type { RunManager } from '../runs/runManager.ts';
import { isSimulated, outcomeOf, type RunOutcome, type RunView } from '../runs/runView.ts';
import { durationText, figureText } from '../words.ts';

export type RunNode =
  | { readonly kind: 'run'; readonly run: string }
  | { readonly kind: 'cell'; readonly run: string; readonly cell: string };

/** *Runs*: every run of the workspace's folders, the newest first, with its cells. */
export class RunsTree extends DisposableStore implements TreeDataProvider<RunNode> {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #runs: RunManager;

  constructor(runs: RunManager) {
    super();
    this.#runs = runs;
    this.register(runs.onDidChange(() => this.#changed.fire()));
  }

  getChildren(node?: RunNode): RunNode[] {
    if (node === undefined) return this.#runs.views().map(({ run }) => ({ kind: 'run', run }));
    if (node.kind === 'cell') return [];
    const { run } = node;
    return (this.#runs.view(run)?.results?.cells ?? []).map(({ cell }) => ({ kind: 'cell', run, cell }));
  }

  getTreeItem(node: RunNode): TreeItem {
    const view = this.#runs.view(node.run);
    if (!view) return new TreeItem(node.run);
    if (node.kind === 'run') return runItem(view);
    const cell = view.results?.cells.find((other) => other.cell === node.cell);
    return cell ? cellItem(view, cell) : new TreeItem(node.cell);
  }
}

function runItem(view: RunView): TreeItem {
  const { run, results, progress, connection } = view;
  const outcome = outcomeOf(view);
  const name = results?.name ?? run;
  const item = new TreeItem(
    isSimulated(view) ? l10n.t('{0} (simulated)', name) : name,
    outcome === 'running' ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed,
  );
  item.id = run;
  item.contextValue = `run.${outcome}`;
  item.iconPath = runIcon(outcome);
  item.description = [
    outcomeWord(outcome),
    progress && outcome === 'running' && `${progress.completed}/${progress.total}`,
    progress?.remainingSeconds != null && l10n.t('{0} left', durationText(progress.remainingSeconds)),
    connection !== null && l10n.t('not connected'),
  ]
    .filter((part) => part)
    .join(' · ');
  item.tooltip = [run, view.host, results?.answer, connection].filter((line) => line).join('\n');
  item.accessibilityInformation = { label: `${item.label}, ${item.description}` };
  item.command = { command: 'loadline.openSweep', title: l10n.t('Open Sweep Results'), arguments: [run] };
  return item;
}

function outcomeWord(outcome: RunOutcome): string {
  return {
    running: l10n.t('running'),
    completed: l10n.t('completed'),
    cancelled: l10n.t('cancelled'),
    failed: l10n.t('failed'),
    interrupted: l10n.t('interrupted'),
  }[outcome];
}

function runIcon(outcome: RunOutcome): ThemeIcon {
  return {
    running: new ThemeIcon('sync~spin'),
    completed: new ThemeIcon('pass', new ThemeColor('testing.iconPassed')),
    cancelled: new ThemeIcon('circle-slash'),
    failed: new ThemeIcon('error', new ThemeColor('testing.iconFailed')),
    interrupted: new ThemeIcon('debug-pause', new ThemeColor('list.warningForeground')),
  }[outcome];
}

function cellItem(view: RunView, cell: CellResult): TreeItem {
  // Why it failed stands in the label: nobody should have to open anything to learn it.
  const label =
    cell.state === 'failed' && cell.failure ? `${cell.label}: ${cell.failure.message}` : cell.label;
  const item = new TreeItem(label);
  item.id = `${view.run}/${cell.cell}`;
  item.iconPath = cellIcon(cell.state);
  item.description = describeCell(view, cell);
  item.tooltip = [label, item.description, latencyLine(cell), ...(cell.failure?.logExcerpt ?? [])]
    .filter((line) => line)
    .join('\n');
  item.accessibilityInformation = { label: [label, item.description].filter((part) => part).join(', ') };
  item.command = {
    command: 'loadline.openSweep',
    title: l10n.t('Open Sweep Results'),
    arguments: [view.run],
  };
  return item;
}

function describeCell(view: RunView, { state, label, trials }: CellResult): string {
  switch (state) {
    case 'waiting':
      return l10n.t('waiting');
    case 'skipped':
      return l10n.t('skipped: predicted not to fit');
    case 'failed':
      return l10n.t('failed');
    case 'running':
      return view.progress?.cell === label ? (view.progress.phase ?? l10n.t('running')) : l10n.t('running');
    case 'done': {
      const [first] = trials;
      const throughput = first?.systemTokensPerSecond ?? null;
      if (throughput === null) return isSimulated(view) ? l10n.t('simulated') : '';
      return isSimulated(view)
        ? l10n.t('{0} tok/s (simulated)', figureText(throughput))
        : l10n.t('{0} tok/s', figureText(throughput));
    }
  }
}

/** Not known is left out: too few requests certify no p95. */
function latencyLine({ trials }: CellResult): string {
  const [first] = trials;
  const figures = [
    ['TTFT p95', first?.ttftMs.p95],
    ['TPOT p95', first?.tpotMs.p95],
  ] as const;
  return figures.flatMap(([name, ms]) => (ms == null ? [] : [`${name} ${figureText(ms)} ms`])).join(' · ');
}

function cellIcon(state: CellState): ThemeIcon {
  return {
    waiting: new ThemeIcon('circle-large-outline'),
    running: new ThemeIcon('sync~spin'),
    done: new ThemeIcon('pass', new ThemeColor('testing.iconPassed')),
    failed: new ThemeIcon('error', new ThemeColor('testing.iconFailed')),
    skipped: new ThemeIcon('circle-slash'),
  }[state];
}
