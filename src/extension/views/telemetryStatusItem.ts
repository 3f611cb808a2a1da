import { l10n, StatusBarAlignment, type StatusBarItem, window } from 'vscode';
import { formatSignificant, GiB } from '../../core/units.ts';
import { DisposableStore } from '../disposable.ts';
import { busiestGpu } from '../telemetry/busiestGpu.ts';
import type { TelemetryFeeds } from '../telemetry/telemetryFeeds.ts';

/** Often enough to be looked at, seldom enough not to move while it is read. */
const updateEveryMs = 1000;
/** A host that sends nothing any more calls nobody: it is looked for. */
const lookEveryMs = 5000;

/** The busiest GPU of the hosts that are watched; nothing where none is. It watches none by itself. */
export class TelemetryStatusItem extends DisposableStore {
  readonly #item: StatusBarItem;
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;

  constructor(
    feeds: TelemetryFeeds,
    item = window.createStatusBarItem('loadline.telemetry', StatusBarAlignment.Left, -1),
  ) {
    super();
    this.#item = this.register(item);
    this.#item.name = l10n.t('Loadline GPU telemetry');
    this.register({ dispose: () => clearTimeout(this.#timer) });
    this.register({ dispose: () => clearTimeout(this.#look) });
    this.register(
      feeds.onDidChange(() => {
        if (feeds.feeds.length === 0) this.#item.hide();
        else
          this.#timer ??= setTimeout(() => {
            this.#timer = undefined;
            this.#update(feeds);
          }, updateEveryMs);
      }),
    );
  }

  #update(watched: TelemetryFeeds): void {
    const { feeds } = watched;
    clearTimeout(this.#look);
    const busiest = busiestGpu(feeds.filter(({ isLive }) => isLive));
    if (busiest === undefined) {
      this.#item.hide();
      return;
    }
    this.#look = setTimeout(() => this.#update(watched), lookEveryMs);
    const { host, gpu, recorded, busyPercent, memoryUsedBytes } = busiest;
    const isRecorded = feeds.some(({ state }) => state.recordingFile != null);
    const text = [
      `${host} GPU ${gpu.index}`,
      recorded && l10n.t('recorded'),
      busyPercent !== null && `${Math.round(busyPercent)} %`,
      memoryUsedBytes !== null &&
        `${formatSignificant(memoryUsedBytes / GiB)}/${formatSignificant(gpu.memoryTotalBytes / GiB)} GiB`,
    ]
      .filter((part) => part)
      .join(' · ');
    this.#item.text = `$(${isRecorded ? 'record' : 'pulse'}) ${text}`;
    this.#item.tooltip = [
      l10n.t('Busiest GPU of {0}', feeds.map((feed) => feed.host).join(', ')),
      gpu.name,
      ...feeds.flatMap(({ state }) =>
        state.recordingFile == null ? [] : [l10n.t('Recorded into {0}', state.recordingFile)],
      ),
    ].join('\n');
    this.#item.accessibilityInformation = { label: l10n.t('Busiest GPU: {0}', text) };
    this.#item.command = {
      command: 'loadline.openTelemetry',
      title: l10n.t('Open GPU Telemetry'),
      arguments: [host],
    };
    this.#item.show();
  }
}
