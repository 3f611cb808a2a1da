/** Quick fixes of a verdict: edits that core verified, one or several flags at once. */
import type { CodeAction, Diagnostic, TextEdit } from 'vscode-languageserver';
import type { Target } from '../../core/engine/deployment.ts';
import { estimate } from '../../core/estimate/estimate.ts';
import { gpusNeeded } from '../../core/estimate/gpusNeeded.ts';
import type { EstimateRequest, Fix, FlagEdit } from '../../core/estimate/types.ts';
import type { FlagChange } from '../../text/edits.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../documentAnalysis.ts';
import { messages } from '../messages.ts';
import { rangeIn, rangesTouch } from '../places.ts';
import { gpuShares } from '../sharedGpus.ts';
import { doesNotFitCode, sharedGpuCode, tightCode } from './diagnosticCodes.ts';
import { gpuCountTextEdits, quickFix, textEdits } from './quickFix.ts';

export function verdictFixes(
  analysis: DocumentAnalysis,
  deployment: AnalysedDeployment,
  marked: readonly Diagnostic[],
): CodeAction[] {
  const { estimate: now, located } = deployment;
  const whole = rangeIn(analysis.snapshot, located.range);
  const diagnostic = marked.find(
    ({ code, range }) => (code === doesNotFitCode || code === tightCode) && rangesTouch(range, whole),
  );
  if (!diagnostic || !isKnown(now)) return [];
  const possible = now.verdict.fixes.flatMap((fix) => {
    const edits = editsOf(analysis, deployment, fix);
    return edits ? [{ fix, edits }] : [];
  });
  return [
    ...possible.map(({ fix, edits }, index) =>
      quickFix(analysis, messages.setFlag(fix), diagnostic, edits, index === 0),
    ),
    ...moreGpus(analysis, deployment, diagnostic),
  ];
}

/** As many GPUs as its flags ask for, where with them it fits. */
function moreGpus(
  analysis: DocumentAnalysis,
  deployment: AnalysedDeployment,
  diagnostic: Diagnostic,
): CodeAction[] {
  const { request, estimate: now } = deployment;
  if (!request || !isKnown(now)) return [];
  const gpuCount = gpusNeeded(now.resolved);
  if (gpuCount <= request.gpuCount) return [];
  const then = estimate({ ...request, gpuCount }, { fixes: false });
  if (then.verdict.outcome !== 'fits' && then.verdict.outcome !== 'tight') return [];
  const edits = gpuCountTextEdits(analysis, deployment, targetOf(deployment, request, gpuCount));
  return edits.length > 0 ? [quickFix(analysis, messages.giveGpus(then), diagnostic, edits)] : [];
}

function targetOf({ located }: AnalysedDeployment, request: EstimateRequest, gpuCount: number): Target {
  return { gpu: located.target?.gpu ?? request.device.id, gpuCount };
}

/** A fix that takes more GPUs than the deployment is given also writes their number. */
function editsOf(
  analysis: DocumentAnalysis,
  deployment: AnalysedDeployment,
  fix: Fix,
): TextEdit[] | undefined {
  const { request, estimate: now } = deployment;
  const wanted = [fix, ...(fix.also ?? [])];
  const changes = wanted.flatMap((edit) => changeOf(edit) ?? []);
  if (changes.length < wanted.length || !request || !isKnown(now)) return undefined;
  const edits = textEdits(analysis, deployment, changes);
  if (edits.length === 0) return undefined;
  const after = Object.fromEntries(wanted.map(({ flag, to }) => [flag, to]));
  const needed = gpusNeeded({ ...now.resolved, ...after });
  if (needed <= request.gpuCount) return edits;
  const named = gpuCountTextEdits(analysis, deployment, targetOf(deployment, request, needed));
  return named.length > 0 ? [...edits, ...named] : undefined;
}

/** Lists are not written by a quick fix. */
function changeOf({ flag, to }: FlagEdit): FlagChange | undefined {
  return typeof to === 'object' ? undefined : { flag, to };
}

/** What is left of a GPU for the last deployment on it, as its share. */
export function sharedGpuFixes(analysis: DocumentAnalysis, marked: readonly Diagnostic[]): CodeAction[] {
  const diagnostic = marked.find(({ code }) => code === sharedGpuCode);
  if (!diagnostic) return [];
  return gpuShares(analysis).flatMap(({ gpu, deployments, requestedBytes, totalBytes }) => {
    const last = deployments.at(-1);
    const at = last?.located.hint?.gpuIds?.indexOf(gpu) ?? -1;
    if (!last || !isKnown(last.estimate) || 'kv-cache-memory-bytes' in last.located.flags) return [];
    const own = last.estimate.perRank[at]?.requestedBytes ?? 0;
    const share = Math.floor((100 * (totalBytes - (requestedBytes - own))) / totalBytes) / 100;
    if (requestedBytes <= totalBytes || share <= 0) return [];
    const flag = 'gpu-memory-utilization';
    const edits = textEdits(analysis, last, [{ flag, to: share }]);
    const title = messages.share(flag, share, requestedBytes - own + share * totalBytes, totalBytes);
    return edits.length > 0 ? [quickFix(analysis, title, diagnostic, edits)] : [];
  });
}
