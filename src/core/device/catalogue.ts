import { a10g24gb } from './catalogue/a10g24gb.ts';
import { a100Sxm40gb } from './catalogue/a100Sxm40gb.ts';
import { a100Sxm80gb } from './catalogue/a100Sxm80gb.ts';
import { b200Sxm180gb } from './catalogue/b200Sxm180gb.ts';
import { h100Pcie80gb } from './catalogue/h100Pcie80gb.ts';
import { h100Sxm80gb } from './catalogue/h100Sxm80gb.ts';
import { h200Sxm141gb } from './catalogue/h200Sxm141gb.ts';
import { l40s48gb } from './catalogue/l40s48gb.ts';
import { l424gb } from './catalogue/l424gb.ts';
import { rtx409024gb } from './catalogue/rtx409024gb.ts';
import { rtx509032gb } from './catalogue/rtx509032gb.ts';
import { rtxPro600096gb } from './catalogue/rtxPro600096gb.ts';
import { t416gb } from './catalogue/t416gb.ts';
import { v100Sxm216gb } from './catalogue/v100Sxm216gb.ts';
import { v100Sxm232gb } from './catalogue/v100Sxm232gb.ts';
import type { Device } from './device.ts';

/** In the order in which a person would look for one: data centre first, newest first. */
const devices: readonly Device[] = [
  b200Sxm180gb,
  h200Sxm141gb,
  h100Sxm80gb,
  h100Pcie80gb,
  a100Sxm80gb,
  a100Sxm40gb,
  l40s48gb,
  l424gb,
  a10g24gb,
  rtxPro600096gb,
  rtx509032gb,
  rtx409024gb,
  v100Sxm232gb,
  v100Sxm216gb,
  t416gb,
];

const byName = new Map<string, Device>();
for (const device of devices) {
  for (const name of [device.id, ...device.aliases, ...device.driverNames])
    byName.set(name.toLowerCase(), device);
}

/** A device by id, alias or the driver's name (`nvidia-smi -L`), in any case. */
export function findDevice(name: string): Device | undefined {
  return byName.get(name.trim().toLowerCase());
}

export function allDevices(): readonly Device[] {
  return devices;
}
