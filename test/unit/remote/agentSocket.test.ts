import { describe, expect, it } from 'vitest';
import { defaultAgentSocket } from '../../../src/remote/agentSocket.ts';

/** Windows is not here: the list of its pipes is a fake, named as Microsoft's and PuTTY's documentation name them. */
describe('the agent where the config names none (fake Windows pipes)', () => {
  const openssh = 'openssh-ssh-agent';
  const pageant = 'pageant.Ann.1b2c3d4e5f';
  const windows = (pipes: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
    defaultAgentSocket({ USERNAME: 'ann', ...environment }, 'win32', () => pipes);

  it('is what SSH_AUTH_SOCK says, on every system', () => {
    expect(windows([openssh], { SSH_AUTH_SOCK: '/run/agent' })).toBe('/run/agent');
    expect(defaultAgentSocket({ SSH_AUTH_SOCK: '/run/agent' }, 'linux')).toBe('/run/agent');
  });

  it('is the pipe of the OpenSSH agent, else that of the own Pageant', () => {
    expect(windows(['other', pageant, openssh])).toBe('\\\\.\\pipe\\openssh-ssh-agent');
    expect(windows(['pageant.bob.77', pageant])).toBe('\\\\.\\pipe\\pageant.Ann.1b2c3d4e5f');
    expect(windows(['pageant.bob.77'])).toBeNull();
  });

  it('is none where pipes cannot be listed, or there are none', () => {
    const failing = () => {
      throw new Error('EPERM');
    };
    expect(defaultAgentSocket({ USERNAME: 'ann' }, 'win32', failing)).toBeNull();
    expect(defaultAgentSocket({}, 'linux')).toBeNull();
  });
});
