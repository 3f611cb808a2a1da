import { l10n, type QuickPickItem, Uri, window, workspace } from 'vscode';
import { type HostEntry, type HostRegistry, type HostState, hostLabel } from './hosts/hostRegistry.ts';
import type { RunManager } from './runs/runManager.ts';
import { isSimulated, outcomeOf, type RunOutcome } from './runs/runView.ts';
import { isPlan } from './sweep/planFiles.ts';

/** What a command is about: given by a view's item, a lens or a panel; asked for where it comes from the palette. */

export async function pickHost(
  argument: unknown,
  hosts: HostRegistry,
  states: readonly HostState[],
  origins?: readonly HostEntry['origin'][],
): Promise<string | undefined> {
  const given = field(argument, 'name') ?? field(argument, 'host') ?? text(argument);
  if (given !== undefined) return given;
  await hosts.refresh();
  const items = hosts
    .entries()
    .filter(({ state, origin }) => states.includes(state) && (origins?.includes(origin) ?? true))
    .map(({ name, message }): QuickPickItem & { readonly name: string } => ({
      name,
      label: hostLabel(name),
      ...(message === null ? {} : { description: message }),
    }));
  return (await window.showQuickPick(items, { placeHolder: l10n.t('GPU host') }))?.name;
}

export async function pickRun(
  argument: unknown,
  runs: RunManager,
  outcomes?: readonly RunOutcome[],
): Promise<string | undefined> {
  const given = field(argument, 'run') ?? text(argument);
  if (given !== undefined) return given;
  const items = runs
    .views()
    .filter((view) => outcomes === undefined || outcomes.includes(outcomeOf(view)))
    .map((view): QuickPickItem & { readonly run: string } => ({
      run: view.run,
      label: view.results?.name ?? view.run,
      description: isSimulated(view) ? l10n.t('{0} · simulated', view.run) : view.run,
    }));
  if (items.length === 1) return items[0]?.run;
  return (await window.showQuickPick(items, { placeHolder: l10n.t('Run') }))?.run;
}

const mostPlans = 500;

/** The plan of a lens or an editor's button; from the palette, the one in the active editor, else one of the workspace's. */
export async function pickPlan(argument: unknown): Promise<Uri | undefined> {
  if (argument instanceof Uri) return argument;
  const active = window.activeTextEditor?.document;
  if (active !== undefined && isPlan(active)) return active.uri;
  const plans = await workspace.findFiles(
    '**/*.sweep.{yaml,yml}',
    '**/{node_modules,.loadline}/**',
    mostPlans,
  );
  if (plans.length === 0) {
    throw new Error(l10n.t('There is no sweep plan (*.sweep.yaml) here. New Sweep writes one.'));
  }
  const items = plans
    .map((uri) => ({ label: workspace.asRelativePath(uri), uri }))
    .sort((a, b) => a.label.localeCompare(b.label));
  return (await window.showQuickPick(items, { placeHolder: l10n.t('Sweep plan') }))?.uri;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function field(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return text((value as Readonly<Record<string, unknown>>)[name]);
}
