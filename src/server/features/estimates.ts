import { allDevices } from '../../core/device/catalogue.ts';
import { estimate } from '../../core/estimate/estimate.ts';
import type {
  DocumentEstimate,
  DocumentTarget,
  EstimatesResult,
  GpuVerdict,
  PlainRange,
  TargetsResult,
  VerdictsResult,
} from '../../protocol/lsp.ts';
import type { AnalysedDeployment, DocumentAnalysis } from '../documentAnalysis.ts';
import { rangeIn } from '../places.ts';

/** What the calculator follows: every deployment with its request, its estimate and where its flags stand. */
export function documentEstimates(analysis: DocumentAnalysis): EstimatesResult {
  const { uri, version } = analysis.snapshot;
  return {
    uri,
    version,
    deployments: analysis.deployments.map((deployment) => documentEstimate(analysis, deployment)),
  };
}

function documentEstimate({ snapshot }: DocumentAnalysis, deployment: AnalysedDeployment): DocumentEstimate {
  const { index, located, request, estimate: estimated } = deployment;
  const flagRanges: Record<string, PlainRange> = {};
  for (const [flag, { key, value }] of Object.entries(located.flags)) {
    flagRanges[flag] = rangeIn(snapshot, value ?? key);
  }
  if (located.model) flagRanges['model'] = rangeIn(snapshot, located.model);
  return {
    index,
    range: rangeIn(snapshot, located.range),
    flagRanges,
    request,
    estimate: estimated,
    target: documentTarget(deployment),
  };
}

/** The deployment on every GPU, with as many of them as it has now. */
export function gpuVerdicts({ deployments }: DocumentAnalysis, index: number): VerdictsResult {
  const onAnyGpu = deployments[index]?.onAnyGpu;
  if (!onAnyGpu) return { verdicts: [] };
  const verdicts = allDevices().map((device): GpuVerdict => {
    const { verdict, kv } = estimate({ ...onAnyGpu, device }, { fixes: false });
    const { maxConcurrency, maxModelLen } = kv;
    return { device: device.id, outcome: verdict.outcome, maxConcurrency, maxModelLen };
  });
  return { verdicts };
}

export function deploymentTargets({ snapshot, deployments }: DocumentAnalysis): TargetsResult {
  return {
    deployments: deployments.map((deployment) => ({
      index: deployment.index,
      range: rangeIn(snapshot, deployment.located.range),
      target: documentTarget(deployment),
    })),
  };
}

function documentTarget({ target, live }: AnalysedDeployment): DocumentTarget {
  const { gpu, device, gpuCount, from } = target;
  return {
    gpu: gpu ?? null,
    label: device?.label ?? null,
    gpuCount: gpuCount ?? 1,
    from,
    live: live ? { host: live.host, probedAtMs: live.probedAtMs } : null,
  };
}
