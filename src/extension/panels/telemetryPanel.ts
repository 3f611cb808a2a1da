import { type ExtensionContext, env, type WebviewPanel } from 'vscode';
import type { TelemetryLine } from '../../protocol/agent.ts';
import { type FromTelemetry, panelProtocol, type ToTelemetry } from '../../protocol/panel.ts';
import type { HostRegistry } from '../hosts/hostRegistry.ts';
import { TelemetryFeed } from '../hosts/telemetryFeed.ts';
import { Panel } from './panel.ts';

/** At most four messages a second to the page, whatever the number of hosts and their rates. */
const flushEveryMs = 250;

/** Span of time that charts show at first; the page can show all that is kept. */
const firstViewMs = 60_000;

/** *What are my GPUs doing now?* Samples hosts while it is open, and sends while it is seen. */
export class TelemetryPanel extends Panel<ToTelemetry, FromTelemetry> {
  readonly #hosts: HostRegistry;
  readonly #feeds = new Map<string, TelemetryFeed>();
  readonly #waiting = new Map<string, TelemetryLine[]>();
  readonly #changed: (hosts: readonly string[]) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` hears which hosts are shown, so that the panel comes back with them. */
  constructor(
    context: ExtensionContext,
    hosts: HostRegistry,
    panel: WebviewPanel,
    shown: readonly string[],
    changed: (hosts: readonly string[]) => void,
  ) {
    super(context, 'telemetry', panel);
    this.#hosts = hosts;
    this.#changed = changed;
    this.show(shown);
  }

  /** Adds hosts to those that are sampled. */
  show(hosts: readonly string[]): void {
    for (const host of hosts) {
      const known = this.#feeds.get(host);
      if (known && !['failed', 'stale', 'stopped'].includes(known.state.connection)) continue;
      known?.dispose();
      const feed = new TelemetryFeed(this.#hosts, host);
      this.#feeds.set(host, feed);
      feed.onDidChange((lines) => this.#queue(host, lines));
      this.#queue(host, []);
    }
    this.#changed([...this.#feeds.keys()]);
  }

  override dispose(): void {
    clearTimeout(this.#timer);
    for (const feed of this.#feeds.values()) feed.dispose();
    super.dispose();
  }

  protected snapshot(): ToTelemetry {
    this.#waiting.clear();
    return {
      type: 'snapshot',
      protocol: panelProtocol,
      hosts: [...this.#feeds.values()].map((feed) => ({ ...feed.state, lines: feed.lines })),
      windowMs: firstViewMs,
      locale: env.language,
    };
  }

  protected received(message: Partial<FromTelemetry> & { readonly type: string }): void {
    if (message.type === 'stop' && 'host' in message && typeof message.host === 'string')
      this.#feeds.get(message.host)?.stop();
  }

  #queue(host: string, lines: readonly TelemetryLine[]): void {
    // A page that is not seen gets all of it in its next snapshot.
    if (!this.isLive) return;
    const waiting = this.#waiting.get(host) ?? [];
    waiting.push(...lines);
    this.#waiting.set(host, waiting);
    this.#timer ??= setTimeout(() => this.#flush(), flushEveryMs * this.#feeds.size);
  }

  #flush(): void {
    this.#timer = undefined;
    for (const [host, lines] of this.#waiting) {
      const feed = this.#feeds.get(host);
      if (feed) this.post({ type: 'delta', host: feed.state, lines });
    }
    this.#waiting.clear();
  }
}
