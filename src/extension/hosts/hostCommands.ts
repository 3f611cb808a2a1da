/** What is done with one host besides connecting. Loaded on first use. */
import { l10n, window } from 'vscode';
import { findDevice } from '../../core/device/catalogue.ts';
import { acceptedKeys } from '../../remote/acceptedKeys.ts';
import { parseDestination, sshArguments } from '../../remote/destination.ts';
import { removeHost } from '../settings.ts';
import type { HostNode } from '../views/hostsTree.ts';
import { type HostRegistry, hostLabel, thisMachine } from './hostRegistry.ts';
import type { LiveTargetChoice } from './liveTarget.ts';

/** Forgets the host keys that were accepted here, after showing which. known_hosts is never written. */
export async function forgetHostKey(name: string): Promise<void> {
  const { place, knownHostsName: kept, keys, forget } = await acceptedKeys(name);
  if (keys.length === 0) {
    void window.showInformationMessage(
      l10n.t(
        'Loadline keeps no key of {0}. Keys in known_hosts are forgotten with ssh-keygen -R "{1}".',
        place,
        kept,
      ),
    );
    return;
  }
  const confirm = l10n.t('Forget Key');
  const chosen = await window.showWarningMessage(
    l10n.t('Forget the key of {0}?', place),
    {
      modal: true,
      detail: [
        ...keys.map(({ keyType, fingerprint }) => `${keyType}\n${fingerprint}`),
        l10n.t('The next connection asks whether to trust the key that the host then shows.'),
      ].join('\n\n'),
    },
    confirm,
  );
  if (chosen === confirm) await forget();
}

/** A terminal there: the ssh program with its own configuration, agent and prompts. Its words pass no shell. */
export async function openHostTerminal(name: string): Promise<void> {
  const options =
    name === thisMachine
      ? {}
      : {
          shellPath: 'ssh',
          shellArgs: sshArguments(parseDestination(name), {
            configFile: process.env['LOADLINE_SSH_CONFIG'] || undefined,
          }),
        };
  window.createTerminal({ name: hostLabel(name), ...options }).show();
}

/** From a GPU in the view: what deployments are estimated for until its host is disconnected. A comment in a file still wins. */
export function estimateForHostGpu(
  targets: Pick<LiveTargetChoice, 'offered' | 'choose'>,
  node: unknown,
): void {
  const { host, gpu } = (node ?? {}) as Partial<Extract<HostNode, { kind: 'gpu' }>>;
  const id = findDevice(gpu?.name ?? '')?.id;
  const target = targets.offered().find((one) => one.host === host && findDevice(one.gpu)?.id === id);
  if (id === undefined || target === undefined)
    throw new Error(l10n.t('Connect to the host first: estimates need its GPU as a probe finds it.'));
  targets.choose({ host: target.host, gpu: target.gpu });
}

/** Takes Loadline off a host, and disconnects. Runs and what they measured stay, unless they are asked for too. */
export async function uninstallAgent(hosts: HostRegistry, name: string): Promise<void> {
  const [agentOnly, withRuns] = [l10n.t('Remove'), l10n.t('Remove with All Runs')];
  const chosen = await window.showWarningMessage(
    l10n.t('Remove the Loadline agent from {0}?', hostLabel(name)),
    {
      modal: true,
      detail: l10n.t(
        'Connecting again puts it back. Runs that lie there, with what they measured, stay unless they are removed too. While a run is going on nothing is removed.',
      ),
    },
    agentOnly,
    withRuns,
  );
  if (chosen === undefined) return;
  const { agent } = await hosts.connectWithProgress(name);
  const { removed, kept } = await agent.uninstall({ runs: chosen === withRuns });
  await hosts.disconnect(name);
  const stays = kept.map(({ path, why }) => `${path} (${why})`).join(', ');
  const done = l10n.t('Removed from {0}: {1}.', hostLabel(name), removed.join(', ') || '-');
  void window.showInformationMessage(stays === '' ? done : `${done} ${l10n.t('Left there: {0}.', stays)}`);
}

/** Takes a host that was added by hand off the list; it is disconnected. */
export async function removeAddedHost(hosts: HostRegistry, name: string): Promise<void> {
  await hosts.disconnect(name);
  await removeHost(name);
}
