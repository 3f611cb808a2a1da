/** What VS Code calls. Registers, and nothing else: everything heavy is loaded when it is first used. */
import { type ExtensionContext, l10n, window, workspace } from 'vscode';
import { registerCommands } from './commands.ts';
import { Estimates } from './estimates.ts';
import { HostRegistry } from './hosts/hostRegistry.ts';
import { LiveTargetChoice } from './hosts/liveTarget.ts';
import { createLog, messageOf } from './log.ts';
import { CalculatorPanel, type CalculatorTarget } from './panels/calculatorPanel.ts';
import { PanelKeeper } from './panels/panelKeeper.ts';
import { SweepPanel, type SweepTarget } from './panels/sweepPanel.ts';
import { TelemetryPanel } from './panels/telemetryPanel.ts';
import { RunManager } from './runs/runManager.ts';
import { isPlan } from './sweep/planFiles.ts';
import { recordingEditor } from './telemetry/recordingEditor.ts';
import { RecordingEditorProvider } from './telemetry/recordingPanel.ts';
import { TelemetryFeeds } from './telemetry/telemetryFeeds.ts';
import { TelemetryRecorder } from './telemetry/telemetryRecorder.ts';
import { HostsTree } from './views/hostsTree.ts';
import { RunsTree } from './views/runsTree.ts';
import { RunStatusItem } from './views/statusItem.ts';
import { TargetItem } from './views/targetItem.ts';
import { TelemetryStatusItem } from './views/telemetryStatusItem.ts';

export function activate(context: ExtensionContext): void {
  const { subscriptions } = context;
  const log = createLog();
  const estimates = new Estimates(context, log);
  const hosts = new HostRegistry(context, log);
  const liveTarget = new LiveTargetChoice(hosts, (target) => void estimates.setLiveTarget(target));
  const runs = new RunManager(context, hosts, log);
  const feeds = new TelemetryFeeds(hosts);
  const recorder = new TelemetryRecorder(feeds);
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
    (panel, shown, remember, restored) =>
      new TelemetryPanel(context, { feeds, runs }, panel, shown, remember, restored),
  );
  const sweep = new PanelKeeper<SweepTarget>(
    context,
    'sweep',
    l10n.t('Sweep'),
    { run: '' },
    (panel, target) => new SweepPanel(context, runs, panel, target),
  );
  const hostsTree = new HostsTree(hosts, feeds);
  const hostsView = window.createTreeView('loadline.hosts', { treeDataProvider: hostsTree });
  hostsTree.showIn(hostsView);
  const runsTree = new RunsTree(runs);
  subscriptions.push(
    log,
    estimates,
    hosts,
    liveTarget,
    runs,
    calculator,
    telemetry,
    recorder,
    feeds,
    sweep,
    hostsTree,
    runsTree,
    hostsView,
    window.createTreeView('loadline.runs', { treeDataProvider: runsTree }),
    new RunStatusItem(runs),
    new TargetItem(estimates),
    new TelemetryStatusItem(feeds),
    window.registerCustomEditorProvider(recordingEditor, new RecordingEditorProvider(context), {
      supportsMultipleEditorsPerDocument: true,
    }),
    registerCommands({
      context,
      log,
      estimates,
      hosts,
      liveTarget,
      runs,
      calculator,
      telemetry,
      recorder,
      sweep,
    }),
  );
  startPlanLanguage(context, runs, hosts, estimates);
  const background = async (): Promise<void> => {
    await runs.load();
    await (await import('./cliOnPath.ts')).refreshCli(context);
  };
  // Nobody waits for it, and activation is not to be counted with it.
  setImmediate(() => background().catch((error: unknown) => log.error(messageOf(error))));
}

/** Parsing plans is loaded with the first of them. */
function startPlanLanguage(
  { subscriptions }: ExtensionContext,
  runs: RunManager,
  hosts: HostRegistry,
  estimates: Estimates,
): void {
  let started = false;
  const start = async (): Promise<void> => {
    if (started) return;
    started = true;
    const [{ PlanLanguage }, { RunFindings }] = await Promise.all([
      import('./sweep/planLanguage.ts'),
      import('./sweep/runFindings.ts'),
    ]);
    subscriptions.push(
      new PlanLanguage(runs, () => hosts.entries().map(({ name }) => name)),
      new RunFindings(runs, estimates),
    );
  };
  subscriptions.push(
    workspace.onDidOpenTextDocument((document) => {
      if (isPlan(document)) void start();
    }),
  );
  if (workspace.textDocuments.some(isPlan)) setImmediate(() => void start());
}
