import { type Diagnostic, DiagnosticSeverity, DiagnosticTag } from 'vscode-languageserver';
import type { DeploymentEstimate } from '../../core/estimate/types.ts';
import type { Problem } from '../../core/result.ts';
import type { LocatedProblem, OffsetRange } from '../../text/located.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../analysis.ts';
import { messages } from '../messages.ts';
import { firstLine, flagPlace, rangeIn } from '../places.ts';

export const diagnosticSource = 'Loadline';
export const doesNotFitCode = 'verdict.does-not-fit';
export const tightCode = 'verdict.tight';

/** One diagnostic for one cause, on what the user would change. Silence where all is well or nothing is known. */
export function diagnosticsOf(analysis: DocumentAnalysis): Diagnostic[] {
  const { snapshot } = analysis;
  const place = ({ message, code, range }: LocatedProblem): Diagnostic => ({
    range: rangeIn(snapshot, range),
    message: messages.problem(message),
    code,
    source: diagnosticSource,
    severity: severityOf(code),
    ...(code === 'flag.duplicate' ? { tags: [DiagnosticTag.Unnecessary] } : {}),
  });
  return [
    ...analysis.problems.map(place),
    ...analysis.deployments.flatMap((deployment) => [
      ...deployment.located.problems.map(place),
      ...problemsOf(analysis, deployment).map(place),
      ...verdictOf(analysis, deployment),
    ]),
  ];
}

function severityOf(code: string): DiagnosticSeverity {
  // YAML's own tools mark the error; we only say what it means for the estimate.
  if (code === 'yaml.torn') return DiagnosticSeverity.Information;
  const warnings = ['flag.duplicate', 'flag.unknown', 'flag.later', 'flag.removed', 'gpu.unknown'];
  if (warnings.includes(code) || code.startsWith('directive.')) return DiagnosticSeverity.Warning;
  return code.startsWith('flag.max-') || code.startsWith('flag.dtype')
    ? DiagnosticSeverity.Warning
    : DiagnosticSeverity.Error;
}

/** What core says of single flags. Limits of the estimate itself (`flag.not-estimated`) are for the hover. */
function problemsOf(analysis: DocumentAnalysis, { located, estimate }: AnalysedDeployment): LocatedProblem[] {
  return estimate.warnings.flatMap((problem) => {
    if (problem.code === 'gpu.unknown' && located.target) {
      return [{ ...problem, range: located.target.range }];
    }
    const flag = flagOf(problem);
    if (flag === undefined || problem.code === 'flag.not-estimated') return [];
    const place = problem.code === 'flag.unknown' ? located.flags[flag]?.key : undefined;
    const range = place ?? flagPlace(analysis.snapshot, located, flag);
    return range ? [{ ...problem, range }] : [];
  });
}

/** The flag that a problem's path names: `['flags', name]`. */
function flagOf({ code, path }: Problem): string | undefined {
  const [root, flag] = path ?? [];
  return code.startsWith('flag.') && root === 'flags' && typeof flag === 'string' ? flag : undefined;
}

function verdictOf(analysis: DocumentAnalysis, deployment: AnalysedDeployment): Diagnostic[] {
  const { estimate, request, located } = deployment;
  if (!isKnown(estimate) || !request) return [];
  const { outcome, causeFlag } = estimate.verdict;
  if (outcome !== 'does-not-fit' && outcome !== 'tight') return [];
  const onCause = causeFlag !== undefined && flagPlace(analysis.snapshot, located, causeFlag) !== undefined;
  return [
    {
      range: rangeIn(analysis.snapshot, causePlace(analysis, deployment, estimate)),
      message:
        outcome === 'tight'
          ? messages.tight(estimate, request.device.label)
          : messages.doesNotFit(estimate, request.device.label, onCause),
      code: outcome === 'tight' ? tightCode : doesNotFitCode,
      source: diagnosticSource,
      severity: outcome === 'tight' ? DiagnosticSeverity.Warning : DiagnosticSeverity.Error,
    },
  ];
}

/** The flag that causes it, where it is written; else the model; else the first line. */
function causePlace(
  analysis: DocumentAnalysis,
  { located }: AnalysedDeployment,
  estimate: DeploymentEstimate,
): OffsetRange {
  const { causeFlag } = estimate.verdict;
  const onFlag = causeFlag === undefined ? undefined : flagPlace(analysis.snapshot, located, causeFlag);
  return onFlag ?? located.model ?? firstLine(analysis.snapshot, located);
}
