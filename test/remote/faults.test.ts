import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openAgent } from '../../src/remote/agentClient.ts';
import { connectAgain } from '../../src/remote/backOff.ts';
import type { RemoteError, RemoteHost } from '../../src/remote/host.ts';
import {
  type LoopbackSshd,
  type LoopbackSshdOptions,
  startLoopbackSshd,
  waitFor,
} from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { buildAgent, connectTo, failureOf, logOf, prompterOf } from './support.ts';

let sshd: LoopbackSshd;
const relays: { close(): void }[] = [];
afterEach(async () => {
  for (const relay of relays.splice(0)) relay.close();
  await sshd.stop();
});

async function start(options: LoopbackSshdOptions = {}): Promise<void> {
  sshd = await startLoopbackSshd(options);
}

/** A relay between the client and the real sshd: the network, to be broken in ways that neither end does. */
interface Relay {
  /** Both ends get a reset. */
  reset(): void;
  /** Nothing more goes either way; nobody is told. */
  swallow(): void;
  close(): void;
}

/** Puts a relay before sshd, by the client's config. `lateGreeting`: what sshd says first is held back until the client has spoken. */
async function relay({ lateGreeting = false } = {}): Promise<Relay> {
  const sockets: Socket[] = [];
  const server: Server = createServer((near) => {
    const far = connectTcp(sshd.port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from);
      from.on('error', () => {});
      if (lateGreeting && from === far) near.once('data', () => from.pipe(to));
      else from.pipe(to);
      from.once('close', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const config = await readFile(sshd.configFile, 'utf8');
  await writeFile(
    sshd.configFile,
    config.replace(`Port ${sshd.port}`, `Port ${address.port}\n  HostKeyAlias [127.0.0.1]:${sshd.port}`),
  );
  const made: Relay = {
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    swallow: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  relays.push(made);
  return made;
}

/** Prints for ever: it ends by itself only when nobody takes its output any more. */
const endless = ['/bin/sh', '-c', 'while echo; do sleep 0.05; done'];

const nothingRuns = () =>
  waitFor(async () => (await processesOf(sshd.home)).length === 0, 'nothing to be left running on the host');

describe.each(['ssh2', 'openssh'] as const)('over %s', (backend) => {
  const open = (prompter = prompterOf()) => connectTo(sshd, { backend, prompter });

  it.each(['reset', 'swallow'] as const)(
    'a network that breaks (%s): lost, and nothing is left',
    async (how) => {
      await start({
        clientLines: ['ServerAliveInterval 1', 'ServerAliveCountMax 3'],
      });
      const network = await relay();
      const host = await open();
      const closed = new Promise((resolve) => host.onDidClose(resolve));
      const running = failureOf(host.exec(endless));
      await waitFor(async () => (await processesOf(sshd.home)).length > 0, 'the command to run');
      network[how]();
      expect(await closed).toMatchObject({ reason: 'lost', host: sshd.alias });
      expect(await running).toMatchObject({ reason: 'lost' });
      expect(await failureOf(host.exec(['true']))).toMatchObject({ reason: 'lost' });
      // A server that hears nothing learns of the end when its network does.
      network.close();
      await nothingRuns();
      await waitFor(() => sshd.connections().length === 0, 'sshd to serve nobody');
    },
  );

  it('an sshd that is restarted: what is connected stays, what was cut comes back', async () => {
    await start();
    const host = await open();
    await sshd.restart();
    expect((await host.exec(['echo', 'still here'])).stdout).toBe('still here\n');
    const lost = new Promise<RemoteError | null>((resolve) => host.onDidClose(resolve));
    await host.dispose();
    expect(await lost).toBeNull();
  });

  it('a host that is away for a while is connected again, without a question', async () => {
    await start();
    const first = await open();
    const lost = new Promise<RemoteError | null>((resolve) => first.onDidClose(resolve));
    await sshd.suspend();
    sshd.dropConnections();
    const error = await lost;
    if (error === null) throw new Error('the loss was not told');
    const prompter = prompterOf();
    const waits: string[] = [];
    const again = await connectAgain<RemoteHost>(error, () => open(prompter), {
      signal: new AbortController().signal,
      backOff: () => 20,
      onWait: ({ reason }) => {
        waits.push(reason);
        if (waits.length === 3) void sshd.resume();
      },
    });
    expect(waits.slice(0, 3)).toEqual(['lost', 'unreachable', 'unreachable']);
    expect((await again.exec(['echo', 'back'])).stdout).toBe('back\n');
    expect(prompter.asked).toEqual([]);
    await again.dispose();
  });

  it('an sshd that takes no more connections (MaxStartups) is said to be unreachable', async () => {
    await start({ sshdLines: ['MaxStartups 1:100:1', 'LoginGraceTime 600'] });
    // The test's own look whether sshd listens counts as one until sshd has seen it end.
    await waitFor(() => sshd.connections().length === 0, 'sshd to serve nobody');
    const waiting = connectTcp(sshd.port, '127.0.0.1');
    await once(waiting, 'data');
    const error = await failureOf(open());
    expect(error).toMatchObject({ reason: 'unreachable' });
    expect(String(error)).toContain('(MaxStartups)');
    waiting.destroy();
    await waitFor(() => sshd.connections().length === 0, 'sshd to serve nobody');
    await (await open()).dispose();
  });

  it('a home that cannot be written to: the agent says where, the connection is fine, nothing is left', async () => {
    // Of the kernel, and closed to root too.
    await start({ environment: { HOME: '/sys', XDG_CACHE_HOME: '/sys/cache' } });
    const host = await open();
    const error = await failureOf(openAgent(host, buildAgent(), logOf()));
    expect(error).toMatchObject({ reason: 'agent-upload', message: expect.stringContaining('/sys') });
    expect((await host.exec(['echo', 'in'])).stdout).toBe('in\n');
    await host.dispose();
    await waitFor(
      async () => (await processesOf('/sys')).length === 0,
      'nothing to be left running on the host',
    );
  });

  it('a server whose greeting comes late is waited for', async () => {
    await start();
    await relay({ lateGreeting: true });
    const host = await open();
    expect((await host.exec(['echo', 'in'])).stdout).toBe('in\n');
    await host.dispose();
  });
});

/** As root: PAM itself asks, through a service of its own that a script decides. Others cannot write to /etc/pam.d. */
if (process.getuid?.() === 0) {
  describe('PAM, as it asks through real sshd', () => {
    it.each(['ssh2', 'openssh'] as const)('over %s: wrong, then right', async (backend) => {
      await start({
        pamLines: [
          'auth requisite pam_exec.so quiet expose_authtok /usr/bin/grep -qax pam-secret',
          'auth required pam_permit.so',
          'account required pam_permit.so',
          'session required pam_permit.so',
        ],
        sshdLines: ['AuthenticationMethods keyboard-interactive'],
      });
      const answers = ['wrong', 'pam-secret'];
      const asked: string[] = [];
      const prompter = prompterOf({
        keyboardInteractive: async ({ prompts }) => {
          asked.push(...prompts.map(({ prompt, echo }) => `${prompt.trim()} ${echo}`));
          return [answers.shift() ?? ''];
        },
      });
      const host = await connectTo(sshd, { backend, prompter });
      expect(asked).toEqual(['Password: false', 'Password: false']);
      await host.dispose();
    });
  });
}
