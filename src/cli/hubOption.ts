import type { FlagValue } from '../core/engine/deployment.ts';
import { hfOverrides } from '../core/engine/vllm/hfOverrides.ts';
import type { Problem } from '../core/result.ts';
import { hubAccess, tokenOf } from '../storage/checkpoint/hubAccess.ts';
import { type Environment, isHubId } from '../storage/checkpoint/hubCache.ts';
import type { ResolveOptions } from '../storage/modelFolder.ts';
import { BadInput, problemLine } from './badInput.ts';
import type { ParsedOptions } from './options.ts';

/** `--hub` and `--endpoint`: leave to ask the model hub, undefined without it. Throws BadInput for an address that is none. */
export function hubOf(
  given: ParsedOptions,
  environment: Environment,
  signal: AbortSignal,
): ResolveOptions['hub'] | undefined {
  const endpoint = given.text('endpoint');
  if (!given.isSet('hub')) {
    if (endpoint !== undefined) throw new BadInput('--endpoint: only with --hub, which asks it.');
    return undefined;
  }
  const wishes = { signal, ...(endpoint === undefined ? {} : { endpoint }) };
  const checked = hubAccess(wishes, environment);
  if (!checked.ok) throw new BadInput(...checked.problems.map((one) => problemLine('--endpoint', one)));
  return async () => {
    const token = await tokenOf(environment);
    return token === undefined ? checked.value : { ...checked.value, token };
  };
}

/** How a deployment's model is looked for: `--revision` and `--hf-overrides`, as the engine takes them; the hub, as options allow it. */
export function resolveOptions(
  flags: Readonly<Record<string, FlagValue>>,
  hub: ResolveOptions['hub'] | undefined,
): ResolveOptions {
  const revision = Object.hasOwn(flags, 'revision') ? flags['revision'] : undefined;
  const overrides = hfOverrides(flags);
  return {
    ...(typeof revision === 'string' ? { revision } : {}),
    ...(overrides === undefined ? {} : { overrides }),
    ...(hub === undefined ? {} : { hub }),
  };
}

/** The way to a model that is not here, where its name is one of the hub and nobody gave leave to ask it. */
export function withHubHint(name: string, problem: Problem, hub: ResolveOptions['hub'] | undefined): Problem {
  if (problem.code !== 'model.not-found' || hub !== undefined || !isHubId(name)) return problem;
  return { ...problem, message: `${problem.message} --hub asks the model hub for it.` };
}
