/** Loaded after the first paint: ranks the whole catalogue, which nobody needs to see whether this deployment fits. */
import { allDevices } from '../../src/core/device/catalogue.ts';
import { allInstances } from '../../src/core/device/instances.ts';
import type { DeploymentEstimate, EstimateRequest } from '../../src/core/estimate/types.ts';
import { gpuPrice, instancePrice, type Prices, parsePrices } from '../../src/core/rank/prices.ts';
import { rank } from '../../src/core/rank/rank.ts';
import type { RankRejection, RankRow } from '../../src/core/rank/types.ts';

/** A GPU or an instance type, and what it would take to carry the same load on it; or why it cannot. */
export type ComparisonRow = {
  readonly id: string;
  readonly label: string;
  readonly device: string;
  readonly current: boolean;
  /** US dollars an hour of one GPU, or of one instance; null where no price is known. */
  readonly unitDollars: number | null;
  readonly priceSource: string | null;
} & ({ readonly way: RankRow } | { readonly rejection: RankRejection });

export type ComparisonKind = 'gpu' | 'instance';

/** Those that carry the load first, by cost; then the others, those first that came furthest. */
export function compare(
  kind: ComparisonKind,
  request: EstimateRequest,
  now: DeploymentEstimate,
  own: Readonly<Record<string, number>>,
): readonly ComparisonRow[] {
  const { batch, inputTokens, outputTokens } = now.speed;
  const prices = pricesOf(own);
  const { deployment, model, draft, weightsBytes } = request;
  const devices = allDevices();
  const instances = kind === 'instance' ? allInstances() : [];
  const { rows, rejected } = rank({
    deployment,
    model,
    load: { inputTokens, outputTokens, concurrency: batch },
    serviceLevel: {},
    devices,
    instances,
    prices,
    ...(draft === undefined ? {} : { draft }),
    ...(weightsBytes === undefined ? {} : { weightsBytes }),
  });
  const priceOf = new Map(
    kind === 'gpu'
      ? devices.map((device) => [device.id, gpuPrice(device, prices)])
      : instances.map((instance) => [instance.id, instancePrice(instance, prices)]),
  );
  const common = ({ id, label, device }: RankRow | RankRejection) => ({
    id,
    label,
    device,
    current: kind === 'gpu' && id === request.device.id,
    unitDollars: priceOf.get(id)?.dollarsPerHour ?? null,
    priceSource: priceOf.get(id)?.source ?? null,
  });
  return [
    ...rows.filter((row) => row.kind === kind).map((way) => ({ ...common(way), way })),
    ...rejected
      .filter((row) => row.kind === kind)
      .toSorted((a, b) => causes.indexOf(a.cause) - causes.indexOf(b.cause))
      .map((rejection) => ({ ...common(rejection), rejection })),
  ];
}

const causes: readonly RankRejection['cause'][] = ['service-level', 'does-not-fit', 'unknown'];

/** A name that the settings have wrong spoils no other. */
function pricesOf(own: Readonly<Record<string, number>>): Prices {
  const gpus = new Map<string, number>();
  const instances = new Map<string, number>();
  for (const [name, price] of Object.entries(own)) {
    const parsed = parsePrices({ [name]: price });
    if (!parsed.ok) continue;
    for (const [id, dollars] of parsed.value.gpus) gpus.set(id, dollars);
    for (const [id, dollars] of parsed.value.instances) instances.set(id, dollars);
  }
  return { gpus, instances };
}
