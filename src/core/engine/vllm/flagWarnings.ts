import type { EstimateRequest } from '../../estimate/types.ts';
import { genericWarning } from '../../model/genericWarning.ts';
import type { Problem } from '../../result.ts';
import { wholeNumber } from '../flagValues.ts';
import { overridesMissing } from './contextLimit.ts';
import { contradictions } from './contradictions.ts';
import { checkFlag } from './flags/check.ts';
import type { QuantizedWeights } from './quantization.ts';
import { readSpeculation } from './speculation.ts';
import type { VllmProfile } from './versions/profile.ts';
import { RELEASES, type ReleaseMatch, releaseName } from './versions/releases.ts';

export function deploymentWarnings(
  request: EstimateRequest,
  profile: VllmProfile,
  match: ReleaseMatch,
  quantization: QuantizedWeights | undefined,
): readonly Problem[] {
  const { deployment, model } = request;
  const warnings: Problem[] = [];
  const version = versionWarning(deployment.engineVersion ?? '', match);
  if (version !== undefined) warnings.push(version);
  if (model.generic) warnings.push(genericWarning(model.modelType));
  for (const name in deployment.flags) {
    const problem = checkFlag(name, profile.release);
    if (problem !== undefined) warnings.push(problem);
  }
  warnings.push(...contradictions(request));
  if (overridesMissing(model, deployment.flags)) {
    warnings.push(notEstimatedProblem('hf-overrides', 'values that replace those of config.json'));
  }
  const speculative = deployment.flags['speculative-config'];
  if (speculative !== undefined && readSpeculation(speculative, model, request.draft)?.known !== true) {
    warnings.push(notEstimatedProblem('speculative-config', "the draft model's memory"));
  }
  const copies = wholeNumber(deployment.flags['data-parallel-size'] ?? 1) ?? 1;
  if (copies > 1) {
    warnings.push({
      code: 'flag.per-copy',
      message: `data-parallel-size ${copies}: memory and KV cache are those of one of the ${copies} copies.`,
      path: ['flags', 'data-parallel-size'],
    });
  }
  if (quantization?.known === false) {
    warnings.push({
      code: 'quantization.not-covered',
      message: `The layout of ${quantization.method} weights is not covered; 16-bit weights are assumed, which is the upper end.`,
      ...(deployment.flags['quantization'] === undefined ? {} : { path: ['flags', 'quantization'] }),
    });
  }
  return warnings;
}

function notEstimatedProblem(flag: string, what: string): Problem {
  return {
    code: 'flag.not-estimated',
    message: `${flag}: ${what} is not estimated yet.`,
    path: ['flags', flag],
  };
}

/** Says which release stands in for a version that was not read. */
function versionWarning(version: string, { release, relation }: ReleaseMatch): Problem | undefined {
  if (relation === 'exact') return undefined;
  const name = releaseName(release);
  const message = {
    between: `vLLM ${version} lies between releases that were read, ${name} and ${RELEASES[release + 1] ?? ''}; estimated as the older, ${name}.`,
    newer: `vLLM ${version} is newer than any release that was read; estimated as ${name}, whose accounting may differ.`,
    older: `vLLM ${version} is older than any release that was read; estimated as ${name}, whose accounting may differ.`,
    moving: `"${version}" is no fixed release of vLLM; estimated as ${name}, the newest that was read.`,
    unreadable: `"${version}" is no version of vLLM; estimated as ${name}.`,
  }[relation];
  return { code: 'engine.version-not-covered', message };
}
