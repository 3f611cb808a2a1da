import { asProcess, type Channel, collect } from './channel.ts';
import { Closing } from './closing.ts';
import type { ExecOptions, ExecResult, RemoteError, RemoteHost, RemoteProcess } from './host.ts';

/** How long a host has to answer our goodbye. */
export const goodbyeMs = 2_000;

/** What every connection over SSH is to its users, whichever program holds it: commands, each a channel of the one connection. */
export abstract class SshHost implements RemoteHost {
  readonly kind = 'ssh';
  protected readonly closing = new Closing();
  /** Ended by us: nothing was lost. */
  protected disposed = false;

  constructor(readonly name: string) {}

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return collect(await this.start(argv), this.name, options);
  }

  async spawn(
    argv: readonly string[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<RemoteProcess> {
    return asProcess(await this.start(argv), this.name, options.signal);
  }

  onDidClose(listener: (error: RemoteError | null) => void): { dispose(): void } {
    return this.closing.listen(listener);
  }

  abstract dispose(): Promise<void>;

  /** Throws RemoteError `lost` or `unreachable`. */
  protected abstract start(argv: readonly string[]): Promise<Channel>;
}
