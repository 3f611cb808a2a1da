/** What VS Code calls. Registers, and nothing else: everything heavy is loaded when it is first used. */
import { type ExtensionContext, l10n, window, workspace } from 'vscode';
import { registerCommands } from './commands.ts';
import { Estimates } from './estimates.ts';
import { HostRegistry } from './hosts/hostRegistry.ts';
import { createLog, messageOf } from './log.ts';
import { CalculatorPanel, type CalculatorTarget } from './panels/calculatorPanel.ts';
import { PanelKeeper } from './panels/panelKeeper.ts';
import { SweepPanel } from './panels/sweepPanel.ts';
import { TelemetryPanel } from './panels/telemetryPanel.ts';
import { RunManager } from './runs/runManager.ts';
import { isPlan } from './sweep/planFiles.ts';
import { HostsTree } from './views/hostsTree.ts';
import { RunsTree } from './views/runsTree.ts';
import { RunStatusItem } from './views/statusItem.ts';
import { TargetItem } from './views/targetItem.ts';

export function activate(context: ExtensionContext): void {
  const { subscriptions } = context;
  const log = createLog();
  const estimates = new Estimates(context, log);
  const hosts = new HostRegistry(context, log);
  const runs = new RunManager(context, hosts, log);
  const calculator = new PanelKeeper<CalculatorTarget>(
    context,
    'calculator',
    l10n.t('Calculator'),
    null,
    (panel, target, remember) => new CalculatorPanel(context, { estimates, runs }, panel, target, remember),
  );
  const telemetry = new PanelKeeper<readonly string[]>(
    context,
    'telemetry',
    l10n.t('GPU Telemetry'),
    [],
    (panel, shown, remember) => new TelemetryPanel(context, hosts, panel, shown, remember),
  );
  const sweep = new PanelKeeper<string>(
    context,
    'sweep',
    l10n.t('Sweep'),
    '',
    (panel, run) => new SweepPanel(context, runs, panel, run),
  );
  const hostsTree = new HostsTree(hosts);
  const runsTree = new RunsTree(runs);
  subscriptions.push(
    log,
    estimates,
    hosts,
    runs,
    calculator,
    telemetry,
    sweep,
    hostsTree,
    runsTree,
    window.createTreeView('loadline.hosts', { treeDataProvider: hostsTree }),
    window.createTreeView('loadline.runs', { treeDataProvider: runsTree }),
    new RunStatusItem(runs),
    new TargetItem(estimates),
    registerCommands({ context, log, estimates, hosts, runs, calculator, telemetry, sweep }),
  );
  startPlanLanguage(context);
  const background = async (): Promise<void> => {
    await runs.load();
    await (await import('./cliOnPath.ts')).refreshCli(context);
  };
  // Nobody waits for it, and activation is not to be counted with it.
  setImmediate(() => background().catch((error: unknown) => log.error(messageOf(error))));
}

/** Parsing plans is loaded with the first of them. */
function startPlanLanguage({ subscriptions }: ExtensionContext): void {
  let started = false;
  const start = async (): Promise<void> => {
    if (started) return;
    started = true;
    const { PlanLanguage } = await import('./sweep/planLanguage.ts');
    subscriptions.push(new PlanLanguage());
  };
  subscriptions.push(
    workspace.onDidOpenTextDocument((document) => {
      if (isPlan(document)) void start();
    }),
  );
  if (workspace.textDocuments.some(isPlan)) setImmediate(() => void start());
}
