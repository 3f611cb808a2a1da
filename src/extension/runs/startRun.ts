/** From a plan in the editor to a run on its host. Loaded on first use: parsing, predicting and SSH hang on it. */
import { dirname } from 'node:path';
import { l10n, Range, type TextDocument, type Uri, window, workspace } from 'vscode';
import type { Result } from '../../core/result.ts';
import { expandSweep } from '../../core/sweep/cells.ts';
import type { RunContext } from '../../core/sweep/results.ts';
import type { RunMode } from '../../core/sweep/run.ts';
import type { RunRequest } from '../../protocol/agent.ts';
import { launchText } from '../../protocol/engineLaunch.ts';
import { planContext, prepareRun } from '../../protocol/runRequest.ts';
import { gitCommit } from '../../storage/gitCommit.ts';
import { resolveModel } from '../../storage/modelFolder.ts';
import { parseSweepPlan } from '../../text/sweepPlan.ts';
import type { HostRegistry } from '../hosts/hostRegistry.ts';
import { durationText } from '../words.ts';

export interface ReadyRun {
  readonly request: RunRequest;
  readonly context: RunContext;
  readonly host: string;
  /** The folder that gets `.loadline`. */
  readonly workspace: string;
}

/** undefined where the plan has a problem (said, and shown at its key), or the person said no. */
export async function readyRun(
  uri: Uri,
  mode: RunMode,
  hosts: HostRegistry,
  loadlineVersion: string,
): Promise<ReadyRun | undefined> {
  const document = await workspace.openTextDocument(uri);
  const planText = document.getText();
  const parsed = parseSweepPlan(planText);
  const plan = await usable(parsed.result, document, parsed.problems[0]?.range);
  if (!plan) return undefined;
  const [host] = plan.hosts;
  if (host === undefined) return undefined;

  const folder = dirname(uri.fsPath);
  const model = await resolveModel(plan.model, [
    folder,
    ...(workspace.workspaceFolders ?? []).map(({ uri: { fsPath } }) => fsPath),
  ]);
  const { probe } = await hosts.connectWithProgress(host);
  const context = await usable(
    planContext(plan, { mode, model: model.ok ? model.value : null, probe }),
    document,
  );
  const expanded = context && (await usable(expandSweep(plan, context), document));
  if (!context || !expanded) return undefined;
  const prepared = await usable(
    prepareRun({
      plan,
      planText,
      cells: expanded.cells,
      searches: expanded.searches,
      context,
      host,
      startedAt: new Date(),
      loadlineVersion,
      gitCommit: await gitCommit(folder),
    }),
    document,
  );
  if (!prepared || (mode === 'measured' && !(await confirmed(prepared.request, prepared.context)))) {
    return undefined;
  }
  const inFolder = workspace.getWorkspaceFolder(uri)?.uri.fsPath ?? folder;
  return { ...prepared, host, workspace: inFolder };
}

/** The one question before a run: what will be started where, word by word. */
async function confirmed(request: RunRequest, { host, cells }: RunContext): Promise<boolean> {
  const running = cells.filter(({ skipped }) => !skipped);
  const seconds = running.reduce((total, { expectedSeconds }) => total + expectedSeconds, 0);
  const commands = new Set(request.cells.flatMap(({ engine }) => launchText(engine) ?? []));
  const start = l10n.t('Run');
  const chosen = await window.showInformationMessage(
    l10n.t('Run {0} cells on {1}? About {2}.', running.length, host, durationText(seconds)),
    {
      modal: true,
      detail: l10n.t('These commands are started there, one after the other:\n{0}', [...commands].join('\n')),
    },
    start,
  );
  return chosen === start;
}

/** The value, or its first problem said and, where its place is known, shown. */
async function usable<T>(
  result: Result<T>,
  document: TextDocument,
  place?: { readonly start: number; readonly end: number },
): Promise<T | undefined> {
  if (result.ok) return result.value;
  const [problem] = result.problems;
  void window.showErrorMessage(problem?.message ?? l10n.t('The plan cannot be run.'));
  if (place) {
    const selection = new Range(document.positionAt(place.start), document.positionAt(place.end));
    await window.showTextDocument(document, { selection });
  }
  return undefined;
}
