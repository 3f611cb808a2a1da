/** `loadline fit --requests`: a request a line in, a result a line out. */
import type { Calibration } from '../../core/calibration/calibration.ts';
import { estimate } from '../../core/estimate/estimate.ts';
import type { DeploymentEstimate, EstimateDocument, UnknownEstimate } from '../../core/estimate/types.ts';
import { unknownEstimate } from '../../core/estimate/unknown.ts';
import type { ModelFacts } from '../../core/model/facts.ts';
import { parseModelConfig } from '../../core/model/parse.ts';
import { distinctProblems, type Problem, type Result } from '../../core/result.ts';
import { type ResolveOptions, resolveModel } from '../../storage/modelFolder.ts';
import { exitCodes } from '../exitCodes.ts';
import { unknownInOption } from '../fitDeployments.ts';
import { resolveOptions } from '../hubOption.ts';
import type { Terminal } from '../terminal.ts';
import { type FitRequest, type RequestDefaults, readRequest } from './readRequest.ts';
import { type RequestLine, requestLines } from './requestLines.ts';

/** What a line came to: `loadline fit --json`'s document and the line, or why the line could not be used. */
export type RequestResult =
  | (EstimateDocument & { readonly line: number })
  | { readonly line: number; readonly error: { readonly code: string; readonly message: string } };

export interface RequestSettings {
  readonly defaults: RequestDefaults;
  readonly calibration: Calibration | undefined;
  readonly hub: ResolveOptions['hub'] | undefined;
}

/**
 * Estimates a request a line as it reads them and prints each result at once, in order. A line that cannot be used gets its error in
 * its place, and the exit code is then 2.
 */
export async function fitRequests(
  file: string,
  settings: RequestSettings,
  terminal: Terminal,
): Promise<number> {
  const models = new RecentModels(terminal.cwd, settings.hub);
  let [lines, bad, misfits] = [0, 0, 0];
  for await (const line of requestLines(file, terminal.cwd)) {
    if (terminal.interrupted.aborted) return exitCodes.interrupted;
    const result = await fitLine(line, settings, models);
    lines++;
    if ('error' in result) bad++;
    else if (result.deployments.some(({ verdict }) => verdict.outcome === 'does-not-fit')) misfits++;
    terminal.out(JSON.stringify(result));
  }
  if (lines === 0) terminal.err(`warning: ${file}: there is no request in it.`);
  if (bad > 0) {
    terminal.err(
      `${file}: ${bad} of ${lines} requests could not be used; the error stands in each one's place.`,
    );
    return exitCodes.badInput;
  }
  return misfits > 0 ? exitCodes.negative : exitCodes.ok;
}

async function fitLine(
  { number, text }: RequestLine,
  settings: RequestSettings,
  models: RecentModels,
): Promise<RequestResult> {
  const refuse = ({ code, message }: Problem): RequestResult => ({ line: number, error: { code, message } });
  if (text === undefined) {
    return refuse({ code: 'request.too-long', message: 'The line is too long to be a request.' });
  }
  let document: unknown;
  try {
    document = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return refuse({
      code: 'request.torn',
      message: `The line is no JSON: ${message}. A request is one object on one line.`,
    });
  }
  const request = readRequest(document, settings.defaults);
  if (!request.ok) return refuse(request.problems[0] ?? unusable);
  const source = `line ${number}`;
  const model = await models.find(request.value);
  if (model.ok) {
    return {
      line: number,
      schema: 1,
      deployments: [estimated(source, request.value, model.value, model.warnings, settings)],
    };
  }
  const problem = model.problems[0] ?? unusable;
  if (!unknownInOption.has(problem.code)) return refuse(problem);
  return { line: number, schema: 1, deployments: [unknownEstimate(source, problem)] };
}

const unusable: Problem = { code: 'request.unusable', message: 'The request cannot be used.' };

function estimated(
  source: string,
  request: FitRequest,
  model: ModelFacts,
  modelWarnings: readonly Problem[],
  { calibration }: RequestSettings,
): DeploymentEstimate | UnknownEstimate {
  const { deployment, device, gpuCount, load, weightsBytes, cudaTotalBytes } = request;
  const one = estimate({
    source,
    deployment,
    model,
    device,
    gpuCount,
    ...(load === undefined ? {} : { load }),
    ...(weightsBytes === undefined ? {} : { weightsBytes }),
    ...(cudaTotalBytes === undefined ? {} : { cudaTotalBytes }),
    ...(calibration === undefined ? {} : { calibration }),
  });
  return { ...one, warnings: distinctProblems(modelWarnings, one.warnings) };
}

const MOST_MODELS = 32;

/** Facts of the models that lines asked for last: looking for one reads files. */
class RecentModels {
  readonly #found = new Map<string, Promise<Result<ModelFacts>>>();
  readonly #cwd: string;
  readonly #hub: ResolveOptions['hub'] | undefined;

  constructor(cwd: string, hub: ResolveOptions['hub'] | undefined) {
    this.#cwd = cwd;
    this.#hub = hub;
  }

  find({ deployment, config }: FitRequest): Promise<Result<ModelFacts>> {
    const { model = 'config', flags } = deployment;
    if (config !== undefined) {
      return Promise.resolve(parseModelConfig(config, { id: model, source: 'the request' }));
    }
    const options = resolveOptions(flags, this.#hub);
    const key = `${options.revision ?? ''}\n${model}`;
    const known = this.#found.get(key);
    this.#found.delete(key);
    const facts = known ?? resolveModel(model, [this.#cwd], options);
    this.#found.set(key, facts);
    const [oldest] = this.#found.keys();
    if (this.#found.size > MOST_MODELS && oldest !== undefined) this.#found.delete(oldest);
    return facts;
  }
}
