import { type Diagnostic, DiagnosticSeverity, DiagnosticTag } from 'vscode-languageserver';
import { findEngine } from '../../core/engine/engines.ts';
import type { Problem } from '../../core/result.ts';
import type { LocatedProblem, OffsetRange } from '../../text/located.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../documentAnalysis.ts';
import { messages } from '../messages.ts';
import { firstLine, flagPlace, rangeIn } from '../places.ts';
import { gpuShares } from '../sharedGpus.ts';
import {
  defaultChangedCode,
  diagnosticCodes,
  docsOf,
  doesNotFitCode,
  sharedGpuCode,
  tightCode,
} from './diagnosticCodes.ts';

export const diagnosticSource = 'Loadline';

const askedInVain = new Set([
  'hub.not-found',
  'hub.no-revision',
  'hub.gated',
  'hub.token-refused',
  'hub.no-config',
]);

/** Limits of the estimate itself: for the hover. */
const limits = new Set(['flag.not-estimated', 'flag.per-copy']);

/** What takes the option away would be gone with it. */
const faded = new Set(['flag.duplicate', 'flag.no-effect']);

interface MarkedProblem extends LocatedProblem {
  /** Where it is another than its code's. */
  readonly severity?: DiagnosticSeverity;
}

/** One diagnostic for one cause, on what the user would change. Silence where all is well or nothing is known. */
export function diagnosticsOf(analysis: DocumentAnalysis): Diagnostic[] {
  const found = [
    ...analysis.problems,
    ...analysis.deployments.flatMap((deployment) => [
      ...deployment.located.problems,
      ...problemsOf(analysis, deployment),
      ...verdictOf(analysis, deployment),
      ...changedDefaults(analysis, deployment),
    ]),
    ...sharedTooFar(analysis),
  ];
  return found.map((problem) => diagnosticOf(analysis, problem));
}

function diagnosticOf({ snapshot }: DocumentAnalysis, problem: MarkedProblem): Diagnostic {
  const { message, code, range, severity } = problem;
  const href = docsOf(code);
  return {
    range: rangeIn(snapshot, range),
    message: messages.problem(message),
    code,
    ...(href === undefined ? {} : { codeDescription: { href } }),
    source: diagnosticSource,
    severity: severity ?? diagnosticCodes[code] ?? DiagnosticSeverity.Warning,
    ...(faded.has(code) ? { tags: [DiagnosticTag.Unnecessary] } : {}),
  };
}

/** What core says of single flags. */
function problemsOf(
  analysis: DocumentAnalysis,
  { located, request, estimate }: AnalysedDeployment,
): MarkedProblem[] {
  const { outcome, causeFlag } = estimate.verdict;
  return estimate.warnings.flatMap((problem) => {
    if (problem.code === 'gpu.unknown' && located.target) {
      return [{ ...problem, range: located.target.range }];
    }
    // Files of the model that cannot be used, and what a hub refuses: the user can do something about both.
    if (located.model && ofModel(problem)) return [{ ...problem, range: located.model }];
    const flag = flagOf(problem);
    if (flag === undefined || limits.has(problem.code)) return [];
    // The verdict already marks this flag with an error.
    if (isKnown(estimate) && outcome === 'does-not-fit' && flag === causeFlag) return [];
    const place = nameProblems.has(problem.code) ? located.flags[flag]?.key : undefined;
    const range = place ?? flagPlace(analysis.snapshot, located, flag);
    if (!range) return [];
    const assumed = ofRelease.has(problem.code) && request?.deployment.engineVersion === undefined;
    return [{ ...problem, range, ...(assumed ? { severity: DiagnosticSeverity.Warning } : {}) }];
  });
}

/** Of one release and not of others: no error where the release is assumed. */
const ofRelease = new Set(['flag.removed', 'flag.renamed', 'flag.later']);

/** Of the option's name, whatever its value. */
const nameProblems = new Set(['flag.unknown', 'flag.renamed']);

function ofModel({ code }: Problem): boolean {
  return code.startsWith('checkpoint.') || askedInVain.has(code);
}

/** The flag that a problem's path names: `['flags', name]`. */
function flagOf({ code, path }: Problem): string | undefined {
  const [root, flag] = path ?? [];
  return code.startsWith('flag.') && root === 'flags' && typeof flag === 'string' ? flag : undefined;
}

function verdictOf(analysis: DocumentAnalysis, deployment: AnalysedDeployment): LocatedProblem[] {
  const { estimate, request } = deployment;
  if (!isKnown(estimate) || !request) return [];
  const { outcome, causeFlag } = estimate.verdict;
  if (outcome !== 'tight' && outcome !== 'does-not-fit') return [];
  const range = causePlace(analysis, deployment, causeFlag);
  const { label } = request.device;
  return outcome === 'tight'
    ? [{ range, code: tightCode, message: messages.tight(estimate, label) }]
    : [{ range, code: doesNotFitCode, message: messages.doesNotFit(estimate, label) }];
}

/** The flag where it is written, else the model, else the first line. */
function causePlace(
  { snapshot }: DocumentAnalysis,
  { located }: AnalysedDeployment,
  flag: string | undefined,
): OffsetRange {
  const onFlag = flag === undefined ? undefined : flagPlace(snapshot, located, flag);
  return onFlag ?? located.model ?? firstLine(snapshot, located);
}

/** Defaults that this deployment relies on and that are new at the version that the document names, or with the next one. */
function changedDefaults(analysis: DocumentAnalysis, deployment: AnalysedDeployment): LocatedProblem[] {
  const { engine: name, engineVersion, flags } = deployment.located.deployment;
  const engine = findEngine(name);
  if (engine === undefined || engineVersion === undefined || !isKnown(deployment.estimate)) return [];
  const notes = engine.flags.flatMap((flag) =>
    flag.effect === undefined || Object.hasOwn(flags, flag.name)
      ? []
      : (engine.defaultNote(flag.name, engineVersion) ?? []),
  );
  if (notes.length === 0) return [];
  const range = causePlace(analysis, deployment, undefined);
  return [{ range, code: defaultChangedCode, message: notes.join(' ') }];
}

/** Deployments that ask for more of one GPU than it has: the last of them would not start. */
function sharedTooFar(analysis: DocumentAnalysis): LocatedProblem[] {
  return gpuShares(analysis).flatMap((share) => {
    const last = share.deployments.at(-1);
    if (last === undefined || share.requestedBytes <= share.totalBytes) return [];
    const flag = ['kv-cache-memory-bytes', 'gpu-memory-utilization'].find(
      (name) => name in last.located.flags,
    );
    const range = causePlace(analysis, last, flag);
    return [{ range, code: sharedGpuCode, message: messages.sharedTooFar(share) }];
  });
}
