import { closest } from '../closest.ts';
import { closestDeviceName, findDevice } from '../device/catalogue.ts';
import type { Device } from '../device/device.ts';
import type { Instance } from '../device/instances/instance.ts';
import { allInstances, findInstance } from '../device/instances.ts';
import { isRecord } from '../model/configFields.ts';
import { failure, type Problem, type Result, success } from '../result.ts';

/** A user's own prices, US dollars an hour, by device id and by instance id. They win over list prices. */
export interface Prices {
  readonly gpus: ReadonlyMap<string, number>;
  readonly instances: ReadonlyMap<string, number>;
}

export interface Price {
  readonly dollarsPerHour: number;
  readonly source: string;
}

export const listPrices: Prices = { gpus: new Map(), instances: new Map() };

/**
 * `{ "h100-sxm-80gb": 2.5, "p5.48xlarge": 98.32 }`: dollars an hour of one GPU, or of a whole instance. Any name of a GPU is
 * taken. Problems: `prices.not-an-object`, `prices.unknown-name`, `prices.twice`, `prices.bad-price`, each with its path.
 */
export function parsePrices(value: unknown): Result<Prices> {
  if (!isRecord(value)) {
    return failure({
      code: 'prices.not-an-object',
      message: 'Prices are an object of names and dollars an hour: {"h100-sxm-80gb": 2.5}.',
    });
  }
  const gpus = new Map<string, number>();
  const instances = new Map<string, number>();
  const problems: Problem[] = [];
  for (const [name, price] of Object.entries(value)) {
    const say = (code: string, message: string) => problems.push({ code, message, path: [name] });
    const instance = findInstance(name);
    const device = instance === undefined ? findDevice(name) : undefined;
    if (instance === undefined && device === undefined) {
      const near = closestDeviceName(name) ?? closest(name, instanceIds);
      say(
        'prices.unknown-name',
        `"${name}" is no GPU and no instance that is known.${near === undefined ? '' : ` Did you mean ${near}?`}`,
      );
      continue;
    }
    if (typeof price !== 'number' || !Number.isFinite(price) || price <= 0) {
      say('prices.bad-price', `The price of "${name}" is to be a number of dollars above 0.`);
      continue;
    }
    const [kind, id] = instance === undefined ? [gpus, device?.id ?? name] : [instances, instance.id];
    if (kind.has(id)) say('prices.twice', `"${name}" is another name of ${id}, which has a price already.`);
    kind.set(id, price);
  }
  return problems.length > 0 ? failure(...problems) : success({ gpus, instances });
}

const instanceIds: readonly string[] = allInstances().map(({ id }) => id);

/** Of one GPU. */
export function gpuPrice(device: Device, prices: Prices): Price | undefined {
  const own = prices.gpus.get(device.id);
  if (own !== undefined) return { dollarsPerHour: own, source: 'your price' };
  const { dollarsPerHour, priceSource = 'list price' } = device;
  return dollarsPerHour === undefined ? undefined : { dollarsPerHour, source: priceSource };
}

/** Of a whole instance. */
export function instancePrice(instance: Instance, prices: Prices): Price | undefined {
  const own = prices.instances.get(instance.id);
  if (own !== undefined) return { dollarsPerHour: own, source: 'your price' };
  const { price } = instance;
  if (price === undefined) return undefined;
  const source = [price.source, price.region, price.date ?? 'undated'].join(', ');
  return { dollarsPerHour: price.dollarsPerHour, source };
}
