/** Every measured start of this repository: recordings of its own, and figures that others published. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDevice } from '../../src/core/device/catalogue.ts';
import type { FlagValue } from '../../src/core/engine/deployment.ts';
import {
  type MeasuredStart,
  measuredOf,
  parseRecordedStart,
  type RecordedStart,
  recordedRequest,
} from '../../src/core/estimate/compare.ts';
import type { EstimateRequest } from '../../src/core/estimate/types.ts';
import { parseLog } from '../../src/core/log/parseLog.ts';
import { knownModel } from '../../src/core/model/known.ts';
import { parseModelConfig } from '../../src/core/model/parse.ts';
import { GiB } from '../../src/core/units.ts';

export interface Measurement {
  /** Folder of the fixtures that it is from. */
  readonly recording: string;
  readonly id: string;
  readonly kind: 'recorded' | 'published';
  /** Null where the model is not covered: `notCovered` says why. */
  readonly request: EstimateRequest | null;
  readonly notCovered: string | null;
  readonly measured: MeasuredStart;
  /** With its batches, where some were run. */
  readonly recorded?: RecordedStart;
  readonly source: string;
}

/** `fixtures`: the folder of test fixtures. In the order of the folders' names. */
export function measurements(fixtures: string): readonly Measurement[] {
  const folders = readdirSync(fixtures, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const recordings = folders.filter((name) => /^vllm-\d/.test(name));
  return [
    ...recordings.flatMap((folder) => recordedMeasurements(fixtures, folder)),
    servedMeasurement(fixtures),
    ...publishedMeasurements(fixtures),
  ];
}

/** Lines of a folder's runs.jsonl; the GPU is the row's own, else the one in the folder's name. */
function recordedMeasurements(fixtures: string, folder: string): readonly Measurement[] {
  if (!readdirSync(join(fixtures, folder)).includes('runs.jsonl')) return [];
  return lines(join(fixtures, folder, 'runs.jsonl')).map((row) => {
    const parsed = parseRecordedStart({ bench: [], ...row });
    if (!parsed.ok) throw new Error(`${folder}: ${parsed.problems[0]?.message}`);
    const recorded = parsed.value;
    const gpu = typeof row['device'] === 'string' ? row['device'] : (folder.split('-').at(-1) ?? '');
    const device = findDevice(gpu);
    if (device === undefined) throw new Error(`${folder}: the GPU ${gpu} is not in the catalogue`);
    const config = readFileSync(join(fixtures, folder, 'models', `${recorded.model}.json`), 'utf8');
    const model = parseModelConfig(JSON.parse(config), { id: recorded.model, source: folder });
    return {
      recording: folder,
      id: recorded.id,
      kind: 'recorded',
      request: model.ok ? recordedRequest(recorded, model.value, device) : null,
      notCovered: model.ok ? null : (model.problems[0]?.message ?? 'not covered'),
      measured: measuredOf(recorded),
      recorded,
      source: `test/fixtures/${folder}/runs.jsonl`,
    };
  });
}

/** The one recorded server: known by its log alone. */
function servedMeasurement(fixtures: string): Measurement {
  const file = 'vllm-0.26-h200-serve.log';
  const [record] = parseLog(readFileSync(join(fixtures, 'logs', file), 'utf8'));
  const [model, device] = [knownModel('Qwen/Qwen2.5-0.5B-Instruct'), findDevice('h200')];
  if (record === undefined || device === undefined) throw new Error(`${file}: no start`);
  const { 'max-model-len': length, 'gpu-memory-utilization': utilization } = record.flags;
  const flags: Record<string, FlagValue> = {};
  if (length !== undefined) flags['max-model-len'] = length;
  if (utilization !== undefined) flags['gpu-memory-utilization'] = utilization;
  const engineVersion = record.version ?? '';
  return {
    recording: 'logs',
    id: 'qwen2.5-0.5b-serve',
    kind: 'recorded',
    request:
      model === undefined
        ? null
        : {
            source: file,
            deployment: { engine: 'vllm', engineVersion, entrypoint: 'serve', model: model.id, flags },
            model,
            device,
            gpuCount: 1,
          },
    notCovered: model === undefined ? 'the model is not shipped' : null,
    measured: record,
    source: `test/fixtures/logs/${file}`,
  };
}

function publishedMeasurements(fixtures: string): readonly Measurement[] {
  return lines(join(fixtures, 'published', 'starts.jsonl')).map((row) => {
    const text = (name: string) => String(row[name] ?? '');
    const number = (name: string, unit = 1) => (typeof row[name] === 'number' ? row[name] * unit : null);
    const [model, device] = [knownModel(text('model')), findDevice(text('gpu'))];
    const missing = model === undefined ? text('model') : device === undefined ? text('gpu') : undefined;
    return {
      recording: 'published',
      id: text('id'),
      kind: 'published',
      request:
        model === undefined || device === undefined
          ? null
          : {
              source: text('id'),
              deployment: {
                engine: 'vllm',
                engineVersion: text('engineVersion'),
                entrypoint: 'serve',
                model: model.id,
                flags: row['flags'] as Readonly<Record<string, FlagValue>>,
              },
              model,
              device,
              gpuCount: number('gpuCount') ?? 1,
            },
      notCovered: missing === undefined ? null : `${missing} is not known`,
      measured: {
        weightsBytes: number('weightsGiB', GiB),
        activationPeakBytes: number('torchPeakGiB', GiB),
        nonTorchBytes: number('nonTorchGiB', GiB),
        graphBytes: null,
        graphEstimateBytes: null,
        requestedBytes: null,
        availableKvBytes: number('availableKvGiB', GiB),
        numGpuBlocks: null,
        kvTokens: number('kvTokens'),
        maxConcurrency: number('maxConcurrency'),
      },
      source: text('source'),
    };
  });
}

function lines(path: string): readonly Readonly<Record<string, unknown>>[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}
