import { workspace } from 'vscode';
import type { LiveTarget } from '../../protocol/lsp.ts';
import { DisposableStore } from '../disposable.ts';
import type { HostRegistry } from './hostRegistry.ts';
import { liveTargetsOf } from './probedGpus.ts';

interface Chosen {
  readonly host: string;
  /** As the driver names it. */
  readonly gpu: string;
}

/**
 * The GPUs of a probed host that this workspace is estimated for, told to the language server. Kept until the host is
 * disconnected or another GPU is chosen; while a lost host is tried again, what was last known stays, with its age. Nothing is
 * told in an untrusted workspace.
 */
export class LiveTargetChoice extends DisposableStore {
  readonly #hosts: Pick<HostRegistry, 'entries' | 'onDidChange'>;
  readonly #tell: (target: LiveTarget | null) => void;
  #chosen: Chosen | null = null;
  #told: LiveTarget | null = null;

  constructor(
    hosts: Pick<HostRegistry, 'entries' | 'onDidChange'>,
    tell: (target: LiveTarget | null) => void,
  ) {
    super();
    this.#hosts = hosts;
    this.#tell = tell;
    this.register(hosts.onDidChange(() => this.#update()));
  }

  get present(): LiveTarget | null {
    return this.#told;
  }

  /** Every kind of GPU of the hosts that are connected. */
  offered(): readonly LiveTarget[] {
    if (!workspace.isTrusted) return [];
    return this.#hosts
      .entries()
      .flatMap(({ name, state, probe, probedAtMs }) =>
        state === 'connected' && probe && probedAtMs !== null ? liveTargetsOf(name, probe, probedAtMs) : [],
      );
  }

  /** null: the GPU of comments, documents and settings again. */
  choose(chosen: Chosen | null): void {
    this.#chosen = chosen;
    this.#update();
  }

  #update(): void {
    const target = this.#targetNow();
    if (target === null) this.#chosen = null;
    if (JSON.stringify(target) === JSON.stringify(this.#told)) return;
    this.#told = target;
    this.#tell(target);
  }

  #targetNow(): LiveTarget | null {
    const { host, gpu } = this.#chosen ?? {};
    const entry = this.#hosts.entries().find(({ name }) => name === host);
    if (!workspace.isTrusted || !entry?.probe || entry.probedAtMs === null || entry.state === 'idle')
      return null;
    const kinds = liveTargetsOf(entry.name, entry.probe, entry.probedAtMs);
    return kinds.find((kind) => kind.gpu === gpu) ?? null;
  }
}
