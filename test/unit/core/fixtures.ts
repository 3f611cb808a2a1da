import { readFileSync } from 'node:fs';
import { findDevice } from '../../../src/core/device/catalogue.ts';
import type { Device } from '../../../src/core/device/device.ts';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { draftOf } from '../../../src/core/engine/vllm/draftModel.ts';
import type { EstimateRequest } from '../../../src/core/estimate/types.ts';
import type { ModelFacts } from '../../../src/core/model/facts.ts';
import { knownModel } from '../../../src/core/model/known.ts';

const fixtures = new URL('../../fixtures/', import.meta.url);

export function fixtureText(path: string): string {
  return readFileSync(new URL(path, fixtures), 'utf8');
}

export function fixtureLines(path: string): unknown[] {
  return fixtureText(path)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

export function model(name: string): ModelFacts {
  const found = knownModel(name);
  if (found === undefined) throw new Error(`no shipped model ${name}`);
  return found;
}

export function device(name: string): Device {
  const found = findDevice(name);
  if (found === undefined) throw new Error(`no device ${name}`);
  return found;
}

export function request(
  modelName: string,
  gpu: string,
  flags: Readonly<Record<string, FlagValue>> = {},
  more: Partial<EstimateRequest> = {},
): EstimateRequest {
  const deployment = { engine: 'vllm', entrypoint: 'serve', model: modelName, flags } as const;
  return {
    source: 'test',
    deployment,
    ...draftOf(deployment),
    model: model(modelName),
    device: device(gpu),
    gpuCount: 1,
    ...more,
  };
}
