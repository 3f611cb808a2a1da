import { findDevice } from '../device/catalogue.ts';
import type { FlagValue } from '../engine/deployment.ts';
import type { DeploymentEstimate } from '../estimate/types.ts';
import { formatBytes } from '../units.ts';
import type { LogRecord } from './record.ts';

/** A flag that the engine ran with and the estimate did not; `model` and `gpu` as well. */
export interface FlagDifference {
  readonly flag: string;
  readonly logged: FlagValue;
  readonly predicted: FlagValue;
  /** True where the memory terms depend on it: nothing can be learned from the comparison. */
  readonly changesTerms: boolean;
}

const compared: readonly { readonly flag: string; readonly changesTerms: boolean }[] = [
  { flag: 'tensor-parallel-size', changesTerms: true },
  { flag: 'pipeline-parallel-size', changesTerms: true },
  { flag: 'enforce-eager', changesTerms: true },
  { flag: 'max-num-batched-tokens', changesTerms: true },
  { flag: 'max-num-seqs', changesTerms: true },
  { flag: 'max-model-len', changesTerms: false },
  { flag: 'gpu-memory-utilization', changesTerms: false },
];

/** Of flags that memory and speed hang on, as an estimate resolved them. */
export function resolvedFlags({ resolved }: DeploymentEstimate): Readonly<Record<string, FlagValue>> {
  return Object.fromEntries(
    compared.flatMap(({ flag }) => {
      const value = resolved[flag];
      return value === undefined ? [] : [[flag, value]];
    }),
  );
}

/** The flags that an engine's log says it ran with, given or its own choice. */
export function loggedFlags({
  flags,
  maxModelLen,
  gpuMemoryUtilization,
}: Pick<LogRecord, 'flags' | 'maxModelLen' | 'gpuMemoryUtilization'>): Readonly<Record<string, FlagValue>> {
  return {
    ...flags,
    ...(maxModelLen === null ? {} : { 'max-model-len': maxModelLen }),
    ...(gpuMemoryUtilization === null ? {} : { 'gpu-memory-utilization': gpuMemoryUtilization }),
  };
}

/** Where the deployment that was estimated is not the one that the log is of. What the log does not say is no difference. */
export function flagDifferences(record: LogRecord, estimate: DeploymentEstimate): readonly FlagDifference[] {
  const logged = loggedFlags(record);
  const flags = compared.flatMap(({ flag, changesTerms }) => {
    const [one, other] = [logged[flag], estimate.resolved[flag]];
    if (one === undefined || other === undefined || Number(one) === Number(other)) return [];
    return [{ flag, logged: one, predicted: other, changesTerms }];
  });
  const all = [...gpuDifference(record, estimate), ...flags];
  const { id } = estimate.model;
  if (record.model === null || !isHubId(record.model) || !isHubId(id) || sameId(record.model, id)) return all;
  return [{ flag: 'model', logged: record.model, predicted: id, changesTerms: true }, ...all];
}

/** Drivers and cards of one name differ by less; a log of another GPU by more. */
const SAME_GPU = 0.1;

function gpuDifference({ totalBytes }: LogRecord, { device }: DeploymentEstimate): readonly FlagDifference[] {
  const expected = findDevice(device)?.cudaTotalBytes;
  if (totalBytes === null || expected === undefined) return [];
  if (Math.abs(totalBytes / expected - 1) <= SAME_GPU) return [];
  return [
    {
      flag: 'gpu',
      logged: `of ${formatBytes(totalBytes)}`,
      predicted: `${device} of ${formatBytes(expected)}`,
      changesTerms: true,
    },
  ];
}

/** A folder may hold any model; two ids of the hub that differ are two models. */
function isHubId(name: string): boolean {
  return /^[\w-][\w.-]*\/[\w.-]+$/.test(name);
}

function sameId(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
