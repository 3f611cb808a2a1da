/** Items of the view of runs: a run, a search of its plan, a cell. */
import { l10n, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import type { SearchResult } from '../../core/sweep/cellResult.ts';
import { jobTroubles, jobWords } from '../../core/sweep/jobs.ts';
import type { CellResult, CellState } from '../../core/sweep/run.ts';
import { isSimulated, outcomeOf, type RunOutcome, type RunView } from '../runs/runView.ts';
import { durationText, figureText, leftText } from '../words.ts';
import { cellLabel } from './runNodes.ts';

export function runItem(view: RunView): TreeItem {
  const { run, results, progress, connection } = view;
  const outcome = outcomeOf(view);
  const name = results?.name ?? run;
  const item = new TreeItem(
    isSimulated(view) ? l10n.t('{0} (simulated)', name) : name,
    outcome === 'running' ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed,
  );
  const origin = results?.origin;
  item.id = run;
  item.contextValue = `run.${outcome}`;
  item.iconPath =
    origin === undefined ? runIcon(outcome, isQueued(view)) : new ThemeIcon('file-symlink-file');
  item.description = [
    origin === undefined ? outcomeWord(outcome, isQueued(view)) : l10n.t('measured by {0}', origin.tool),
    progress && outcome === 'running' && `${progress.completed}/${progress.total}`,
    progress?.jobs && jobWords(progress.jobs),
    progress && leftText(progress),
    isUnverified(view) && l10n.t('{0} unverified', results?.engine.name ?? ''),
    connection !== null && l10n.t('not connected'),
  ]
    .filter((part) => part)
    .join(' · ');
  item.tooltip = [
    run,
    view.host,
    results?.answer,
    ...(progress?.jobs === undefined ? [] : [jobWords(progress.jobs), ...jobTroubles(progress.jobs)]),
    isUnverified(view) && l10n.t('Never run here: follows {0}', results?.engine.support?.documentation ?? ''),
    connection,
  ]
    .filter((line) => line)
    .join('\n');
  item.accessibilityInformation = { label: `${item.label}, ${item.description}` };
  item.command = { command: 'loadline.openSweep', title: l10n.t('Open Sweep Results'), arguments: [run] };
  return item;
}

export function searchItem({ run }: RunView, search: SearchResult): TreeItem {
  const item = new TreeItem(search.label, TreeItemCollapsibleState.Expanded);
  item.id = `${run}/search/${search.id}`;
  item.contextValue = 'search';
  item.iconPath = new ThemeIcon('search');
  item.description = [
    search.goal.replaceAll('-', ' '),
    search.state === 'running'
      ? l10n.t('searching')
      : search.state === 'stopped'
        ? l10n.t('not finished')
        : search.found === null
          ? l10n.t('nothing found')
          : search.why,
    l10n.t('{0}/{1} starts', search.startsUsed, search.startsOfGrid),
  ].join(' · ');
  item.tooltip = search.why;
  item.accessibilityInformation = { label: `${search.label}, ${item.description}` };
  return item;
}

export function cellItem(view: RunView, cell: CellResult): TreeItem {
  const label = cellLabel(cell);
  const item = new TreeItem(label);
  item.id = `${view.run}/${cell.cell}`;
  item.iconPath = cell.passedOver === undefined ? cellIcon(cell.state) : new ThemeIcon('debug-step-over');
  item.description = describeCell(view, cell);
  item.tooltip = [
    label,
    item.description,
    cell.passedOver?.why,
    latencyLine(cell),
    cell.failure?.message,
    ...(cell.failure?.remedies ?? []).map(({ flag, change, to, why }) =>
      [change, flag, to === undefined ? '' : `→ ${String(to)}`, `(${why})`]
        .filter((part) => part !== '')
        .join(' '),
    ),
    ...(cell.failure?.logExcerpt ?? []),
  ]
    .filter((line) => line)
    .join('\n');
  item.accessibilityInformation = { label: [label, item.description].filter((part) => part).join(', ') };
  item.command = {
    command: 'loadline.openSweep',
    title: l10n.t('Open Sweep Results'),
    arguments: [view.run, cell.cell],
  };
  return item;
}

function isUnverified({ results }: RunView): boolean {
  return results?.engine.support?.verified === null;
}

/** All that is left of it waits for the cluster. */
function isQueued({ progress }: RunView): boolean {
  const jobs = progress?.jobs;
  return jobs !== undefined && jobs.running === 0 && jobs.waiting > 0;
}

function outcomeWord(outcome: RunOutcome, queued: boolean): string {
  return {
    running: queued ? l10n.t('waiting in the queue') : l10n.t('running'),
    completed: l10n.t('completed'),
    cancelled: l10n.t('cancelled'),
    failed: l10n.t('failed'),
    interrupted: l10n.t('interrupted'),
  }[outcome];
}

function runIcon(outcome: RunOutcome, queued: boolean): ThemeIcon {
  return {
    running: new ThemeIcon(queued ? 'clock' : 'sync~spin'),
    completed: new ThemeIcon('pass', new ThemeColor('testing.iconPassed')),
    cancelled: new ThemeIcon('circle-slash'),
    failed: new ThemeIcon('error', new ThemeColor('testing.iconFailed')),
    interrupted: new ThemeIcon('debug-pause', new ThemeColor('list.warningForeground')),
  }[outcome];
}

function describeCell(view: RunView, cell: CellResult): string {
  if (cell.passedOver !== undefined && cell.state === 'waiting') return l10n.t('passed over');
  switch (cell.state) {
    case 'waiting':
      return l10n.t('waiting');
    case 'skipped':
      return l10n.t('skipped: predicted not to fit');
    case 'failed':
      return l10n.t('failed');
    case 'running':
      return runningWords(view, cell);
    case 'done': {
      const [first] = cell.trials;
      const throughput = first?.systemTokensPerSecond ?? null;
      if (throughput === null) return isSimulated(view) ? l10n.t('simulated') : '';
      return isSimulated(view)
        ? l10n.t('{0} tok/s (simulated)', figureText(throughput))
        : l10n.t('{0} tok/s', figureText(throughput));
    }
  }
}

/** `warm-up · 12 s of ≈ 60 s`. */
function runningWords({ progress }: RunView, { cell }: CellResult): string {
  const under = progress?.underWay.find(({ id }) => id === cell);
  if (under === undefined) return l10n.t('running');
  return [
    progress?.phase ?? l10n.t('running'),
    l10n.t('{0} of ≈ {1}', durationText(under.elapsedSeconds), durationText(under.expectedSeconds)),
  ].join(' · ');
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
