import { allDevices, findDevice } from '../../core/device/catalogue.ts';
import type { Device } from '../../core/device/device.ts';
import { allInstances } from '../../core/device/instances.ts';
import type { Deployment } from '../../core/engine/deployment.ts';
import { draftOf } from '../../core/engine/vllm/draftModel.ts';
import type { ModelFacts } from '../../core/model/facts.ts';
import { listPrices, type Prices, parsePrices } from '../../core/rank/prices.ts';
import { rank } from '../../core/rank/rank.ts';
import type { RankLoad, RankRequest, ServiceLevel } from '../../core/rank/types.ts';
import { resolveModel } from '../../storage/modelFolder.ts';
import { BadInput, problemLine } from '../badInput.ts';
import { exitCodes } from '../exitCodes.ts';
import { unknownGpu } from '../fitDeployments.ts';
import { hubOf, resolveOptions, withHubHint } from '../hubOption.ts';
import { type ParsedOptions, parseOptions } from '../options.ts';
import { rankLines } from '../rankView.ts';
import { readDocument } from '../readDocument.ts';
import type { Terminal } from '../terminal.ts';
import { engineOf, entrypointOf, flagsOf } from './fit.ts';

const options = {
  model: { type: 'string' },
  gpu: { type: 'string', multiple: true },
  engine: { type: 'string' },
  'engine-version': { type: 'string' },
  entrypoint: { type: 'string' },
  set: { type: 'string', multiple: true },
  input: { type: 'string' },
  output: { type: 'string' },
  rate: { type: 'string' },
  concurrency: { type: 'string' },
  'slo-ttft-ms': { type: 'string' },
  'slo-tpot-ms': { type: 'string' },
  instances: { type: 'boolean' },
  prices: { type: 'string' },
  'weights-bytes': { type: 'string' },
  all: { type: 'boolean' },
  hub: { type: 'boolean' },
  endpoint: { type: 'string' },
} as const;

export async function rankCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('rank', argv, options);
  if (given.files.length > 0) {
    throw new BadInput(
      `loadline rank: takes no files, not "${given.files[0]}"; name the model with --model.`,
    );
  }
  const load = loadOf(given);
  const devices = devicesOf(given);
  const weightsBytes = given.whole('weights-bytes', 1);
  const version = given.text('engine-version');
  const modelName = given.text('model') ?? '';
  const deployment: Deployment = {
    engine: engineOf(given),
    ...(version === undefined ? {} : { engineVersion: version }),
    entrypoint: entrypointOf(given),
    model: modelName,
    flags: flagsOf(given),
  };
  const request: RankRequest = {
    deployment,
    load,
    serviceLevel: serviceLevelOf(given),
    devices,
    instances: allInstances(),
    prices: await pricesOf(given, terminal.cwd),
    model: await modelOf(deployment, terminal, hubOf(given, process.env, terminal.interrupted)),
    ...draftOf(deployment),
    ...(weightsBytes === undefined ? {} : { weightsBytes }),
  };
  const ranked = rank(request);
  const document = given.isSet('instances')
    ? {
        ...ranked,
        rows: ranked.rows.filter(({ kind }) => kind === 'instance'),
        rejected: ranked.rejected.filter(({ kind }) => kind === 'instance'),
      }
    : ranked;
  if (given.isSet('json')) terminal.out(JSON.stringify(document, null, 2));
  else for (const line of rankLines(document, given.isSet('all'))) terminal.out(line);
  for (const warning of document.warnings) terminal.err(problemLine('warning', warning));
  return document.rows.length > 0 ? exitCodes.ok : exitCodes.negative;
}

function loadOf(given: ParsedOptions): RankLoad {
  const [inputTokens, outputTokens] = [given.whole('input', 1), given.whole('output', 1)];
  const [requestsPerSecond, concurrency] = [given.positive('rate'), given.whole('concurrency', 1)];
  if (given.text('model') === undefined) {
    throw new BadInput('loadline rank: --model is missing. `loadline help rank` says more.');
  }
  if (inputTokens === undefined || outputTokens === undefined) {
    throw new BadInput('loadline rank: --input and --output are missing: the tokens of a request.');
  }
  if (requestsPerSecond !== undefined && concurrency === undefined) {
    return { inputTokens, outputTokens, requestsPerSecond };
  }
  if (concurrency !== undefined && requestsPerSecond === undefined) {
    return { inputTokens, outputTokens, concurrency };
  }
  throw new BadInput(
    'loadline rank: give --rate (requests a second) or --concurrency (in flight), one of them.',
  );
}

function serviceLevelOf(given: ParsedOptions): ServiceLevel {
  const [ttftMs, tpotMs] = [given.positive('slo-ttft-ms'), given.positive('slo-tpot-ms')];
  return { ...(ttftMs === undefined ? {} : { ttftMs }), ...(tpotMs === undefined ? {} : { tpotMs }) };
}

function devicesOf(given: ParsedOptions): readonly Device[] {
  const names = given.texts('gpu');
  if (names.length === 0) return allDevices();
  const devices = names.map((name) => {
    const device = findDevice(name);
    if (device === undefined) throw new BadInput(problemLine('--gpu', unknownGpu(name)));
    return device;
  });
  return [...new Set(devices)];
}

async function pricesOf(given: ParsedOptions, cwd: string): Promise<Prices> {
  const file = given.text('prices');
  if (file === undefined) return listPrices;
  const text = await readDocument(file, cwd, `--prices: ${file}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadInput(`--prices: ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const prices = parsePrices(value);
  if (!prices.ok) {
    throw new BadInput(...prices.problems.map((problem) => problemLine(`--prices: ${file}`, problem)));
  }
  return prices.value;
}

async function modelOf(
  { model: name = '', flags }: Deployment,
  terminal: Terminal,
  hub: ReturnType<typeof hubOf>,
): Promise<ModelFacts> {
  const model = await resolveModel(name, [terminal.cwd], resolveOptions(flags, hub));
  if (!model.ok) {
    throw new BadInput(
      ...model.problems.map((problem) => problemLine('--model', withHubHint(name, problem, hub))),
    );
  }
  for (const warning of model.warnings) terminal.err(problemLine('warning', warning));
  return model.value;
}
