import { commands, type Disposable, type ExtensionContext, env, type WebviewPanel } from 'vscode';
import type { RunPhase } from '../../core/sweep/phases.ts';
import type { TelemetryLine } from '../../protocol/agent.ts';
import {
  type FromTelemetry,
  panelProtocol,
  type TelemetryHostLines,
  type ToTelemetry,
} from '../../protocol/panel.ts';
import { LineBatches } from '../telemetry/lineBatches.ts';
import { askedDetail, bucketsOf } from '../telemetry/slices.ts';
import type { TelemetryFeed } from '../telemetry/telemetryFeed.ts';
import type { HeldFeed, TelemetryFeeds } from '../telemetry/telemetryFeeds.ts';
import { Panel } from './panel.ts';

/** Span of time that charts show at first; the page can show all that is kept. */
const firstViewMs = 60_000;

/** Runs that go on, or were followed here. */
interface PhasedRuns {
  phases(host: string): readonly RunPhase[];
  onDidChange(listener: () => void): Disposable;
}

interface Sources {
  readonly feeds: TelemetryFeeds;
  readonly runs: PhasedRuns;
}

/** *What are my GPUs doing now?* Samples hosts while it is open, and sends while it is seen. */
export class TelemetryPanel extends Panel<ToTelemetry, FromTelemetry> {
  readonly #feeds: TelemetryFeeds;
  readonly #runs: PhasedRuns;
  /** As the page has them. */
  readonly #phases = new Map<string, string>();
  readonly #held = new Map<string, HeldFeed & { readonly listener: Disposable }>();
  readonly #batches = new LineBatches((batches) => this.#flush(batches));
  readonly #changed: (hosts: readonly string[]) => void;

  /** `changed` hears which hosts are shown, so that the panel comes back with them; then nobody is asked for passwords. */
  constructor(
    context: ExtensionContext,
    { feeds, runs }: Sources,
    panel: WebviewPanel,
    shown: readonly string[],
    changed: (hosts: readonly string[]) => void,
    restored: boolean,
  ) {
    super(context, 'telemetry', panel);
    this.#feeds = feeds;
    this.#runs = runs;
    this.register(runs.onDidChange(() => this.#runsChanged()));
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
      hosts: [...this.#held.values()].map(({ feed }) => this.#whole(feed)),
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
    if (message.type === 'detail') {
      const asked = askedDetail(message);
      const slice = asked && feed?.slice(asked.fromMs, asked.toMs, asked.buckets);
      if (slice) this.post({ type: 'detail', host, slice });
      return;
    }
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
      this.post({ type: 'delta', hosts: [this.#whole(held.feed)] });
    }
    this.#changed([...this.#held.keys()]);
  }

  /** For a page that knows nothing of the host. */
  #whole(feed: TelemetryFeed): TelemetryHostLines {
    const { header } = feed;
    const past =
      header === null
        ? undefined
        : feed.slice(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, bucketsOf(header, this.#held.size));
    const phases = this.#runs.phases(feed.host);
    this.#phases.set(feed.host, JSON.stringify(phases));
    return { ...feed.state, lines: [], phases, ...(past === undefined ? {} : { past }) };
  }

  /** A run's phases are told when they change. */
  #runsChanged(): void {
    if (!this.isLive) return;
    const hosts = [...this.#held.values()].flatMap(({ feed }): TelemetryHostLines[] => {
      const phases = this.#runs.phases(feed.host);
      const text = JSON.stringify(phases);
      if (text === (this.#phases.get(feed.host) ?? '[]')) return [];
      this.#phases.set(feed.host, text);
      return [{ ...feed.state, lines: [], phases }];
    });
    if (hosts.length > 0) this.post({ type: 'delta', hosts });
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
