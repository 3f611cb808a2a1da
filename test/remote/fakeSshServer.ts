import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2, { type AuthContext, type AuthenticationType } from 'ssh2';
import { type ConnectOptions, connect } from '../../src/remote/connect.ts';
import type { RemoteHost } from '../../src/remote/host.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';
import { logOf, prompterOf } from './support.ts';

interface FakeSshServerOptions {
  readonly methods: readonly AuthenticationType[];
  /** Asked for after the first method has succeeded. */
  readonly thenMethods?: readonly AuthenticationType[];
  readonly password?: string;
  /** One round each. */
  readonly questions?: readonly {
    readonly name: string;
    readonly instructions: string;
    readonly prompts: readonly string[];
    readonly answers: readonly string[];
    /** Whether what is typed may be seen. */
    readonly echo?: boolean;
  }[];
  /** Never answers a request to be let in. */
  readonly silent?: boolean;
  /** Closes the connection at the first request to be let in. */
  readonly hangsUp?: boolean;
}

export interface FakeSshServer {
  readonly name: string;
  connect(options: Partial<ConnectOptions>): Promise<RemoteHost>;
  stop(): Promise<void>;
}

/** A fake SSH server that only lets in, in the ways asked for. */
export async function startFakeSshServer(options: FakeSshServerOptions): Promise<FakeSshServer> {
  const folder = temporaryFolder('fake-ssh');
  const file = (name: string) => join(folder, name);
  for (const name of ['host', 'client'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
  const server = new ssh2.Server({ hostKeys: [readFileSync(file('host'))] }, (client) => {
    let remaining = options.methods;
    let later = options.thenMethods ?? [];
    const succeed = (context: AuthContext) => {
      if (later.length === 0) return context.accept();
      remaining = later;
      later = [];
      context.reject([...remaining], true);
    };
    const refuse = (context: AuthContext) => context.reject([...remaining]);
    client.on('error', () => {});
    client.on('authentication', (context) => {
      if (options.silent) return;
      if (options.hangsUp) return client.end();
      if (!remaining.includes(context.method)) return refuse(context);
      if (context.method === 'password')
        return context.password === options.password ? succeed(context) : refuse(context);
      if (context.method === 'publickey') return context.signature ? succeed(context) : context.accept();
      if (context.method !== 'keyboard-interactive') return refuse(context);
      const ask = ([question, ...others]: NonNullable<FakeSshServerOptions['questions']>) => {
        if (!question) {
          succeed(context);
          return;
        }
        const { name, instructions, echo = false } = question;
        const prompts = question.prompts.map((prompt) => ({ prompt, echo }));
        context.prompt(prompts, name, instructions, (answers) =>
          JSON.stringify(answers) === JSON.stringify(question.answers) ? ask(others) : refuse(context),
        );
      };
      return options.questions ? ask(options.questions) : refuse(context);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const name = 'fake-gpu';
  const [type, key] = readFileSync(file('host.pub'), 'utf8').split(' ');
  writeFileSync(file('known_hosts'), `[127.0.0.1]:${port} ${type} ${key}\n`);
  writeFileSync(
    file('config'),
    [
      `Host ${name}`,
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      '  User ann',
      `  IdentityFile ${file('client')}`,
      '  IdentityAgent none',
      `  UserKnownHostsFile ${file('known_hosts')}`,
      '  GlobalKnownHostsFile none',
      '',
    ].join('\n'),
  );
  return {
    name,
    connect: (more) =>
      connect(name, {
        prompter: prompterOf(),
        log: logOf(),
        configFile: file('config'),
        trustStoreFile: file('trusted.json'),
        ...more,
      }),
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
      rmSync(folder, { recursive: true });
    },
  };
}
