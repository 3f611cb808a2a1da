import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type AgentClient, openAgent } from '../remote/agentClient.ts';
import type { AgentArchive } from '../remote/agentDeployment.ts';
import { connect } from '../remote/connect.ts';
import type { RemoteHost, RemoteLog } from '../remote/host.ts';
import type { Terminal } from './terminal.ts';
import { terminalPrompter } from './terminalPrompter.ts';

/** A host and the agent on it, for as long as a command needs them. Connected when first asked for, and anew after a loss. */
export class HostSession {
  readonly #terminal: Terminal;
  #connected: { readonly host: RemoteHost; readonly agent: AgentClient } | undefined;

  constructor(
    terminal: Terminal,
    readonly name: string,
  ) {
    this.#terminal = terminal;
  }

  /** Throws RemoteError. */
  async agent(): Promise<AgentClient> {
    if (this.#connected !== undefined) return this.#connected.agent;
    const { interrupted } = this.#terminal;
    const log = quietLog(this.#terminal);
    const host = await connect(this.name, {
      prompter: terminalPrompter(this.#terminal),
      log,
      signal: interrupted,
    });
    try {
      const archive = await readArchive(this.#terminal.agentArchive);
      const agent = await openAgent(host, archive, log, { signal: interrupted });
      const connected = { host, agent };
      this.#connected = connected;
      host.onDidClose(() => {
        if (this.#connected === connected) this.#connected = undefined;
      });
      return agent;
    } catch (error) {
      await host.dispose();
      throw error;
    }
  }

  async dispose(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await connected?.host.dispose();
  }
}

async function readArchive(path: string): Promise<AgentArchive> {
  const bytes = await readFile(path);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** What went well is not news on a terminal. */
function quietLog(terminal: Terminal): RemoteLog {
  return {
    info: () => {},
    warn: (message) => terminal.err(`warning: ${message}`),
    error: (message) => terminal.err(message),
  };
}
