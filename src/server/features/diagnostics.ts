import { type Diagnostic, DiagnosticSeverity, DiagnosticTag } from 'vscode-languageserver';
import type { Problem } from '../../core/result.ts';
import type { LocatedProblem } from '../../text/located.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../analysis.ts';
import { messages } from '../messages.ts';
import { firstLine, flagPlace, rangeIn } from '../places.ts';

export const diagnosticSource = 'Loadline';
export const doesNotFitCode = 'verdict.does-not-fit';
export const tightCode = 'verdict.tight';

/** Others are warnings. Errors are values that keep the engine from starting; `yaml.torn` only says what it means for the estimate: YAML's own tools mark it. */
const severities: Readonly<Record<string, DiagnosticSeverity>> = {
  'yaml.torn': DiagnosticSeverity.Information,
  'flag.not-a-number': DiagnosticSeverity.Error,
  'flag.decimal-with-binary-suffix': DiagnosticSeverity.Error,
  'flag.takes-no-value': DiagnosticSeverity.Error,
  'flag.bad-value': DiagnosticSeverity.Error,
  'flag.no-value': DiagnosticSeverity.Error,
};

const askedInVain = new Set([
  'hub.not-found',
  'hub.no-revision',
  'hub.gated',
  'hub.token-refused',
  'hub.no-config',
]);

/** One diagnostic for one cause, on what the user would change. Silence where all is well or nothing is known. */
export function diagnosticsOf(analysis: DocumentAnalysis): Diagnostic[] {
  const { snapshot } = analysis;
  const place = ({ message, code, range }: LocatedProblem): Diagnostic => ({
    range: rangeIn(snapshot, range),
    message: messages.problem(message),
    code,
    source: diagnosticSource,
    severity: severities[code] ?? DiagnosticSeverity.Warning,
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

/** What core says of single flags. Limits of the estimate itself (`flag.not-estimated`) are for the hover. */
function problemsOf(analysis: DocumentAnalysis, { located, estimate }: AnalysedDeployment): LocatedProblem[] {
  const { outcome, causeFlag } = estimate.verdict;
  return estimate.warnings.flatMap((problem) => {
    if (problem.code === 'gpu.unknown' && located.target) {
      return [{ ...problem, range: located.target.range }];
    }
    // Files of the model that cannot be used, and what a hub refuses: the user can do something about both.
    if (located.model && ofModel(problem)) return [{ ...problem, range: located.model }];
    const flag = flagOf(problem);
    if (flag === undefined || problem.code === 'flag.not-estimated') return [];
    // The verdict already marks this flag with an error.
    if (isKnown(estimate) && outcome === 'does-not-fit' && flag === causeFlag) return [];
    const place = problem.code === 'flag.unknown' ? located.flags[flag]?.key : undefined;
    const range = place ?? flagPlace(analysis.snapshot, located, flag);
    return range ? [{ ...problem, range }] : [];
  });
}

function ofModel({ code }: Problem): boolean {
  return code.startsWith('checkpoint.') || askedInVain.has(code);
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
  if (outcome !== 'tight' && outcome !== 'does-not-fit') return [];
  const onFlag = causeFlag === undefined ? undefined : flagPlace(analysis.snapshot, located, causeFlag);
  const range = rangeIn(analysis.snapshot, onFlag ?? located.model ?? firstLine(analysis.snapshot, located));
  const { label } = request.device;
  const words =
    outcome === 'tight'
      ? {
          message: messages.tight(estimate, label),
          code: tightCode,
          severity: DiagnosticSeverity.Warning,
        }
      : {
          message: messages.doesNotFit(estimate, label),
          code: doesNotFitCode,
          severity: DiagnosticSeverity.Error,
        };
  return [{ range, source: diagnosticSource, ...words }];
}
