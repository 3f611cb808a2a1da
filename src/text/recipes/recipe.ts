/** What the recipes of sweep plans have in common: a deployment becomes the beginning of a plan, with comments that say what to change. */
import { stringify } from 'yaml';
import type { Deployment, FlagValue } from '../../core/engine/deployment.ts';
import { findServerLaunch, ownFlagReason } from '../../core/engine/serverLaunches.ts';
import { vllmLaunch } from '../../core/engine/vllm/launch.ts';
import { ownVariableReason } from '../../core/sweep/planEnvironment.ts';
import type { Question } from '../../core/sweep/planSchema.ts';
import { isSecretName } from '../../core/sweep/planSecrets.ts';

export interface RecipeInput {
  /** What the plan is made from, to be named in it: `serve.yaml`. */
  readonly source: string;
  /** Of plan and file: letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** Null: none; the plan then begins with a small model. */
  readonly deployment: Deployment | null;
  /** Device id; null where none is known. */
  readonly gpu: string | null;
  readonly gpuCount: number;
  /** Tokens that a request may have; null where that is not known. */
  readonly contextTokens: number | null;
  readonly hosts: readonly string[];
}

export interface Recipe {
  readonly question: Question;
  /** As one would ask it. */
  readonly asks: string;
  /** What is swept, in a few words. */
  readonly sweeps: string;
  body(input: RecipeInput): RecipeBody;
}

export interface RecipeBody {
  /** Flags that the body gives itself. */
  readonly flags: readonly string[];
  readonly gpuCount?: number;
  /** Under `engine`, indented by two. */
  readonly engineLines?: readonly string[];
  readonly lines: readonly string[];
}

/** The file beside a plan that it was made from, as `recipePlan` says it; undefined where it does not. */
export function sourceOf(planText: string): string | undefined {
  return /^# Made from ([^/\\\r\n]+)\. The lines above/m.exec(planText)?.[1];
}

const assumedGpu = 'h100-sxm-80gb';
const assumed: Deployment = {
  engine: 'vllm',
  entrypoint: 'serve',
  model: 'meta-llama/Llama-3.2-1B-Instruct',
  flags: { 'max-model-len': 4096 },
};

/** The text of a plan. It can be rehearsed as it is, where the model is known. */
export function recipePlan(recipe: Recipe, input: RecipeInput): string {
  const deployment = servedBy(input.deployment) ?? assumed;
  const body = recipe.body(input);
  const { kept, left } = plannedFlags(deployment, body.flags);
  const { engineVersion, environment = {}, model = '' } = deployment;
  const variables = Object.entries(environment).filter(
    ([name]) => !isSecretName(name) && ownVariableReason(name) === undefined,
  );
  const gpuCount = Math.max(input.gpuCount, body.gpuCount ?? 1);
  const indices = gpuIndices(environment, gpuCount);
  return [
    `# ${recipe.asks}`,
    `# Made from ${input.source}. The lines above the first key show what it takes; nothing runs before you say so.`,
    `name: ${input.name}`,
    `question: ${recipe.question}`,
    '# Names of your SSH configuration, or this-machine. The whole plan runs on each of them.',
    `hosts: [${input.hosts.map(scalar).join(', ')}]`,
    input.gpu === null
      ? '# Assumed: predictions and rehearsals count with it; a measured run counts with the GPU that it finds.'
      : '# Predictions and rehearsals count with it; a measured run counts with the GPU that it finds.',
    `gpu: ${scalar(input.gpu ?? assumedGpu)}`,
    ...(gpuCount > 1 ? [`gpuCount: ${gpuCount}`] : []),
    ...(indices === undefined ? [] : [`gpuIndices: [${indices.join(', ')}]`]),
    'engine:',
    `  name: ${deployment.engine}`,
    ...(engineVersion === undefined ? [] : [`  version: ${JSON.stringify(engineVersion)}`]),
    ...(variables.length === 0
      ? []
      : ['  environment:', ...variables.map(([name, value]) => `    ${scalar(name)}: ${scalar(value)}`)]),
    ...(body.engineLines ?? []),
    `model: ${scalar(model)}`,
    ...(left.length === 0
      ? []
      : [`# Left out: ${left.join(', ')}. Loadline sets that itself, or it must not stand here.`]),
    ...(kept.length === 0
      ? []
      : [
          'deployment:',
          '  flags:',
          ...kept.map(([flag, value]) => `    ${scalar(flag)}: ${flagScalar(value)}`),
        ]),
    ...body.lines,
    '',
  ].join('\n');
}

/** Those that CUDA_VISIBLE_DEVICES names by number, where they are as many as the plan wants. */
function gpuIndices(environment: Readonly<Record<string, string>>, count: number): string[] | undefined {
  const named = environment['CUDA_VISIBLE_DEVICES']?.split(',').map((device) => device.trim()) ?? [];
  const numbers = named.every((device) => /^\d+$/.test(device)) && new Set(named).size === named.length;
  return numbers && named.length === count ? named : undefined;
}

/** An engine that a sweep can start, with a model. */
function servedBy(deployment: Deployment | null): Deployment | undefined {
  if (deployment === null || deployment.model === undefined) return undefined;
  return findServerLaunch(deployment.engine) === undefined
    ? { ...deployment, engine: 'vllm', flags: {} }
    : deployment;
}

function plannedFlags(
  { engine, flags }: Deployment,
  given: readonly string[],
): { kept: (readonly [string, FlagValue])[]; left: string[] } {
  const launch = findServerLaunch(engine) ?? vllmLaunch;
  const kept: (readonly [string, FlagValue])[] = [];
  const left: string[] = [];
  for (const [flag, value] of Object.entries(flags)) {
    if (given.includes(flag)) continue;
    const isOwn = ownFlagReason(launch, flag, true) !== undefined;
    if (isOwn || (isSecretName(flag) && typeof value !== 'boolean')) left.push(flag);
    else kept.push([flag, value]);
  }
  return { kept, left };
}

/** A length that leaves room for the rest of a request. */
export function atMost(tokens: number, input: RecipeInput, share: number): number {
  return input.contextTokens === null
    ? tokens
    : Math.max(1, Math.min(tokens, Math.floor(input.contextTokens * share)));
}

function flagScalar(value: FlagValue): string {
  return Array.isArray(value) ? `[${value.map(scalar).join(', ')}]` : scalar(value);
}

/** On one line, quoted where YAML would take it for something else. */
function scalar(value: unknown): string {
  return typeof value === 'string' && /[\n\r]/.test(value)
    ? JSON.stringify(value)
    : stringify(value, { lineWidth: 0, defaultStringType: 'PLAIN' }).trimEnd();
}
