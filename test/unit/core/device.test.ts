import { describe, expect, it } from 'vitest';
import { allDevices, closestDeviceName, findDevice } from '../../../src/core/device/catalogue.ts';
import { allInstances, cheapestInstancePrice, findInstance } from '../../../src/core/device/instances.ts';
import { GiB, MiB } from '../../../src/core/units.ts';
import { device } from './fixtures.ts';

describe('device catalogue', () => {
  it('finds a device by id, alias and driver name, in any case and as a Kubernetes label', () => {
    for (const one of allDevices()) {
      for (const name of [one.id, ...one.aliases, ...one.driverNames]) {
        expect(findDevice(name.toUpperCase())?.id).toBe(one.id);
        expect(findDevice(` ${name.replaceAll(' ', '-')} `)?.id).toBe(one.id);
      }
    }
    expect(findDevice('Voodoo 2')).toBeUndefined();
    expect(findDevice('')).toBeUndefined();
    expect(findDevice('__proto__')).toBeUndefined();
  });

  it.each([
    ['NVIDIA H200', 'h200-sxm-141gb'],
    ['h100', 'h100-sxm-80gb'],
    ['a100', 'a100-sxm-80gb'],
    ['nvidia-a100-80gb', 'a100-sxm-80gb'],
    ['nvidia-tesla-a100', 'a100-sxm-40gb'],
    ['NVIDIA-H100-80GB-HBM3', 'h100-sxm-80gb'],
    ['nvidia-h100-mega-80gb', 'h100-sxm-80gb'],
    ['nvidia-h200-141gb', 'h200-sxm-141gb'],
    ['nvidia-tesla-t4', 't4-16gb'],
    ['nvidia-l4', 'l4-24gb'],
    ['Tesla-T4-SHARED', 't4-16gb'],
    ['NVIDIA GeForce RTX 3090', 'rtx-3090-24gb'],
    ['geforce rtx 4090', 'rtx-4090-24gb'],
    ['AMD_Instinct_MI300X_OAM', 'mi300x-192gb'],
    ['NVIDIA GH200 480GB', 'gh200-96gb'],
  ])('%s is %s', (name, id) => {
    expect(findDevice(name)?.id).toBe(id);
  });

  it('has no name twice, for instances neither', () => {
    const names = allDevices().flatMap((one) => [one.id, ...one.aliases, ...one.driverNames]);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
    const instances = allInstances().map(({ id }) => id.toLowerCase());
    expect(new Set(instances).size).toBe(instances.length);
  });

  it('knows less memory than nvidia-smi shows, and cites a source', () => {
    for (const one of allDevices()) {
      if (one.smiTotalBytes !== undefined) {
        const hidden = 1 - one.cudaTotalBytes / one.smiTotalBytes;
        expect(hidden, one.id).toBeGreaterThan(0);
        expect(hidden, one.id).toBeLessThan(0.06);
      }
      expect(one.source.length, one.id).toBeGreaterThan(20);
    }
  });

  it('gives dense peaks that grow as the elements shrink', () => {
    for (const { id, flopsPerSecond: peaks, link, fabric } of allDevices()) {
      const half = peaks.float16 ?? 0;
      expect(half, id).toBeGreaterThan(1e13);
      for (const [wider, narrower] of [
        [peaks.tf32, peaks.float16],
        [half, peaks.fp8],
        [peaks.fp8, peaks.fp4],
      ]) {
        if (wider === undefined || narrower === undefined) continue;
        expect(narrower / wider, id).toBeGreaterThan(1.8);
        expect(narrower / wider, id).toBeLessThanOrEqual(4);
      }
      expect(fabric !== undefined, id).toBe(link === 'nvlink');
    }
  });

  it('offers a near name for one that is not known', () => {
    expect(closestDeviceName('h20O')).toBe('h200');
    expect(closestDeviceName('rtx-4091')).toBe('rtx-4090');
    expect(closestDeviceName('NVIDIA H100 80GB HBM3 MIG 3g.41gb')).toBe('h100-sxm-80gb:mig-3g.40gb');
    expect(closestDeviceName('rtx-4090:mig-1g.5gb')).toBe('rtx-4090-24gb');
    expect(closestDeviceName('a toaster from 1987')).toBeUndefined();
  });
});

describe('MIG slices', () => {
  it.each([
    ['NVIDIA A100-SXM4-40GB MIG 3g.20gb', 'a100-sxm-40gb:mig-3g.20gb', 19.62, 42],
    ['NVIDIA-A100-SXM4-40GB-MIG-3g.20gb', 'a100-sxm-40gb:mig-3g.20gb', 19.62, 42],
    ['h100-sxm-80gb:mig-3g.40gb', 'h100-sxm-80gb:mig-3g.40gb', 39.5, 60],
    ['h200:mig-1g.18gb+me', 'h200-sxm-141gb:mig-1g.18gb', 16, 16],
    ['NVIDIA RTX PRO 6000 Blackwell Server Edition MIG 2g.48gb', 'rtx-pro-6000-96gb:mig-2g.48gb', 47.38, 94],
  ])('%s', (name, id, gibibytes, multiprocessors) => {
    const slice = device(name);
    expect(slice).toMatchObject({ id, multiprocessors, link: 'pcie' });
    expect(slice.cudaTotalBytes).toBe(Math.round(gibibytes * GiB));
    expect(slice.fabric).toBeUndefined();
    // One object a slice: what is kept by device stays found.
    expect(findDevice(slice.id)).toBe(slice);
  });

  it('is no more than its part of the GPU', () => {
    for (const whole of allDevices()) {
      for (const profile of whole.migProfiles ?? []) {
        const slice = device(`${whole.id}:mig-${profile.name}`);
        expect(slice.cudaTotalBytes, slice.id).toBeLessThanOrEqual(
          whole.cudaTotalBytes * profile.memoryShare * 1.01,
        );
        expect(profile.instances * profile.multiprocessors, slice.id).toBeLessThanOrEqual(
          whole.multiprocessors,
        );
        expect(slice.memoryBytesPerSecond).toBeCloseTo(whole.memoryBytesPerSecond * profile.memoryShare, -3);
        expect((slice.flopsPerSecond.float16 ?? 0) / (whole.flopsPerSecond.float16 ?? 1)).toBeCloseTo(
          profile.multiprocessors / whole.multiprocessors,
          9,
        );
      }
    }
  });

  it('does not make up a profile', () => {
    expect(findDevice('NVIDIA H200 MIG 3g.40gb')).toBeUndefined();
    expect(findDevice('rtx-4090:mig-1g.5gb')).toBeUndefined();
  });

  it('has the sizes that a recorded H200 prints', () => {
    expect(device('h200').migProfiles?.map(({ memoryBytes }) => memoryBytes / MiB)).toEqual(
      [16, 32.5, 32.5, 69.75, 69.75, 140].map((gibibytes) => gibibytes * 1024),
    );
  });
});

describe('cloud instances', () => {
  it('hold GPUs of the catalogue, and a price only with its source', () => {
    for (const instance of allInstances()) {
      expect(findDevice(instance.device)?.id, instance.id).toBe(instance.device);
      expect([1, 2, 4, 8]).toContain(instance.gpuCount);
      if (instance.price === undefined) continue;
      const perGpu = instance.price.dollarsPerHour / instance.gpuCount;
      expect(perGpu, instance.id).toBeGreaterThan(0.3);
      expect(perGpu, instance.id).toBeLessThan(20);
      expect(instance.price.source).toContain('list');
    }
    expect(findInstance('P5.48XLARGE')).toMatchObject({ device: 'h100-sxm-80gb', gpuCount: 8 });
  });

  it('price a GPU by the cheapest of them, and say by which', () => {
    expect(cheapestInstancePrice('l4-24gb')?.dollarsPerHour).toBe(0.708);
    expect(device('a10g')).toMatchObject({
      dollarsPerHour: 1.006,
      priceSource: 'AWS g5.xlarge, us-east-1, 2026-08',
    });
    expect(device('rtx-4090').dollarsPerHour).toBeUndefined();
  });
});
