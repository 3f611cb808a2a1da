import type { FromTelemetry, TelemetryHostState } from '../../src/protocol/panel.ts';
import { button, element, setText } from '../common/dom.ts';
import { Figure } from '../common/figure.ts';
import { createFormatter, type Formatter } from '../common/format.ts';
import { frames } from '../common/frames.ts';
import { enableCursor } from './chartCursor.ts';
import { hostChart, hostContent } from './hostChart.ts';
import { ageMs, footWords, headlineWords, isStale } from './hostWords.ts';
import { lineFigureColumns } from './lineColumns.ts';
import { type LineFigures, type MetricContent, metricContent } from './metricCharts.ts';
import { chartTitles, type LineChartId, lineCharts, throttleChart } from './metrics.ts';
import { phaseWords } from './phaseRegions.ts';
import { Replay } from './replay.ts';
import { allGpus, type ShownGpu } from './shownGpu.ts';
import type { KeptState, TelemetryState } from './state.ts';
import { throttleContent } from './throttleLanes.ts';
import { Tile } from './tile.ts';
import { Toolbar } from './toolbar.ts';
import { enableZoom } from './zoom.ts';

export interface TelemetryEvents {
  post(message: FromTelemetry): void;
  keep(state: KeptState): void;
}

/** More tiles than this are small ones. */
const mostWholeTiles = 16;

/** So many GPUs' figures are written within a frame. */
const tilesAFrame = 32;

/** What one chart shows of some GPUs in so many pixels. */
type Content = (gpus: readonly ShownGpu[], width: number) => MetricContent | undefined;

/** Tiles, charts on one time axis, and where it all comes from. */
export class TelemetryView {
  readonly #heading = element('h1', {}, 'GPU telemetry');
  readonly #headline = element('p', { class: 'headline' });
  readonly #phases = element('p', { class: 'quiet-text', hidden: true });
  readonly #notices = element('div', { class: 'notices' });
  readonly #tiles = element('ul', { class: 'tiles', 'aria-label': 'GPUs' });
  readonly #charts = element('div', { class: 'figures' });
  readonly #empty = element('p', { class: 'empty' }, 'Waiting for the first samples …');
  readonly #foot = element('ul', { class: 'foot quiet-text', 'aria-label': 'Sources' });
  readonly #figures: readonly {
    readonly figure: Figure<LineFigures>;
    readonly isOptional: boolean;
    /** undefined: there is nothing of that kind, and no chart. */
    readonly content: Content;
  }[];
  readonly #toolbar: Toolbar;
  readonly #replay: Replay;
  readonly #toolbarExport: HTMLButtonElement;
  #tileViews = new Map<string, Tile>();
  #tileKey = '';
  #footKey = '';
  #locale = 'en-US';
  #format: Formatter = createFormatter('en-US');

  constructor(
    root: HTMLElement,
    private readonly state: TelemetryState,
    private readonly events: TelemetryEvents,
  ) {
    this.#toolbarExport = button('CSV', () => events.post({ type: 'export' }), {
      title: 'Save all samples as a table, separated by commas',
      'aria-label': 'Save all samples as CSV',
    });
    const copy = (text: string) => events.post({ type: 'copy', text });
    this.#figures = [...lineCharts, throttleChart, hostChart].map((id) => ({
      isOptional: id === hostChart,
      content: (gpus, width) => this.#content(id, gpus, width),
      figure: new Figure<LineFigures>({
        id,
        title: chartTitles[id],
        table: {
          caption: chartTitles[id],
          columns: lineFigureColumns(() => this.#format),
          rowKey: (row) => row.key,
          copy,
        },
        save: (file) => events.post({ type: 'save', ...file }),
        toggleLine: (key, shown) => {
          state.chosenLines.set(key, shown);
          this.#keep();
          this.update();
        },
      }),
    }));
    this.#replay = new Replay(state);
    this.#toolbar = new Toolbar(state, this.#replay, {
      viewChanged: () => this.update(),
      windowChosen: () => this.#keep(),
    });
    this.#toolbar.element.append(this.#toolbarExport);
    for (const { figure, isOptional } of this.#figures) {
      // The last of them comes when a host is found to sample it.
      if (!isOptional) this.#charts.append(figure.element);
      enableCursor(figure.chart);
      enableZoom(figure.chart, {
        zoomed: (from, to) => {
          state.zoomTo(from, to);
          this.update();
        },
        reset: () => {
          state.goLive();
          this.update();
        },
      });
    }
    root.replaceChildren(
      element('header', { class: 'panel-header' }, this.#heading, this.#toolbar.element),
      this.#headline,
      this.#phases,
      this.#notices,
      this.#empty,
      this.#tiles,
      this.#charts,
      this.#foot,
    );
  }

  /** Data or view changed. Everything that shows is made in the frames, one part in each. */
  update(): void {
    this.#useLocale(this.state.locale);
    this.#toolbar.show();
    frames.request(this.#tiles, () => this.#showParts());
    const gpus = allGpus(this.state).filter(({ key }) => !this.state.hidden.has(key));
    const any = Number.isFinite(this.state.newestMs);
    this.#charts.hidden = !any;
    if (!any) return;
    this.#askForDetail();
    for (const one of this.#figures)
      frames.request(one, () => {
        const { figure, content } = one;
        const shown = content(gpus, figure.chart.plotWidth);
        figure.element.hidden = shown === undefined;
        if (shown === undefined) return;
        if (!figure.element.isConnected) this.#charts.append(figure.element);
        figure.show(shown, true);
      });
  }

  #content(
    id: LineChartId | typeof throttleChart | typeof hostChart,
    gpus: readonly ShownGpu[],
    width: number,
  ): MetricContent | undefined {
    const { state } = this;
    if (id === hostChart)
      return hostContent([...state.hosts.values()], state.window, width, this.#format, state.chosenLines);
    if (allGpus(state).length === 0) return undefined;
    const content =
      id === throttleChart
        ? throttleContent(gpus, state.window, width, this.#format)
        : metricContent(id, gpus, state.window, width, this.#format, state.chosenLines);
    const recorded = gpus.some(({ host }) => host.header?.recorded === true) ? ' (recorded)' : '';
    return { ...content, title: `${chartTitles[id]}${recorded}` };
  }

  /** Space. */
  pauseOrPlay(): void {
    this.#toolbar.pauseOrPlay();
    this.update();
  }

  /** Often, for a recording that plays. */
  advance(): void {
    if (this.#replay.advance(Date.now())) this.update();
  }

  /** Ages go on while no sample comes. */
  tick(): void {
    this.state.nowMs = Date.now();
    // The gap of hosts that are away grows.
    if (this.state.isAway && this.state.view.kind === 'live') this.update();
    else {
      this.#showFoot();
      if (!this.state.paused) this.#showHeadline();
    }
  }

  #askForDetail(): void {
    const width = this.#figures[0]?.figure.chart.plotWidth ?? 0;
    for (const detail of this.state.wanting(width)) this.events.post({ type: 'detail', ...detail });
  }

  /** Making a format costs a hundred times what using one does. */
  #useLocale(locale: string): void {
    if (locale === this.#locale) return;
    this.#locale = locale;
    this.#format = createFormatter(locale);
  }

  #showParts(): void {
    const gpus = allGpus(this.state);
    const { recording } = this.state;
    setText(this.#heading, recording === null ? 'GPU telemetry' : `GPU telemetry · ${recording.name}`);
    this.#showNotices();
    this.#showFoot();
    const phases = phaseWords([...this.state.hosts.values()], this.state.window);
    setText(this.#phases, phases);
    this.#phases.hidden = phases === '';
    this.#empty.hidden = gpus.length > 0 || Number.isFinite(this.state.newestMs);
    if (this.state.received && this.state.hosts.size === 0)
      setText(
        this.#empty,
        recording === null
          ? 'No host is sampled. Start it from a host in the GPU Hosts view.'
          : 'This recording has no samples.',
      );
    const at = this.state.shownAtMs;
    for (const host of this.state.hosts.values()) host.shownAtMs = at === null ? null : at - host.offsetMs;
    // A pause holds everything still but the foot, which says how old it is.
    if (this.state.paused) return;
    this.#showHeadline();
    this.#showTiles(gpus);
  }

  #showHeadline(): void {
    setText(this.#headline, headlineWords(allGpus(this.state), Date.now(), this.#format));
  }

  #showTiles(gpus: readonly ShownGpu[]): void {
    const key = JSON.stringify(gpus.map(({ key: one, host }) => [one, host.header?.recorded]));
    if (key !== this.#tileKey) {
      this.#tileKey = key;
      this.#tileViews = new Map(
        gpus.map((shown) => [
          shown.key,
          new Tile(shown, shown.host.state.host, this.state.hidden.has(shown.key), (inCharts) => {
            if (inCharts) this.state.hidden.delete(shown.key);
            else this.state.hidden.add(shown.key);
            this.#keep();
            this.update();
          }),
        ]),
      );
      this.#tiles.classList.toggle('many', gpus.length > mostWholeTiles);
      this.#tiles.replaceChildren(...[...this.#tileViews.values()].map((tile) => tile.element));
    }
    for (let first = 0; first < gpus.length; first += tilesAFrame) {
      const some = gpus.slice(first, first + tilesAFrame);
      const show = () => {
        for (const shown of some) this.#tileViews.get(shown.key)?.show(shown, this.#format);
      };
      if (first === 0) show();
      else frames.request(this.#tileViews.get(gpus[first]?.key ?? '') ?? some, show);
    }
  }

  #showNotices(): void {
    const texts = [...this.state.hosts.values()].flatMap(({ state, header, notices }) => {
      const why = state.message === null ? '' : ` ${state.message}`;
      if (state.connection === 'failed') return [{ bad: true, text: `${state.host} failed.${why}` }];
      if (state.connection === 'stale') return [{ bad: false, text: `${state.host} sends nothing.${why}` }];
      if (state.connection === 'connecting')
        return [{ bad: false, text: `Connecting to ${state.host} …${why}` }];
      // The connection is there, and the driver answers nobody.
      const driver = notices.findLast(({ code }) => code === 'silent-device' || code === 'device-back');
      if (driver?.code === 'silent-device' && state.connection === 'live')
        return [{ bad: true, text: `${state.host}: ${driver.message}` }];
      if (header !== undefined && header.gpus.length === 0)
        return [{ bad: false, text: `${state.host} has no GPU that its driver shows.${why}` }];
      return [];
    });
    for (const note of this.state.recording?.notes ?? []) texts.push({ bad: false, text: note });
    if (this.state.incompatible)
      texts.push({
        bad: true,
        text: 'This panel and the extension are of different versions. Reload the window.',
      });
    const shown = texts.map(({ text }) => text).join('\n');
    if (shown === this.#notices.dataset['shown']) return;
    this.#notices.dataset['shown'] = shown;
    this.#notices.hidden = texts.length === 0;
    this.#notices.replaceChildren(
      ...texts.map(({ bad, text }) => element('p', { class: bad ? 'notice notice-failed' : 'notice' }, text)),
    );
  }

  #showFoot(): void {
    const hosts = [...this.state.hosts.values()];
    const key = JSON.stringify(hosts.map(({ state }) => [state.host, state.connection, state.recordingFile]));
    if (key !== this.#footKey) {
      this.#footKey = key;
      this.#foot.replaceChildren(
        ...hosts.map(({ state }) => element('li', {}, element('span'), ...this.#hostButtons(state))),
      );
    }
    const now = Date.now();
    for (const [at, host] of hosts.entries()) {
      const text = this.#foot.children[at]?.firstElementChild;
      if (text) setText(text, footWords(host, ageMs(host, now), this.#format));
    }
    for (const tile of this.#tileViews.values()) {
      const host = this.state.hosts.get(tile.host);
      tile.element.classList.toggle('stale', host !== undefined && isStale(host, now));
    }
    this.#charts.classList.toggle('stale', hosts.length > 0 && hosts.every((host) => isStale(host, now)));
  }

  #hostButtons({ host, connection, recordingFile }: TelemetryHostState): readonly HTMLElement[] {
    if (connection === 'recording') return [];
    const ask = (label: string, type: 'start' | 'stop' | 'record', title?: string) =>
      button(label, () => this.events.post({ type, host }), {
        class: 'quiet',
        'aria-label': `${label} ${host}`,
        title,
      });
    const ended = connection === 'stopped' || connection === 'failed';
    const isRecorded = recordingFile !== null;
    return [
      ended ? ask('Start sampling', 'start') : ask('Stop sampling', 'stop'),
      ...(ended && !isRecorded
        ? []
        : [
            isRecorded
              ? ask('Stop recording', 'record', recordingFile)
              : ask('Record', 'record', 'Write what is sampled from now on to .loadline/telemetry'),
          ]),
    ];
  }

  #keep(): void {
    this.events.keep({
      windowMs: this.state.chosenWindowMs,
      hidden: [...this.state.hidden],
      chosenLines: [...this.state.chosenLines],
    });
  }
}
