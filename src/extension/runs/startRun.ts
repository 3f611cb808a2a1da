/** From a plan in the editor to runs on its hosts. Loaded on first use: parsing, predicting and SSH hang on it. */
import { dirname } from 'node:path';
import { l10n, Range, type TextDocument, type Uri, window, workspace } from 'vscode';
import type { Result } from '../../core/result.ts';
import { expandSweep } from '../../core/sweep/cells.ts';
import {
  addedLine,
  type PlanPreview,
  planPreview,
  scheduleLine,
  searchLines,
  startsLine,
} from '../../core/sweep/preview.ts';
import type { RunContext } from '../../core/sweep/results.ts';
import type { RunMode } from '../../core/sweep/run.ts';
import type { RunRequest } from '../../protocol/agent.ts';
import { launchText } from '../../protocol/engineLaunch.ts';
import { planContext, prepareRun } from '../../protocol/runRequest.ts';
import { gitCommit } from '../../storage/gitCommit.ts';
import { parseSweepPlan } from '../../text/sweepPlan.ts';
import type { HostRegistry } from '../hosts/hostRegistry.ts';
import { messageOf } from '../log.ts';
import { planSurroundings, workspaceOf } from '../sweep/planSurroundings.ts';
import { durationText } from '../words.ts';

export interface ReadyRun {
  readonly request: RunRequest;
  readonly context: RunContext;
  readonly host: string;
  /** The folder that gets `.loadline`. */
  readonly workspace: string;
}

/** A run for each host of the plan. None where the plan has a problem (said, and shown at its key), or the person said no. */
export async function readyRuns(
  uri: Uri,
  mode: RunMode,
  hosts: HostRegistry,
  loadlineVersion: string,
): Promise<readonly ReadyRun[]> {
  const document = await workspace.openTextDocument(uri);
  const planText = document.getText();
  const parsed = parseSweepPlan(planText);
  const plan = await usable(parsed.result, document, parsed.problems[0]?.range);
  const around = plan && (await usable(await planSurroundings(plan, uri), document));
  if (!plan || !around) return [];
  const startedAt = new Date();
  const folder = dirname(uri.fsPath);
  const commit = await gitCommit(folder);
  const ready: ReadyRun[] = [];
  const previews: PlanPreview[] = [];
  // All of them first: a plan that one of them cannot run is found before any other has begun. A host that is lost is none's loss.
  for (const host of plan.hosts) {
    const connected = await hosts.connectWithProgress(host).catch((error: unknown) => {
      if (plan.hosts.length === 1) throw error;
      void window.showErrorMessage(messageOf(error));
    });
    if (!connected) continue;
    const { probe } = connected;
    const context = await usable(planContext(plan, { ...around, mode, probe }), document);
    const expanded = context && (await usable(expandSweep(plan, context), document));
    if (!context || !expanded) return [];
    const { cells, searches } = expanded;
    const prepared = await usable(
      prepareRun({
        plan,
        planText,
        cells,
        searches,
        context,
        host,
        oneOfSeveral: plan.hosts.length > 1,
        startedAt,
        loadlineVersion,
        gitCommit: commit,
      }),
      document,
    );
    if (!prepared) return [];
    const commands = prepared.request.cells.flatMap(({ engine }) => launchText(engine) ?? []);
    const about = { mode, device: context.deviceName, hosts: plan.hosts };
    previews.push(planPreview(plan, expanded, about, commands));
    ready.push({ ...prepared, host, workspace: workspaceOf(uri) });
  }
  return mode === 'measured' && !(await confirmed(previews)) ? [] : ready;
}

/** The one question before a run: what will be started where, word by word. */
async function confirmed(previews: readonly PlanPreview[]): Promise<boolean> {
  const [preview] = previews;
  if (preview === undefined) return false;
  const { hosts, schedule } = preview;
  const start = l10n.t('Run');
  const commands = new Set(previews.flatMap((one) => one.commands));
  const chosen = await window.showInformationMessage(
    l10n.t(
      'Run {0} cells on {1}? About {2}, {3} GPU-h.',
      schedule.cells,
      hosts.join(', '),
      durationText(schedule.seconds),
      schedule.gpuHours.toFixed(2),
    ),
    {
      modal: true,
      detail: [
        scheduleLine(preview),
        startsLine(preview),
        ...searchLines(preview),
        l10n.t('These commands are started there, one after the other:\n{0}', [...commands].join('\n')),
        addedLine(preview) ?? '',
      ].join('\n'),
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
