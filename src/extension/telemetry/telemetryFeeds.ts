import { EventEmitter } from 'vscode';
import { DisposableStore } from '../disposable.ts';
import type { HostRegistry } from '../hosts/hostRegistry.ts';
import { TelemetryFeed } from './telemetryFeed.ts';

/** A feed for as long as somebody needs it. */
export interface HeldFeed {
  readonly feed: TelemetryFeed;
  release(): void;
}

/** The hosts that are watched, one feed each, shared by the panel and the recorder. Starts nothing by itself. */
export class TelemetryFeeds extends DisposableStore {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChange = this.#changed.event;
  readonly #hosts: HostRegistry;
  readonly #feeds = new Map<string, { readonly feed: TelemetryFeed; holders: number }>();

  constructor(hosts: HostRegistry) {
    super();
    this.#hosts = hosts;
  }

  get feeds(): readonly TelemetryFeed[] {
    return [...this.#feeds.values()].map(({ feed }) => feed);
  }

  /** Ends with its last holder. `quietly`: nobody is asked for a password. */
  hold(host: string, { quietly }: { readonly quietly: boolean }): HeldFeed {
    const held = this.#feeds.get(host) ?? this.#create(host);
    held.holders += 1;
    held.feed.start(quietly);
    let released = false;
    return {
      feed: held.feed,
      release: () => {
        if (released) return;
        released = true;
        held.holders -= 1;
        if (held.holders > 0 || this.#feeds.get(host) !== held) return;
        this.#feeds.delete(host);
        held.feed.dispose();
        if (!this.isDisposed) this.#changed.fire();
      },
    };
  }

  override dispose(): void {
    for (const { feed } of this.#feeds.values()) feed.dispose();
    this.#feeds.clear();
    super.dispose();
  }

  #create(host: string): { readonly feed: TelemetryFeed; holders: number } {
    const feed = new TelemetryFeed(this.#hosts, host);
    feed.onDidChange(() => this.#changed.fire());
    const held = { feed, holders: 0 };
    this.#feeds.set(host, held);
    return held;
  }
}
