import { describe, expect, it } from 'vitest';
import { allDevices, findDevice } from '../../../src/core/device/catalogue.ts';

describe('device catalogue', () => {
  it('finds a device by id, alias and driver name, in any case', () => {
    for (const device of allDevices()) {
      for (const name of [device.id, ...device.aliases, ...device.driverNames]) {
        expect(findDevice(name.toUpperCase())?.id).toBe(device.id);
      }
    }
    expect(findDevice('NVIDIA H200')?.id).toBe('h200-sxm-141gb');
    expect(findDevice('h100')?.id).toBe('h100-sxm-80gb');
    expect(findDevice('Voodoo 2')).toBeUndefined();
  });

  it('has no name twice', () => {
    const names = allDevices().flatMap((device) => [device.id, ...device.aliases, ...device.driverNames]);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
  });

  it('knows less memory than nvidia-smi shows, and cites a source', () => {
    for (const device of allDevices()) {
      const hidden = 1 - device.cudaTotalBytes / (device.smiTotalBytes ?? Number.NaN);
      expect(hidden, device.id).toBeGreaterThan(0);
      expect(hidden, device.id).toBeLessThan(0.06);
      expect(device.source.length).toBeGreaterThan(20);
      expect(Object.values(device.flopsPerSecond).every((flops) => flops > 1e13)).toBe(true);
    }
  });
});
