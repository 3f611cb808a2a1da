import { findDevice } from '../../core/device/catalogue.ts';
import type { Entrypoint, FlagValue } from '../../core/engine/deployment.ts';
import { engineNames, findEngine } from '../../core/engine/engines.ts';
import type {
  DeploymentEstimate,
  EstimateDocument,
  EstimateLoad,
  UnknownEstimate,
} from '../../core/estimate/types.ts';
import type { OffsetRange } from '../../text/located.ts';
import { readFlags } from '../../text/writtenFlags.ts';
import { BadInput, problemLine } from '../badInput.ts';
import { nearestCalibration } from '../calibrations.ts';
import { exitCodes } from '../exitCodes.ts';
import { type FitResult, type FitSettings, fitFile, fitOptions, unknownGpu } from '../fitDeployments.ts';
import { fitDetails, fitTable } from '../fitView.ts';
import { hubOf } from '../hubOption.ts';
import { type ParsedOptions, parseOptions } from '../options.ts';
import { fitRequests, type RequestSettings } from '../requests/fitRequests.ts';
import type { Terminal } from '../terminal.ts';
import { textTable } from '../textTable.ts';

const options = {
  model: { type: 'string' },
  gpu: { type: 'string' },
  'gpu-count': { type: 'string' },
  engine: { type: 'string' },
  'engine-version': { type: 'string' },
  entrypoint: { type: 'string' },
  set: { type: 'string', multiple: true },
  batch: { type: 'string' },
  input: { type: 'string' },
  output: { type: 'string' },
  'weights-bytes': { type: 'string' },
  'cuda-total-bytes': { type: 'string' },
  uncalibrated: { type: 'boolean' },
  hub: { type: 'boolean' },
  endpoint: { type: 'string' },
  requests: { type: 'string' },
} as const;

export async function fitCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('fit', argv, options);
  const requests = given.text('requests');
  if (requests !== undefined) return fitRequests(requests, await requestSettings(given, terminal), terminal);
  const results = await fitAll(given, terminal);
  const estimates = results.flatMap((result) => result.estimates);
  const problems = results.flatMap((result) => result.problems);
  if (given.isSet('json')) {
    const document: EstimateDocument = { schema: 1, deployments: estimates };
    terminal.out(JSON.stringify(document, null, 2));
  } else {
    for (const line of estimates.length > 1 ? textTable(fitTable(estimates)) : estimates.flatMap(fitDetails))
      terminal.out(line);
  }
  for (const line of results.flatMap((result) => result.warnings)) terminal.err(`warning: ${line}`);
  for (const line of problems) terminal.err(line);
  return exitCode(estimates, problems);
}

/** What the command line says stands for each request that does not say it itself. */
async function requestSettings(given: ParsedOptions, terminal: Terminal): Promise<RequestSettings> {
  if (given.files.length > 0) throw new BadInput('loadline fit: give files, or --requests; not both.');
  const set = given.texts('set');
  const names = Object.keys(options).filter((name) => !notOfRequests.has(name));
  return {
    defaults: {
      ...Object.fromEntries(names.map((name) => [name, given.text(name)])),
      ...(set.length > 0 ? { set } : {}),
    },
    calibration: given.isSet('uncalibrated') ? undefined : await nearestCalibration(terminal.cwd),
    hub: hubOf(given, process.env, terminal.interrupted),
  };
}

const notOfRequests = new Set(['set', 'requests', 'uncalibrated', 'hub', 'endpoint']);

function exitCode(
  estimates: readonly (DeploymentEstimate | UnknownEstimate)[],
  problems: readonly string[],
): number {
  if (problems.length > 0) return exitCodes.badInput;
  return estimates.some(({ verdict }) => verdict.outcome === 'does-not-fit')
    ? exitCodes.negative
    : exitCodes.ok;
}

async function fitAll(given: ParsedOptions, terminal: Terminal): Promise<readonly FitResult[]> {
  const calibration = given.isSet('uncalibrated') ? undefined : await nearestCalibration(terminal.cwd);
  const settings = { ...settingsOf(given, terminal), ...(calibration === undefined ? {} : { calibration }) };
  const model = given.text('model');
  if (given.files.length > 0) {
    if (model !== undefined) throw new BadInput('loadline fit: give files, or --model; not both.');
    const results: FitResult[] = [];
    for (const file of given.files) {
      // One bad file does not keep the others from being judged.
      results.push(
        await fitFile(file, settings).catch((error: unknown) => {
          if (error instanceof BadInput) return { estimates: [], problems: error.lines, warnings: [] };
          throw error;
        }),
      );
    }
    return results;
  }
  if (model === undefined)
    throw new BadInput('loadline fit: give files, or --model and --gpu. `loadline help fit` says more.');
  const { device } = settings;
  if (device === undefined)
    throw new BadInput('loadline fit: --gpu is missing: the GPU that the model is to fit.');
  const engine = engineOf(given);
  const deployment = { engine, entrypoint: entrypointOf(given), model, flags: {} };
  return [await fitOptions(deployment, { ...settings, device })];
}

function settingsOf(given: ParsedOptions, terminal: Terminal): FitSettings {
  const hub = hubOf(given, process.env, terminal.interrupted);
  const gpu = given.text('gpu');
  const device = gpu === undefined ? undefined : findDevice(gpu);
  if (gpu !== undefined && device === undefined) throw new BadInput(problemLine('--gpu', unknownGpu(gpu)));
  return {
    device,
    gpuCount: given.whole('gpu-count', 1),
    engineVersion: given.text('engine-version'),
    flags: flagsOf(given),
    load: loadOf(given),
    weightsBytes: given.whole('weights-bytes', 1),
    cudaTotalBytes: given.whole('cuda-total-bytes', 1),
    cwd: terminal.cwd,
    ...(hub === undefined ? {} : { hub }),
  };
}

export function engineOf(given: ParsedOptions): string {
  const name = given.text('engine') ?? 'vllm';
  if (findEngine(name) === undefined) {
    throw new BadInput(`--engine: "${name}" is not covered yet; there is ${engineNames().join(', ')}.`);
  }
  return name;
}

export function entrypointOf(given: ParsedOptions): Entrypoint {
  const name = given.text('entrypoint') ?? 'serve';
  if (name === 'serve' || name === 'llm') return name;
  throw new BadInput(`--entrypoint: serve or llm, not "${name}".`);
}

function loadOf(given: ParsedOptions): EstimateLoad | undefined {
  const [batch, input, output] = [given.whole('batch', 1), given.whole('input', 1), given.whole('output', 1)];
  if (batch === undefined && input === undefined && output === undefined) return undefined;
  return { batch: batch ?? 1, inputTokens: input ?? 1024, outputTokens: output ?? 128 };
}

/** `--set flag=value`, read as the engine's command line would. */
export function flagsOf(given: ParsedOptions): Readonly<Record<string, FlagValue>> {
  const engine = findEngine(engineOf(given));
  if (engine === undefined) return {};
  const nowhere: OffsetRange = { start: 0, end: 0 };
  const written = given.texts('set').map((text) => {
    const equals = text.indexOf('=');
    const name = (equals < 0 ? text : text.slice(0, equals)).replace(/^-+/, '');
    if (name === '') throw new BadInput(`--set: flag=value, not "${text}".`);
    const values = equals < 0 ? [] : [text.slice(equals + 1)];
    return {
      name,
      key: nowhere,
      whole: nowhere,
      writing: { style: 'shell', quoting: 'none' },
      values,
    } as const;
  });
  const { flags, problems } = readFlags(engine, written, '');
  if (problems.length > 0) throw new BadInput(...problems.map((problem) => problemLine('--set', problem)));
  return flags;
}
