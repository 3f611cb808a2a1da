/** The only module that imports chart.js: one shared chunk, and one place where it is kept fast. */
import {
  Chart,
  type ChartDataset,
  type ChartOptions,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  Tooltip,
} from 'chart.js';
import type { ChartContent, ChartSeries, Point, PointPlace, PointShape } from './chartContent.ts';
import { drawErrorBars, type ErrorBars } from './chartErrors.ts';
import {
  drawEmphasis,
  drawLabels,
  drawMarks,
  drawRegions,
  drawWatermark,
  type PointLabels,
} from './chartMarks.ts';
import { chartScale, faint } from './chartScale.ts';
import { drawTiles } from './chartTiles.ts';
import { frames } from './frames.ts';
import { observeTheme, readTheme, type Theme } from './theme.ts';

Chart.register(LineController, LineElement, PointElement, LinearScale, LogarithmicScale, Tooltip, Filler);

export const markerShapes: readonly PointShape[] = ['circle', 'triangle', 'rect', 'rectRot', 'crossRot'];

/** By index; the same in the legend. */
export const dashPatterns: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

type Dataset = ChartDataset<'line', Point[]> & {
  readonly isBand: boolean;
  readonly series: number;
  readonly pointNames: readonly string[];
};

/** One chart on one canvas. It redraws with the queue of frames, and whenever the theme changes. */
export class ChartView {
  readonly #chart: Chart<'line', Point[]>;
  #content: ChartContent | undefined;
  #theme: Theme = readTheme();
  #axes = '';
  /** Value of the x axis whose figures are shown without a pointer. */
  #shownAt: number | undefined;

  constructor(readonly canvas: HTMLCanvasElement) {
    this.#chart = new Chart<'line', Point[]>(canvas, {
      type: 'line',
      data: { datasets: [] },
      options: { animation: false, responsive: true, maintainAspectRatio: false },
      plugins: [
        {
          id: 'marks',
          beforeDatasetsDraw: (chart) => {
            drawWatermark(chart, this.#content?.watermark ?? '', this.#theme);
            drawRegions(chart, this.#content?.regions ?? [], this.#theme);
            drawTiles(chart, this.#content?.tiles ?? [], this.#theme);
            drawErrorBars(chart, this.#errorBars(), this.#theme);
          },
          afterDatasetsDraw: (chart) => {
            drawEmphasis(chart, this.#content?.emphasis, this.#theme);
            drawMarks(chart, this.#content?.marks ?? [], this.#theme);
            drawLabels(chart, this.#pointLabels(), this.#theme);
          },
        },
      ],
    });
    observeTheme((theme) => {
      this.#theme = theme;
      this.#axes = '';
      this.#redraw();
    });
  }

  /** Drawn in one of the next frames; only the newest content is. `now`: within the frame that asks, which is its own. */
  show(content: ChartContent, now = false): void {
    this.#content = content;
    if (now) {
      frames.forget(this);
      this.#draw();
    } else this.#redraw();
  }

  /** Width of the plot, in pixels: no more points than twice this are worth drawing. */
  get plotWidth(): number {
    return Math.max(50, Math.round(this.#chart.chartArea?.width ?? this.canvas.clientWidth));
  }

  /** Value of the x axis under a horizontal place of the window. */
  valueAt(clientX: number): number {
    const within = clientX - this.canvas.getBoundingClientRect().left;
    return this.#chart.scales['x']?.getValueForPixel(within) ?? Number.NaN;
  }

  /** What of the x axis is drawn. */
  get xRange(): { readonly min: number; readonly max: number } {
    const { min = Number.NaN, max = Number.NaN } = this.#chart.scales['x'] ?? {};
    return { min, max };
  }

  /** Shows the figures at a value of the x axis as a pointer there does, until it is told `undefined`; gives them in words. */
  showAt(x: number | undefined): readonly string[] {
    this.#shownAt = x;
    return this.#showPointed();
  }

  #showPointed(): readonly string[] {
    const chart = this.#chart;
    const { tooltip, chartArea } = chart;
    const at = this.#shownAt;
    const place = {
      x: at === undefined ? Number.NaN : (chart.scales['x']?.getPixelForValue(at) ?? Number.NaN),
      y: (chartArea.top + chartArea.bottom) / 2,
    };
    // chart.js takes an event of its own for one that it has placed already.
    const event = { ...place, type: 'mousemove', native: null } as unknown as Event;
    const found =
      at === undefined
        ? []
        : chart.getElementsAtEventForMode(event, 'nearest', { axis: 'x', intersect: false }, false);
    chart.setActiveElements(found);
    tooltip?.setActiveElements(found, place);
    chart.render();
    if (tooltip === undefined || found.length === 0) return [];
    return [...tooltip.title, ...tooltip.body.flatMap(({ lines }) => lines)];
  }

  /** Calls back on a click: with the point under it, if any, and the values of both axes there. */
  onClick(
    handler: (place: PointPlace | undefined, at: { readonly x: number; readonly y: number }) => void,
  ): void {
    this.canvas.addEventListener('click', (event) => {
      const [hit] = this.#chart.getElementsAtEventForMode(
        event,
        'nearest',
        { axis: 'xy', intersect: true },
        false,
      );
      const dataset = this.#chart.data.datasets[hit?.datasetIndex ?? -1] as Dataset | undefined;
      const within = event.clientY - this.canvas.getBoundingClientRect().top;
      handler(
        hit === undefined || dataset === undefined || dataset.isBand
          ? undefined
          : { series: dataset.series, point: hit.index },
        {
          x: this.valueAt(event.clientX),
          y: this.#chart.scales['left']?.getValueForPixel(within) ?? Number.NaN,
        },
      );
    });
  }

  #redraw(): void {
    frames.request(this, () => this.#draw());
  }

  #draw(): void {
    const content = this.#content;
    if (content === undefined) return;
    const { min, max, ...x } = content.x;
    const axes = JSON.stringify([x, content.left, content.right, content.nearest]);
    if (axes !== this.#axes) {
      this.#axes = axes;
      this.#chart.options = this.#options(content);
    }
    // A time axis moves with each sample: options made anew would be worked out anew.
    Object.assign(this.#chart.options.scales?.['x'] ?? {}, { min, max });
    this.#setDatasets(content.series.flatMap((series, at) => this.#datasets(series, at)));
    this.#chart.update('none');
    // What is shown of a time stays with that time when the points move on.
    if (this.#shownAt !== undefined) this.#showPointed();
  }

  /** chart.js keeps what it has worked out of a dataset by its object: objects that go on are kept. */
  #setDatasets(next: readonly Dataset[]): void {
    const current = this.#chart.data.datasets;
    for (const [i, dataset] of next.entries()) {
      const kept = current[i];
      if (kept === undefined) current.push(dataset);
      else Object.assign(kept, dataset);
    }
    current.length = next.length;
  }

  #datasets(series: ChartSeries, at: number): Dataset[] {
    const theme = this.#theme;
    const colour = theme.series[series.colour % theme.series.length] ?? theme.foreground;
    const yAxisID = series.axis === 'right' ? 'right' : 'left';
    const drawsPoints = series.draw !== undefined;
    const marked = theme.highContrast && series.marker !== undefined && !drawsPoints;
    const pointRadius = drawsPoints
      ? (series.size ?? 4.5)
      : marked
        ? markerRadii(series.points.length, series.marker ?? 0)
        : 0;
    const line: Dataset = {
      isBand: false,
      series: at,
      pointNames: series.pointNames ?? [],
      label: series.label,
      data: [...series.points],
      yAxisID,
      showLine: series.draw !== 'points',
      borderColor: colour,
      borderWidth: series.width ?? (theme.highContrast ? 2 : 1.5),
      borderDash: [...(dashPatterns[(series.dash ?? 0) % dashPatterns.length] ?? [])],
      pointRadius,
      pointHitRadius: 8,
      pointHoverRadius: drawsPoints ? (series.size ?? 4.5) + 1.5 : 3,
      pointBorderWidth: 2,
      pointStyle: series.shape ?? markerShape(series) ?? 'circle',
      pointBorderColor: colour,
      pointBackgroundColor: series.hollow === true ? theme.background : colour,
      fill: false,
      // A point on the axis is seen whole.
      ...(drawsPoints ? { clip: 8 } : {}),
      // Points stand on top of lines: what they mark is seen.
      order: drawsPoints ? -1 : 0,
    };
    if (series.band === undefined) return [line];
    const edge = (side: 0 | 1, fill: ChartDataset<'line'>['fill']): Dataset => ({
      isBand: true,
      series: at,
      pointNames: [],
      label: series.label,
      data: series.points.map(({ x }, i) => ({ x, y: series.band?.[i]?.[side] ?? Number.NaN })),
      yAxisID,
      showLine: true,
      borderColor: colour,
      // In high contrast no colour may be mixed with the background: the band is its two edges.
      borderWidth: theme.highContrast ? 1 : 0,
      borderDash: [2, 3],
      pointRadius: 0,
      pointHitRadius: 0,
      pointHoverRadius: 0,
      backgroundColor: faint(colour, 22),
      fill: theme.highContrast ? false : fill,
      order: 1,
    });
    return [line, edge(0, false), edge(1, '-1')];
  }

  #pointLabels(): readonly PointLabels[] {
    return (this.#content?.series ?? []).flatMap((series) =>
      series.pointLabels === undefined
        ? []
        : [{ labels: series.pointLabels, points: series.points, axis: series.axis ?? 'left' }],
    );
  }

  #errorBars(): readonly ErrorBars[] {
    const { series: colours, foreground } = this.#theme;
    return (this.#content?.series ?? []).flatMap(({ points, errors, errorsAlong, axis, colour }) =>
      errors === undefined && errorsAlong === undefined
        ? []
        : [
            {
              points,
              errors: errors ?? [],
              errorsAlong: errorsAlong ?? [],
              axis: axis ?? 'left',
              colour: colours[colour % colours.length] ?? foreground,
            },
          ],
    );
  }

  #options(content: ChartContent): ChartOptions<'line'> {
    const theme = this.#theme;
    const font = { family: theme.fontFamily, size: theme.fontPixels };
    return {
      parsing: false,
      normalized: true,
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      spanGaps: false,
      events: ['mousemove', 'mouseout', 'click', 'touchstart', 'touchmove'],
      interaction: {
        mode: 'nearest',
        axis: content.nearest === 'point' ? 'xy' : 'x',
        intersect: content.nearest === 'point',
      },
      layout: { padding: { top: 14, right: 22 } },
      elements: { line: { tension: 0 } },
      scales: {
        x: chartScale(content.x, 'bottom', true, theme),
        left: chartScale(content.left, 'left', true, theme),
        ...(content.right === undefined ? {} : { right: chartScale(content.right, 'right', false, theme) }),
      },
      plugins: {
        tooltip: {
          animation: false,
          backgroundColor: theme.background,
          titleColor: theme.foreground,
          bodyColor: theme.foreground,
          borderColor: theme.border,
          borderWidth: 1,
          titleFont: { ...font, weight: 'bold' },
          bodyFont: font,
          filter: ({ dataset }) => !(dataset as Dataset).isBand,
          callbacks: {
            title: (items) => {
              const x = items[0]?.parsed.x;
              return x === undefined || x === null ? '' : `${content.x.label}: ${content.x.format(x)}`;
            },
            label: ({ dataset, dataIndex, parsed }) => {
              const axis = dataset.yAxisID === 'right' ? (content.right ?? content.left) : content.left;
              const name = (dataset as Dataset).pointNames[dataIndex];
              const unit = axis.unit === undefined ? '' : ` ${axis.unit}`;
              return `${name ?? dataset.label}: ${parsed.y === null ? '' : `${axis.format(parsed.y)}${unit}`}`;
            },
          },
        },
      },
    } as ChartOptions<'line'>;
  }
}

export function markerShape({ marker }: ChartSeries): PointShape | undefined {
  return marker === undefined ? undefined : markerShapes[marker % markerShapes.length];
}

/** Five shapes along a line, those of its neighbours beside them. */
function markerRadii(points: number, marker: number): number[] {
  const every = Math.max(1, Math.floor(points / 5));
  const first = Math.floor((every * (marker % markerShapes.length)) / markerShapes.length);
  return Array.from({ length: points }, (_, i) => (i % every === first ? 4 : 0));
}
