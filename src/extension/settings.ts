import { type ConfigurationScope, ConfigurationTarget, workspace } from 'vscode';
import type { DeviceSource } from '../protocol/agent.ts';
import type { ServerSettings } from '../protocol/lsp.ts';
import type { SshBackend } from '../remote/connect.ts';

/** Section of all settings. */
export const section = 'loadline';

/** What estimates take from the settings of a resource. */
export function estimateSettings(scope?: ConfigurationScope): ServerSettings {
  const settings = workspace.getConfiguration(section, scope);
  return {
    gpu: settings.get<string>('gpu')?.trim() || null,
    gpuCount: settings.get<number>('gpuCount') ?? 1,
    engineVersion: settings.get<string>('engineVersion')?.trim() || null,
    inlayHints: { enabled: settings.get<boolean>('inlayHints.enabled') === true },
  };
}

/** Hosts added by hand, as typed. */
export function addedHosts(): readonly string[] {
  return hostSettings().map(({ host }) => host);
}

/** What carries a host's connection: ssh2 unless its entry says otherwise. */
export function backendOf(host: string): SshBackend {
  return hostSettings().find((entry) => entry.host === host)?.backend ?? 'ssh2';
}

/** Adds a host, or gives one another back end. What stands there is kept as it is. */
export async function writeHost(host: string, backend?: SshBackend): Promise<void> {
  const settings = workspace.getConfiguration(section);
  const present = settings.get<unknown>('hosts');
  const others = (Array.isArray(present) ? present : []).filter((entry) => readHost(entry)?.host !== host);
  const entry = backend === undefined ? host : { host, backend };
  await settings.update('hosts', [...others, entry], ConfigurationTarget.Global);
}

/** Takes a host out that was added by hand. */
export async function removeHost(host: string): Promise<void> {
  const settings = workspace.getConfiguration(section);
  const present = settings.get<unknown>('hosts');
  const others = (Array.isArray(present) ? present : []).filter((entry) => readHost(entry)?.host !== host);
  await settings.update('hosts', others.length === 0 ? undefined : others, ConfigurationTarget.Global);
}

interface HostSetting {
  readonly host: string;
  readonly backend?: SshBackend;
}

function hostSettings(): readonly HostSetting[] {
  const hosts = workspace.getConfiguration(section).get<unknown>('hosts');
  return Array.isArray(hosts) ? hosts.map(readHost).filter((entry) => entry !== undefined) : [];
}

/** A name alone, or `{host, backend}`. */
function readHost(entry: unknown): HostSetting | undefined {
  if (typeof entry === 'string') return entry.trim() === '' ? undefined : { host: entry };
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { host, backend } = entry as { readonly host?: unknown; readonly backend?: unknown };
  if (typeof host !== 'string' || host.trim() === '') return undefined;
  return backend === 'openssh' || backend === 'ssh2' ? { host, backend } : { host };
}

export function sampleIntervalMs(): number {
  return workspace.getConfiguration(section).get<number>('agent.sampleIntervalMs') ?? 1000;
}

/** The host's own GPUs, unless a recording is to be played in their place. */
export function deviceSource(): DeviceSource {
  const name = workspace.getConfiguration(section).get<string>('agent.recordedDevice')?.trim() ?? '';
  return name === '' ? { kind: 'auto' } : { kind: 'recorded', name };
}

/** Whether the model hub may be asked: `ask` asks once. */
export function hubLeave(): 'ask' | 'on' | 'off' {
  const leave = workspace.getConfiguration(section).get<string>('hub.enabled');
  return leave === 'on' || leave === 'off' ? leave : 'ask';
}

/** Empty: the usual hub. */
export function hubEndpoint(): string {
  return workspace.getConfiguration(section).get<string>('hub.endpoint')?.trim() ?? '';
}

/** The user's own prices, US dollars an hour, by the name of a GPU or an instance; what is no price is left out. */
export function ownPrices(): Readonly<Record<string, number>> {
  const prices = workspace.getConfiguration(section).get<unknown>('prices');
  if (typeof prices !== 'object' || prices === null) return {};
  return Object.fromEntries(
    Object.entries(prices).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0,
    ),
  );
}

/** null goes back to the list price. */
export async function keepPrice(name: string, dollarsPerHour: number | null): Promise<void> {
  if (!/^[\w.:-]{1,80}$/.test(name)) return;
  if (dollarsPerHour !== null && !(Number.isFinite(dollarsPerHour) && dollarsPerHour > 0)) return;
  const { [name]: _, ...others } = ownPrices();
  const prices = dollarsPerHour === null ? others : { ...others, [name]: dollarsPerHour };
  await workspace.getConfiguration(section).update('prices', prices, ConfigurationTarget.Global);
}
