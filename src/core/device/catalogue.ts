import { closest } from '../closest.ts';
import { adaDataCentre } from './catalogue/ada.ts';
import { ampere } from './catalogue/ampere.ts';
import { blackwellDataCentre } from './catalogue/blackwell.ts';
import { geForce } from './catalogue/geforce.ts';
import { hopperDataCentre } from './catalogue/hopper.ts';
import { instinct } from './catalogue/instinct.ts';
import { volta } from './catalogue/volta.ts';
import { workstation } from './catalogue/workstation.ts';
import type { Device } from './device.ts';
import { cheapestInstancePrice } from './instances.ts';
import { migSlice } from './mig.ts';

/** In the order in which a person would look for one: data centre first, newest first. */
const devices: readonly Device[] = [
  ...blackwellDataCentre,
  ...hopperDataCentre,
  ...adaDataCentre,
  ...ampere,
  ...instinct,
  ...workstation,
  ...geForce,
  ...volta,
].map(withListPrice);

/** The GPU's part of the cheapest cloud instance whose price is known. */
function withListPrice(device: Device): Device {
  const price = cheapestInstancePrice(device.id);
  return price === undefined ? device : { ...device, ...price };
}

const byName = new Map<string, Device>();
for (const device of devices) {
  for (const name of [device.id, ...device.aliases, ...device.driverNames]) byName.set(nameKey(name), device);
}

const slices = new Map<string, Device>();

/**
 * A device by id, alias, the driver's name (`nvidia-smi -L`), or a Kubernetes label or accelerator name made of one
 * (`NVIDIA-H100-80GB-HBM3`, `nvidia-l4`), in any case. A MIG slice by `<name> MIG 3g.20gb` or `<id>:mig-3g.20gb`; media
 * suffixes (`+me`) do not matter. A short form that several cards share means the one that clouds rent most: `a100` the SXM 80 GB,
 * `h100` the SXM 80 GB, `v100` the SXM2 16 GB, `rtx-pro-6000` the server edition.
 */
export function findDevice(name: string): Device | undefined {
  const key = nameKey(name);
  const [, whole, profile] = /^(.+?)[-:]mig-(\d+g\.\d+gb)(?:[+.-].*)?$/.exec(key) ?? [];
  return whole === undefined || profile === undefined ? wholeDevice(key) : slice(whole, profile);
}

function wholeDevice(key: string): Device | undefined {
  const bare = key.replace(/-shared$/, '');
  return byName.get(bare) ?? byName.get(bare.replace(/^(?:(?:nvidia|tesla|geforce|amd|instinct)-)+/, ''));
}

function slice(whole: string, profileName: string): Device | undefined {
  const device = wholeDevice(whole);
  const profile = device?.migProfiles?.find(({ name }) => name === profileName);
  if (device === undefined || profile === undefined) return undefined;
  const id = `${device.id}:mig-${profile.name}`;
  const made = slices.get(id) ?? migSlice(device, profile);
  slices.set(id, made);
  return made;
}

/** Case, blanks, underscores and dashes do not tell two GPUs apart: Kubernetes labels have dashes for blanks. */
function nameKey(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '-');
}

/** Whole GPUs; MIG slices are found by name. */
export function allDevices(): readonly Device[] {
  return devices;
}

/** The name nearest to one that is not known, where one is near: for the error. */
export function closestDeviceName(name: string): string | undefined {
  const key = nameKey(name);
  const [whole = key, profile = ''] = key.split(/[-:]mig-/);
  const device = wholeDevice(whole);
  if (device !== undefined && whole !== key) {
    const names = (device.migProfiles ?? []).map(({ name: one }) => one);
    const near = closest(profile, names) ?? names[0];
    return near === undefined ? device.id : `${device.id}:mig-${near}`;
  }
  return closest(
    whole,
    devices.flatMap(({ id, aliases }) => [id, ...aliases]),
  );
}
