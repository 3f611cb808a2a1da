import { commands, type Disposable, type ExtensionContext, env, type WebviewPanel } from 'vscode';
import type { TelemetryLine } from '../../protocol/agent.ts';
import { type FromTelemetry, panelProtocol, type ToTelemetry } from '../../protocol/panel.ts';
import { LineBatches } from '../telemetry/lineBatches.ts';
import type { HeldFeed, TelemetryFeeds } from '../telemetry/telemetryFeeds.ts';
import { Panel } from './panel.ts';

/** Span of time that charts show at first; the page can show all that is kept. */
const firstViewMs = 60_000;

/** *What are my GPUs doing now?* Samples hosts while it is open, and sends while it is seen. */
export class TelemetryPanel extends Panel<ToTelemetry, FromTelemetry> {
  readonly #feeds: TelemetryFeeds;
  readonly #held = new Map<string, HeldFeed & { readonly listener: Disposable }>();
  readonly #batches = new LineBatches((batches) => this.#flush(batches));
  readonly #changed: (hosts: readonly string[]) => void;

  /** `changed` hears which hosts are shown, so that the panel comes back with them; then nobody is asked for passwords. */
  constructor(
    context: ExtensionContext,
    feeds: TelemetryFeeds,
    panel: WebviewPanel,
    shown: readonly string[],
    changed: (hosts: readonly string[]) => void,
    restored: boolean,
  ) {
    super(context, 'telemetry', panel);
    this.#feeds = feeds;
    this.#changed = changed;
    this.#add(shown, restored);
  }

  /** Adds hosts to those that are sampled. */
  show(hosts: readonly string[]): void {
    this.#add(hosts, false);
  }

  override dispose(): void {
    this.#batches.clear();
    for (const held of this.#held.values()) {
      held.listener.dispose();
      held.release();
    }
    this.#held.clear();
    super.dispose();
  }

  protected snapshot(): ToTelemetry {
    this.#batches.clear();
    return {
      type: 'snapshot',
      protocol: panelProtocol,
      hosts: [...this.#held.values()].map(({ feed }) => ({ ...feed.state, lines: feed.lines })),
      windowMs: firstViewMs,
      recording: null,
      locale: env.language,
    };
  }

  protected async received(message: Partial<FromTelemetry> & { readonly type: string }): Promise<void> {
    if (message.type === 'export') {
      const { exportCsv } = await import('../telemetry/exportCsv.ts');
      const hosts = [...this.#held.values()].map(({ feed }) => ({ ...feed.state, lines: feed.lines }));
      await exportCsv('gpu-telemetry.csv', hosts);
      return;
    }
    const host = 'host' in message && typeof message.host === 'string' ? message.host : '';
    const feed = this.#held.get(host)?.feed;
    if (message.type === 'stop') feed?.stop();
    else if (message.type === 'start') feed?.start(false);
    else if (message.type === 'record' && feed)
      await commands.executeCommand('loadline.recordTelemetry', host);
  }

  #add(hosts: readonly string[], quietly: boolean): void {
    for (const host of hosts) {
      const known = this.#held.get(host);
      if (known) {
        known.feed.start(quietly);
        continue;
      }
      const held = this.#feeds.hold(host, { quietly });
      const listener = held.feed.onDidChange((lines) => this.#queue(host, lines));
      this.#held.set(host, { ...held, listener });
      // A feed that somebody else holds too has a past.
      this.#queue(host, held.feed.lines);
    }
    this.#changed([...this.#held.keys()]);
  }

  #queue(host: string, lines: readonly TelemetryLine[]): void {
    // A page that is not seen gets all of it in its next snapshot.
    if (this.isLive) this.#batches.add(host, lines);
  }

  #flush(batches: ReadonlyMap<string, readonly TelemetryLine[]>): void {
    const hosts = [...batches].flatMap(([host, lines]) => {
      const feed = this.#held.get(host)?.feed;
      return feed ? [{ ...feed.state, lines }] : [];
    });
    if (hosts.length > 0) this.post({ type: 'delta', hosts });
  }
}
