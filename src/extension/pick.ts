import { l10n, type QuickPickItem, Uri, window } from 'vscode';
import { type HostEntry, type HostRegistry, type HostState, hostLabel } from './hosts/hostRegistry.ts';
import type { RunManager } from './runs/runManager.ts';
import { isSimulated, outcomeOf, type RunOutcome } from './runs/runView.ts';

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

/** The plan of a lens or an editor's button; from the palette, the one in the active editor. */
export function planUri(argument: unknown): Uri | undefined {
  return argument instanceof Uri ? argument : window.activeTextEditor?.document.uri;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function field(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return text((value as Readonly<Record<string, unknown>>)[name]);
}
