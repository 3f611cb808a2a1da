import type { Device } from '../device/device.ts';
import type { Instance } from '../device/instances/instance.ts';
import type { Deployment, FlagValue } from '../engine/deployment.ts';
import { findEngine } from '../engine/engines.ts';
import type { EstimateRequest } from '../estimate/types.ts';
import { gpuPrice, instancePrice, type Price } from './prices.ts';
import { type Fleet, type FleetOrNot, fleetFor } from './replica.ts';
import type { RankDocument, RankRejection, RankRequest, RankRow } from './types.ts';

/** One number of GPUs a replica, and what came of it. */
interface Attempt {
  readonly gpuCount: number;
  readonly flags: Readonly<Record<string, number>>;
  readonly result: FleetOrNot;
}

/**
 * GPUs and instances that carry the load within the service level, cheapest first; and why the others do not. For each, the
 * number of GPUs a replica that costs least; without a price, that takes the fewest GPUs. Pure, and fast enough for the whole
 * catalogue at a keystroke.
 */
export function rank(request: RankRequest): RankDocument {
  const attempts = new Map<string, readonly Attempt[]>();
  const attemptsOn = (device: Device): readonly Attempt[] => {
    const known = attempts.get(device.id);
    if (known !== undefined) return known;
    const made = attemptsFor(request, device);
    attempts.set(device.id, made);
    return made;
  };
  const byId = new Map(request.devices.map((device) => [device.id, device]));
  const outcomes = [
    ...request.devices.map((device) => gpuOutcome(request, device, attemptsOn(device))),
    ...request.instances.flatMap((instance) => {
      const device = byId.get(instance.device);
      return device === undefined ? [] : [instanceOutcome(request, instance, device, attemptsOn(device))];
    }),
  ];
  const rows = outcomes.flatMap((outcome) => ('row' in outcome ? [outcome] : []));
  rows.sort((a, b) => compareRows(a.row, b.row));
  const [best] = rows;
  const engine = findEngine(request.deployment.engine);
  return {
    schema: 1,
    model: request.model.id,
    engine: request.deployment.engine,
    engineVersion:
      best?.fleet.estimate.engineVersion ?? request.deployment.engineVersion ?? engine?.defaultVersion ?? '',
    load: request.load,
    serviceLevel: request.serviceLevel,
    rows: rows.map(({ row }) => row),
    rejected: outcomes.flatMap((outcome) => ('row' in outcome ? [] : [outcome])),
    warnings: best?.fleet.estimate.warnings ?? [],
  };
}

const parallelFlags = ['tensor-parallel-size', 'pipeline-parallel-size', 'data-parallel-size'] as const;

function attemptsFor(request: RankRequest, device: Device): readonly Attempt[] {
  const { deployment, model, draft, load, serviceLevel, weightsBytes } = request;
  const written = parallelFlags.map((flag) => writtenFlag(deployment, flag));
  const engine = findEngine(deployment.engine);
  const splits = engine?.canonicalFlag('tensor-parallel-size') !== undefined;
  const isFixed = written.some((value) => value !== undefined);
  const counts = isFixed
    ? [written.reduce((product: number, value) => product * (Number(value) >= 1 ? Number(value) : 1), 1)]
    : splits
      ? (request.gpuCounts ?? [1, 2, 4, 8]).filter((count) => count <= (device.gpusPerNode ?? 8))
      : [1];
  const length = lengthFlags(request);
  return counts.map((gpuCount) => {
    const split = isFixed || gpuCount === 1 ? {} : { 'tensor-parallel-size': gpuCount };
    const flags: Readonly<Record<string, number>> = { ...length, ...split };
    const one: EstimateRequest = {
      source: device.id,
      deployment: { ...deployment, flags: { ...deployment.flags, ...flags } },
      model,
      device,
      gpuCount,
      ...(draft === undefined ? {} : { draft }),
      ...(weightsBytes === undefined ? {} : { weightsBytes }),
    };
    return { gpuCount, flags, result: fleetFor(one, load, serviceLevel) };
  });
}

/** Where the deployment names no length, that of the load: a model's full context would keep it off cards that serve it well. */
function lengthFlags({ deployment, model, load }: RankRequest): Readonly<Record<string, number>> {
  const tokens = load.inputTokens + load.outputTokens;
  const hasFlag = findEngine(deployment.engine)?.canonicalFlag('max-model-len') !== undefined;
  const isWritten = writtenFlag(deployment, 'max-model-len') !== undefined;
  return isWritten || !hasFlag || tokens > model.maxPositionEmbeddings ? {} : { 'max-model-len': tokens };
}

function writtenFlag({ flags }: Deployment, name: string): FlagValue | undefined {
  return Object.hasOwn(flags, name) ? flags[name] : undefined;
}

type Outcome = { readonly row: RankRow; readonly fleet: Fleet } | RankRejection;

function gpuOutcome(request: RankRequest, device: Device, attempts: readonly Attempt[]): Outcome {
  const name = { kind: 'gpu', id: device.id, label: device.label, device: device.id } as const;
  const price = gpuPrice(device, request.prices);
  return cheapest(
    name,
    attempts.map((attempt) => ({ attempt, price, unitsFor: (replicas) => replicas * attempt.gpuCount })),
  );
}

function instanceOutcome(
  request: RankRequest,
  instance: Instance,
  device: Device,
  attempts: readonly Attempt[],
): Outcome {
  const label = `${instance.cloud} ${instance.id} (${instance.gpuCount} × ${device.label})`;
  const name = { kind: 'instance', id: instance.id, label, device: device.id } as const;
  const price = instancePrice(instance, request.prices);
  const inside = attempts.filter(({ gpuCount }) => gpuCount <= instance.gpuCount);
  if (inside.length === 0) {
    const least = Math.min(...attempts.map(({ gpuCount }) => gpuCount));
    const reason = `a replica takes ${least} GPUs, it has ${instance.gpuCount}`;
    return { ...name, gpuCount: instance.gpuCount, cause: 'does-not-fit', reason };
  }
  return cheapest(
    name,
    inside.map((attempt) => ({
      attempt,
      price,
      unitsFor: (replicas) => Math.ceil(replicas / Math.floor(instance.gpuCount / attempt.gpuCount)),
    })),
  );
}

interface Offer {
  readonly attempt: Attempt;
  readonly price: Price | undefined;
  /** GPUs or instances that so many replicas take. */
  readonly unitsFor: (replicas: number) => number;
}

function cheapest(
  name: Pick<RankRow, 'kind' | 'id' | 'label' | 'device'>,
  offers: readonly Offer[],
): Outcome {
  let best: { readonly row: RankRow; readonly fleet: Fleet } | undefined;
  let furthest: RankRejection | undefined;
  for (const offer of offers) {
    const { result, gpuCount } = offer.attempt;
    if ('fleet' in result) {
      const row = rowOf(name, offer, result.fleet);
      if (best === undefined || compareRows(row, best.row) < 0) best = { row, fleet: result.fleet };
      continue;
    }
    const rejection: RankRejection = { ...name, gpuCount, cause: result.cause, reason: result.reason };
    // Too slow came further than too small; of equals, the one with the most GPUs that the model can be split over says most.
    const saysMore =
      rejection.cause === 'service-level' || (furthest?.cause !== 'service-level' && result.isSplit !== true);
    if (furthest === undefined || saysMore) furthest = rejection;
  }
  return (
    best ??
    furthest ?? {
      ...name,
      gpuCount: 0,
      cause: 'unknown',
      reason: 'none of the numbers of GPUs to try is found in one machine',
    }
  );
}

function rowOf(
  name: Pick<RankRow, 'kind' | 'id' | 'label' | 'device'>,
  { attempt, price, unitsFor }: Offer,
  fleet: Fleet,
): RankRow {
  const { speed, verdict } = fleet.estimate;
  const units = unitsFor(fleet.replicas);
  const dollars = (unitCount: number, tokensPerSecond: number) =>
    price === undefined ? null : (unitCount * price.dollarsPerHour * 1e6) / (tokensPerSecond * 3600);
  const [slow, fast] = fleet.outputTokensPerSecondBand;
  const [few, many] = fleet.replicasBand;
  const [low, high] = [dollars(unitsFor(few), fast), dollars(unitsFor(many), slow)];
  return {
    ...name,
    gpuCount: attempt.gpuCount,
    flags: attempt.flags,
    replicas: fleet.replicas,
    units,
    dollarsPerHour: price === undefined ? null : units * price.dollarsPerHour,
    priceSource: price?.source ?? null,
    dollarsPerMillionOutputTokens: dollars(units, fleet.outputTokensPerSecond),
    batch: speed.batch,
    ttftMs: speed.ttftMs,
    tpotMs: speed.tpotMs,
    outputTokensPerSecond: fleet.outputTokensPerSecond,
    mostOutputTokensPerSecond: fleet.mostOutputTokensPerSecond,
    bands: {
      ttftMs: speed.bands.ttftMs,
      tpotMs: speed.bands.tpotMs,
      outputTokensPerSecond: fleet.outputTokensPerSecondBand,
      dollarsPerMillionOutputTokens: low === null || high === null ? null : [low, high],
    },
    bound: speed.bound,
    surelyWithinServiceLevel: fleet.surelyWithinServiceLevel,
    verdict: { outcome: verdict.outcome, reason: verdict.reason },
    source: speed.source,
  };
}

/** By cost; without a price after those with one, by units and then by speed. */
function compareRows(a: RankRow, b: RankRow): number {
  const cost = (row: RankRow) => row.dollarsPerMillionOutputTokens ?? Number.MAX_VALUE;
  return cost(a) - cost(b) || a.units - b.units || a.tpotMs - b.tpotMs;
}
