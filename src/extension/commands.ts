import { commands, Disposable, l10n, Uri, window } from 'vscode';
import type { RunMode } from '../core/sweep/run.ts';
import { isChange } from './changes.ts';
import { deploymentAt } from './deploymentAt.ts';
import type { Estimates } from './estimates.ts';
import type { HostRegistry } from './hosts/hostRegistry.ts';
import { messageOf, showError } from './log.ts';
import type { CalculatorTarget } from './panels/calculatorPanel.ts';
import { pickHost, pickPlan, pickRun } from './pick.ts';
import type { Services } from './services.ts';
import { addedHosts, writeHost } from './settings.ts';
import { requireTrust } from './trust.ts';

const anyState = ['idle', 'connecting', 'connected', 'failed'] as const;
const hostCommands = () => import('./hosts/hostCommands.ts');

type Handler = (...args: readonly unknown[]) => unknown;

/** Every command, by its id. What the manifest declares is what stands here: test/unit/manifest.test.ts. */
function commandTable(services: Services): Readonly<Record<string, Handler>> {
  const { context, log, estimates, hosts, runs } = services;
  return {
    'loadline.openCalculator': async (uri, index) =>
      services.calculator.open(await calculatorTarget(estimates, uri, index)),
    'loadline.chooseGpu': async (uri, index) => {
      const { chooseGpu } = await import('./chooseGpu.ts');
      await chooseGpu(
        services,
        typeof uri === 'string' ? uri : undefined,
        typeof index === 'number' ? index : undefined,
      );
    },
    'loadline.readLog': trusted(async (argument) => {
      const { readStartLog } = await import('./calibration.ts');
      await readStartLog(services, argument instanceof Uri ? argument : undefined);
    }),
    'loadline.undoCalibration': trusted(async () => {
      const { undoCalibration } = await import('./calibration.ts');
      await undoCalibration(services);
    }),
    'loadline.applyFix': async (uri, index, changes) => {
      if (typeof uri !== 'string' || typeof index !== 'number' || !Array.isArray(changes)) return false;
      return estimates.applyFlags({ uri, index, changes: changes.filter(isChange) });
    },
    'loadline.connectHost': trusted(async (argument) => {
      const host = await pickHost(argument, hosts, ['idle', 'failed']);
      if (host !== undefined) await hosts.connectWithProgress(host);
    }),
    'loadline.disconnectHost': async (argument) => {
      const host = await pickHost(argument, hosts, ['connected', 'connecting', 'failed']);
      if (host !== undefined) await hosts.disconnect(host);
    },
    'loadline.addHost': () => addHost(),
    'loadline.removeHost': async (argument) => {
      const host = await pickHost(argument, hosts, anyState, ['added']);
      if (host !== undefined) await (await hostCommands()).removeAddedHost(hosts, host);
    },
    'loadline.forgetHostKey': trusted(async (argument) => {
      const host = await pickHost(argument, hosts, anyState, ['ssh-config', 'added']);
      if (host !== undefined) await (await hostCommands()).forgetHostKey(host);
    }),
    'loadline.openHostTerminal': trusted(async (argument) => {
      const host = await pickHost(argument, hosts, anyState);
      if (host !== undefined) await (await hostCommands()).openHostTerminal(host);
    }),
    'loadline.uninstallAgent': trusted(async (argument) => {
      const host = await pickHost(argument, hosts, anyState);
      if (host !== undefined) await (await hostCommands()).uninstallAgent(hosts, host);
    }),
    'loadline.refreshHosts': async () => {
      await Promise.all([hosts.refresh(), hosts.probeAgain()]);
    },
    'loadline.forgetSecrets': () => forgetSecrets(hosts),
    'loadline.signInToHub': trusted(async () => {
      if (await estimates.hub.signIn()) await estimates.hubChanged();
    }),
    'loadline.openTelemetry': trusted(async (argument) => {
      const host = await pickHost(argument, hosts, anyState);
      if (host !== undefined) services.telemetry.open([host]);
    }),
    'loadline.estimateForHostGpu': trusted(async (argument) =>
      (await hostCommands()).estimateForHostGpu(services.liveTarget, argument),
    ),
    'loadline.recordTelemetry': trusted(async (argument) => {
      const host = await pickHost(argument, hosts, anyState);
      if (host !== undefined) await services.recorder.toggle(host);
    }),
    'loadline.exportTelemetry': async (argument) => {
      const { activeRecording, exportRecording } = await import('./telemetry/exportCsv.ts');
      const recording = argument instanceof Uri ? argument : activeRecording();
      if (recording === undefined)
        throw new Error(l10n.t('Open a recording of telemetry (.loadline/telemetry) first.'));
      await exportRecording(recording);
    },
    'loadline.rehearseSweep': trusted((argument) => startRun(services, argument, 'rehearsal')),
    'loadline.runSweep': trusted((argument) => startRun(services, argument, 'measured')),
    'loadline.previewSweep': async (argument) => {
      const plan = await pickPlan(argument);
      if (plan) await (await import('./sweep/planPreviews.ts')).openPreview(plan);
    },
    'loadline.newSweep': async () => (await import('./sweep/newSweep.ts')).newSweep(estimates, hosts),
    'loadline.openSweep': async (argument, cell) => {
      const run = await pickRun(argument, runs);
      if (run !== undefined) services.sweep.open(typeof cell === 'string' ? { run, cell } : { run });
    },
    'loadline.revealRun': async (argument) => {
      const run = await pickRun(argument, runs);
      const view = run === undefined ? undefined : runs.view(run);
      if (view) await commands.executeCommand('revealFileInOS', Uri.file(view.directory));
    },
    'loadline.deleteRun': async (argument) => {
      const run = await pickRun(argument, runs, ['completed', 'cancelled', 'failed', 'interrupted']);
      if (run !== undefined) await runs.remove(run);
    },
    'loadline.cancelRun': trusted(async (argument) => {
      const run = await pickRun(argument, runs, ['running']);
      if (run !== undefined) await runs.cancel(run);
    }),
    'loadline.resumeRun': trusted(async (argument) => {
      const run = await pickRun(argument, runs, ['interrupted']);
      if (run !== undefined) await runs.resume(run);
    }),
    'loadline.openReport': async (argument) => {
      const run = await pickRun(argument, runs);
      const view = run === undefined ? undefined : runs.view(run);
      if (view) await (await import('./runs/report.ts')).openReport(view);
    },
    'loadline.calibrateByRun': trusted(async (argument) => {
      const run = await pickRun(argument, runs, ['completed', 'cancelled', 'failed', 'interrupted']);
      const view = run === undefined ? undefined : runs.view(run);
      return view !== undefined && (await import('./runs/calibrateByRun.ts')).calibrateFrom(services, view);
    }),
    'loadline.importResults': async (clicked, selected) => {
      const { importResults } = await import('./runs/importResults.ts');
      const run = await importResults(runs, clicked, selected);
      if (run !== undefined) services.sweep.open({ run });
    },
    'loadline.showLog': () => log.show(),
    'loadline.installCli': trusted(async () => (await import('./cliOnPath.ts')).installCli(context)),
  };
}

/** Registers the table. An error of a command is said once, with a way to the log. */
export function registerCommands(services: Services): Disposable {
  const registered = Object.entries(commandTable(services)).map(([id, handler]) =>
    commands.registerCommand(id, async (...args: unknown[]) => {
      try {
        return await handler(...args);
      } catch (error) {
        void showError(services.log, messageOf(error), error);
        return undefined;
      }
    }),
  );
  return Disposable.from(...registered);
}

/** Asks for trust before anything that connects or executes. */
function trusted(handler: Handler): Handler {
  return async (...args) => ((await requireTrust()) ? handler(...args) : undefined);
}

/** The deployment of a lens; else the one around the cursor; else none, and the calculator stands alone. */
async function calculatorTarget(
  estimates: Estimates,
  uri: unknown,
  index: unknown,
): Promise<CalculatorTarget> {
  if (typeof uri === 'string' && typeof index === 'number') return { uri, index };
  const editor = window.activeTextEditor;
  if (!editor) return null;
  const active = editor.document.uri.toString();
  const deployments = await estimates.of(active);
  const deployment = deploymentAt(deployments, editor.selection.active.line) ?? deployments[0];
  return deployment ? { uri: active, index: deployment.index } : null;
}

async function startRun({ runs, sweep }: Services, argument: unknown, mode: RunMode): Promise<void> {
  const plan = await pickPlan(argument);
  const run = plan && (await runs.start(plan, mode));
  if (run !== undefined) sweep.open({ run });
}

async function addHost(): Promise<void> {
  const name = await window.showInputBox({
    title: l10n.t('Add GPU Host'),
    prompt: l10n.t('An alias of your SSH configuration, a host name, or user@host:port'),
    validateInput: async (value) => {
      if (value.trim() === '') return null;
      const { parseDestination } = await import('../remote/destination.ts');
      try {
        parseDestination(value.trim());
        return null;
      } catch (error) {
        return messageOf(error);
      }
    },
  });
  const host = name?.trim() ?? '';
  if (host === '' || addedHosts().includes(host)) return;
  await writeHost(host);
}

async function forgetSecrets({ secrets }: HostRegistry): Promise<void> {
  const names = secrets.remembered();
  if (names.length === 0) {
    void window.showInformationMessage(l10n.t('No password or passphrase is remembered.'));
    return;
  }
  const chosen = await window.showQuickPick([...names], {
    title: l10n.t('Forget Remembered Passwords'),
    canPickMany: true,
  });
  for (const name of chosen ?? []) await secrets.forget(name);
}
