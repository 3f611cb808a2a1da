import type { CodeLens } from 'vscode-languageserver';
import { chooseGpuCommand, openCalculatorCommand } from '../../protocol/lsp.ts';
import { gpuNotChosen } from '../analysis.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../documentAnalysis.ts';
import { measuredTerms } from '../measured.ts';
import { messages } from '../messages.ts';
import { firstLine, rangeIn } from '../places.ts';
import { type GpuShare, gpuShares } from '../sharedGpus.ts';

/** One lens a deployment, on its first line: the verdict in one line; a click opens the calculator. */
export function codeLensesOf(analysis: DocumentAnalysis): CodeLens[] {
  const shares = gpuShares(analysis);
  return analysis.deployments.map((deployment) => ({
    range: rangeIn(analysis.snapshot, firstLine(analysis.snapshot, deployment.located)),
    command: {
      title: titleOf(deployment, shares),
      command: isGpuMissing(deployment) ? chooseGpuCommand : openCalculatorCommand,
      arguments: [analysis.snapshot.uri, deployment.index],
    },
  }));
}

function titleOf(deployment: AnalysedDeployment, shares: readonly GpuShare[]): string {
  const { estimate, request, located, live } = deployment;
  const { model } = located.deployment;
  if (isKnown(estimate) && request) {
    const its = shares.filter(({ deployments }) => deployments.includes(deployment));
    const isMeasured = measuredTerms(request, estimate).size > 0;
    return messages.lens(estimate, request.device.label, { shares: its, isMeasured, liveHost: live?.host });
  }
  if (isGpuMissing(deployment)) return messages.lensChooseGpu();
  // The whole reason lists every place that was looked at: that is for the hover.
  return model !== undefined && hasProblem(deployment, 'model.not-found')
    ? messages.lensModelNotFound(model)
    : messages.lensUnknown(estimate.verdict.reason);
}

function isGpuMissing(deployment: AnalysedDeployment): boolean {
  return hasProblem(deployment, gpuNotChosen);
}

function hasProblem({ estimate }: AnalysedDeployment, wanted: string): boolean {
  return estimate.warnings.some(({ code }) => code === wanted);
}
