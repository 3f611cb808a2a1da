import { lookupHost } from './hostKeyCheck.ts';
import { type KnownKey, knownHostsName } from './knownHosts.ts';
import { resolveTarget } from './sshConfig.ts';
import { defaultTrustStoreFile, TrustStore } from './trustStore.ts';

/** The keys of a host that a person accepted in Loadline. What OpenSSH itself knows is not among them. */
export interface AcceptedKeys {
  /** As the keys are kept by: `gpu.example`, `gpu.example:2222`. */
  readonly place: string;
  /** As ssh-keygen finds it in known_hosts: `[gpu.example]:2222`. */
  readonly knownHostsName: string;
  readonly keys: readonly KnownKey[];
  /** The next connection asks again. */
  forget(): Promise<boolean>;
}

/** Throws RemoteError `config` for what is no host, and what reading the store throws: unreadable is not empty. */
export async function acceptedKeys(
  name: string,
  {
    environment = process.env,
    trustStoreFile = defaultTrustStoreFile(environment),
  }: { readonly environment?: NodeJS.ProcessEnv; readonly trustStoreFile?: string } = {},
): Promise<AcceptedKeys> {
  const configFile = environment['LOADLINE_SSH_CONFIG'];
  const target = await resolveTarget(name, { environment, ...(configFile ? { configFile } : {}) });
  const host = lookupHost(target);
  const store = new TrustStore(trustStoreFile);
  return {
    place: target.port === 22 ? host : `${host}:${target.port}`,
    knownHostsName: target.hostKeyAlias?.toLowerCase() ?? knownHostsName(target.hostname, target.port),
    keys: await store.keysFor(host, target.port),
    forget: () => store.forget(host, target.port),
  };
}
