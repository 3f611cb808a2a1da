/** Deployments in files or options -> estimates. */

import { dirname, resolve } from 'node:path';
import type { Calibration } from '../core/calibration/calibration.ts';
import { allDevices, closestDeviceName } from '../core/device/catalogue.ts';
import type { Device } from '../core/device/device.ts';
import type { Deployment, FlagValue } from '../core/engine/deployment.ts';
import { draftOf } from '../core/engine/vllm/draftModel.ts';
import { estimate } from '../core/estimate/estimate.ts';
import type {
  DeploymentEstimate,
  EstimateLoad,
  EstimateRequest,
  UnknownEstimate,
} from '../core/estimate/types.ts';
import { unknownEstimate } from '../core/estimate/unknown.ts';
import { distinctProblems, type Problem } from '../core/result.ts';
import { type ResolveOptions, resolveModel } from '../storage/modelFolder.ts';
import { findDeployments } from '../text/deployments.ts';
import { lineColumn } from '../text/lineColumn.ts';
import type { DocumentDeployments, LocatedDeployment, LocatedProblem } from '../text/located.ts';
import { isYaml } from '../text/sources/source.ts';
import { chooseTarget } from '../text/target.ts';
import { estimateBlocker, unreadArguments } from '../text/unresolved.ts';
import { tornYaml } from '../text/yaml/pieces.ts';
import { BadInput, locatedLine, problemLine } from './badInput.ts';
import { resolveOptions, withHubHint } from './hubOption.ts';
import { readDocument } from './readDocument.ts';

/** What options say of every deployment. */
export interface FitSettings {
  /** Where a file names none. */
  readonly device: Device | undefined;
  readonly gpuCount: number | undefined;
  readonly engineVersion: string | undefined;
  /** Over what files say. */
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly load: EstimateLoad | undefined;
  readonly weightsBytes: number | undefined;
  readonly cudaTotalBytes: number | undefined;
  /** What was measured before, where it is to count. */
  readonly calibration?: Calibration;
  readonly cwd: string;
  /** There where a model hub may be asked. */
  readonly hub?: ResolveOptions['hub'];
}

export interface FitResult {
  readonly estimates: readonly (DeploymentEstimate | UnknownEstimate)[];
  /** Lines for stderr: what could not be used, each at its place. Any makes it bad input. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Problems that leave the rest of a document as it is. */
const harmless = new Set(['flag.duplicate', 'directive.unknown-word', 'triton.instances']);

/** What an estimate says of a value that no engine takes: bad input, though the verdict is only not known. */
const unusable = new Set(['flag.bad-value']);

/** Answers, not mistakes: the verdict is then not known. A file may name any model of the hub; an option must name one that is there. */
const unknownInFile = new Set(['model.not-covered', 'model.not-found']);
export const unknownInOption = new Set(['model.not-covered']);

/** What came on stdin has no name: it is read as whichever of these has a deployment in it. */
const unnamedLanguages = ['yaml', 'shellscript', 'dockerfile'] as const;

function deploymentsOf(file: string, text: string): DocumentDeployments | undefined {
  if (file !== '-') return findDeployments(text, { path: file });
  return unnamedLanguages
    .map((languageId) => findDeployments(text, { path: file, languageId }))
    .find((found) => found !== undefined && found.deployments.length > 0);
}

export async function fitFile(file: string, settings: FitSettings): Promise<FitResult> {
  const text = await readDocument(file, settings.cwd);
  const found = deploymentsOf(file, text);
  if (found === undefined || (found.deployments.length === 0 && found.problems.length === 0)) {
    throw new BadInput(...noDeployment(file, text));
  }
  const estimates: (DeploymentEstimate | UnknownEstimate)[] = [];
  const problems: string[] = [];
  const warnings: string[] = [];
  const say = (problem: LocatedProblem) =>
    (harmless.has(problem.code) ? warnings : problems).push(locatedLine(file, text, problem));
  for (const problem of found.problems) say(problem);
  for (const located of found.deployments) {
    for (const problem of located.problems) say(problem);
    const source = `${file}:${lineColumn(text, located.range.start).line}`;
    const outcome = await fitLocated(located, source, dirname(resolve(settings.cwd, file)), settings);
    estimates.push(outcome.estimate);
    if (outcome.problem !== undefined) problems.push(locatedLine(file, text, outcome.problem));
    for (const warning of outcome.estimate.warnings) {
      // What stands in the way of an estimate is said at its place already.
      if (warning.message === outcome.problem?.message) continue;
      const flag = Object.hasOwn(located.flags, String(warning.path?.[1]))
        ? located.flags[String(warning.path?.[1])]
        : undefined;
      if (unusable.has(warning.code)) {
        problems.push(locatedLine(file, text, { ...warning, range: flag?.value ?? located.range }));
      } else if (flag !== undefined) warnings.push(locatedLine(file, text, { ...warning, range: flag.key }));
      else warnings.push(problemLine(source, warning));
    }
    const unread = unreadArguments(located).map((part) => part.text);
    if (unread.length > 0) warnings.push(`${source}: what ${unread.join(', ')} stands for is left out.`);
  }
  return { estimates, problems, warnings };
}

/** Why a file that somebody named has no deployment. */
function noDeployment(file: string, text: string): readonly string[] {
  if (/\.sweep\.ya?ml$/.test(file)) {
    return [
      `${file}: this is a sweep plan, not a deployment. \`loadline sweep --dry-run ${file}\` says which of its cells fit.`,
    ];
  }
  const none = `${file}: no deployment was found in it. Loadline reads vLLM's YAML configs, launch scripts, compose files, Kubernetes manifests, Dockerfiles, Helm values, Triton's model.json and programs below a comment such as "# loadline: engine=static-batch".`;
  const torn = isYaml({ path: file }) ? tornYaml(text) : undefined;
  return torn === undefined ? [none] : [none, locatedLine(file, text, torn)];
}

async function fitLocated(
  located: LocatedDeployment,
  source: string,
  folder: string,
  settings: FitSettings,
): Promise<{ readonly estimate: DeploymentEstimate | UnknownEstimate; readonly problem?: LocatedProblem }> {
  const blocked = estimateBlocker(located);
  // Its own problem is said already where the value is a wrong one.
  if (blocked !== undefined) return { estimate: unknownEstimate(source, blocked) };
  const refuse = (problem: Problem, range = located.range) => ({
    estimate: unknownEstimate(source, problem),
    problem: { ...problem, range },
  });
  const { deployment, target } = located;
  const chosen = chooseTarget(located, { gpu: settings.device?.id, gpuCount: settings.gpuCount });
  if (deployment.model === undefined) {
    return refuse({ code: 'deployment.no-model', message: 'No model is named, so nothing can be said.' });
  }
  const device = chosen.from === 'fallback' ? settings.device : chosen.device;
  if (device === undefined) {
    return target === undefined
      ? refuse({
          code: 'gpu.not-chosen',
          message: 'No GPU is named: give --gpu, or write "# loadline: gpu=h100" into the file.',
        })
      : refuse(unknownGpu(target.gpu), target.range);
  }
  const model = await resolveModel(
    deployment.model,
    [folder, settings.cwd],
    resolveOptions({ ...deployment.flags, ...settings.flags }, settings.hub),
  );
  if (!model.ok) {
    const [problem] = model.problems;
    if (problem === undefined || unknownInFile.has(problem.code)) {
      return {
        estimate: unknownEstimate(
          source,
          problem === undefined
            ? { code: 'model.unknown', message: 'The model is not known.' }
            : withHubHint(deployment.model, problem, settings.hub),
        ),
      };
    }
    return refuse(problem, located.model ?? located.range);
  }
  const request = requestOf(source, deployment, model.value, device, chosen.gpuCount, settings);
  const estimated = estimate(request);
  return { estimate: { ...estimated, warnings: distinctProblems(model.warnings, estimated.warnings) } };
}

/** One deployment from options alone. Throws BadInput for a model that is not there. */
export async function fitOptions(
  deployment: Deployment,
  settings: FitSettings & { readonly device: Device },
): Promise<FitResult> {
  const source = 'command line';
  const model = await resolveModel(
    deployment.model ?? '',
    [settings.cwd],
    resolveOptions({ ...deployment.flags, ...settings.flags }, settings.hub),
  );
  if (!model.ok) {
    const [problem] = model.problems;
    if (problem !== undefined && unknownInOption.has(problem.code)) {
      const unknown = unknownEstimate(source, problem);
      return { estimates: [unknown], problems: [], warnings: [problemLine('--model', problem)] };
    }
    const hinted = model.problems.map((one) => withHubHint(deployment.model ?? '', one, settings.hub));
    throw new BadInput(...hinted.map((one) => problemLine('--model', one)));
  }
  const estimated = estimate(
    requestOf(source, deployment, model.value, settings.device, undefined, settings),
  );
  const warnings = distinctProblems(model.warnings, estimated.warnings);
  return {
    estimates: [{ ...estimated, warnings }],
    problems: warnings.filter((one) => unusable.has(one.code)).map((one) => problemLine('--set', one)),
    warnings: warnings.filter((one) => !unusable.has(one.code)).map((one) => problemLine(source, one)),
  };
}

function requestOf(
  source: string,
  deployment: Deployment,
  model: EstimateRequest['model'],
  device: Device,
  gpuCount: number | undefined,
  settings: FitSettings,
): EstimateRequest {
  const { engineVersion, load, weightsBytes, cudaTotalBytes, calibration } = settings;
  const version = deployment.engineVersion ?? engineVersion;
  return {
    source,
    deployment: {
      ...deployment,
      ...(version === undefined ? {} : { engineVersion: version }),
      flags: { ...deployment.flags, ...settings.flags },
    },
    model,
    ...draftOf({ flags: { ...deployment.flags, ...settings.flags } }),
    device,
    gpuCount: gpuCount ?? settings.gpuCount ?? 1,
    ...(load === undefined ? {} : { load }),
    ...(weightsBytes === undefined ? {} : { weightsBytes }),
    ...(cudaTotalBytes === undefined ? {} : { cudaTotalBytes }),
    ...(calibration === undefined ? {} : { calibration }),
  };
}

export function unknownGpu(name: string): Problem {
  const near = closestDeviceName(name);
  const hint =
    near === undefined
      ? `There is ${allDevices()
          .map(({ id }) => id)
          .join(', ')}.`
      : `Did you mean ${near}?`;
  return { code: 'gpu.unknown', message: `The GPU "${name}" is not known. ${hint}` };
}
