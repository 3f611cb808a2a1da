import { aws } from './instances/aws.ts';
import { azure } from './instances/azure.ts';
import { googleCloud } from './instances/googleCloud.ts';
import { gpuClouds } from './instances/gpuClouds.ts';
import type { Instance } from './instances/instance.ts';
import { oracle } from './instances/oracle.ts';

const instances: readonly Instance[] = [...aws, ...azure, ...googleCloud, ...oracle, ...gpuClouds];

const byId = new Map(instances.map((instance) => [instance.id.toLowerCase(), instance]));

/** An instance type by the cloud's own name, in any case. */
export function findInstance(id: string): Instance | undefined {
  return byId.get(id.trim().toLowerCase());
}

export function allInstances(): readonly Instance[] {
  return instances;
}

/** The least that one GPU of this device costs as a part of an instance whose list price is known. */
export function cheapestInstancePrice(
  deviceId: string,
): { readonly dollarsPerHour: number; readonly priceSource: string } | undefined {
  let cheapest: { readonly dollarsPerHour: number; readonly priceSource: string } | undefined;
  for (const instance of instances) {
    if (instance.device !== deviceId || instance.price === undefined) continue;
    const dollarsPerHour = instance.price.dollarsPerHour / instance.gpuCount;
    if (cheapest === undefined || dollarsPerHour < cheapest.dollarsPerHour) {
      cheapest = { dollarsPerHour, priceSource: priceWords(instance) };
    }
  }
  return cheapest;
}

/** `1/8 of AWS p5.48xlarge, us-east-1, 2026-05`. */
function priceWords({ id, cloud, gpuCount, price }: Instance): string {
  const part = gpuCount === 1 ? '' : `1/${gpuCount} of `;
  return [`${part}${cloud} ${id}`, price?.region, price?.date ?? 'undated'].join(', ');
}
