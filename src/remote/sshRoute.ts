import { RemoteError } from './host.ts';
import { resolveTarget, type SshConfigOptions, type SshTarget } from './sshConfig.ts';

/** The hosts that a connection goes through, nearest first; the last one is the target. Each has its own settings. */
export type SshRoute = readonly [SshTarget, ...SshTarget[]];

/** More than anybody has; a config that sends hosts through one another has no end. */
const longestRoute = 8;

/**
 * Follows ProxyJump as OpenSSH does: of a list the last host is the one before the target, each is reached through the one
 * before it whatever its own config says, and the first one by its own config. Throws RemoteError `config`.
 */
export async function resolveRoute(name: string, options: SshConfigOptions): Promise<SshRoute> {
  let route: SshRoute = [await resolveTarget(name, options)];
  for (;;) {
    const { proxy } = route[0];
    if (proxy?.kind !== 'jump') return route;
    const targets: SshTarget[] = [];
    for (const hop of proxy.hops) targets.push(await resolveHop(hop, name, options));
    const [first, ...others] = targets;
    if (first === undefined) return route;
    route = [first, ...others, ...route];
    if (route.length > longestRoute || isSamePlace(first, route[targets.length]))
      throw new RemoteError(
        'config',
        name,
        `The SSH config sends ${name} in a circle: ${route.map((target) => target.name).join(' → ')}. ` +
          'Set ProxyJump none for the host that is reached directly.',
      );
  }
}

async function resolveHop(hop: string, name: string, options: SshConfigOptions): Promise<SshTarget> {
  try {
    return await resolveTarget(hop, options);
  } catch (error) {
    if (!RemoteError.is(error, 'config')) throw error;
    throw new RemoteError('config', name, `On the way to ${name} (ProxyJump): ${error.message}`, {
      cause: error,
    });
  }
}

function isSamePlace(one: SshTarget, other: SshTarget | undefined): boolean {
  return one.hostname === other?.hostname && one.port === other.port && one.user === other.user;
}
