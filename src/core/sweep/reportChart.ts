/** A small line chart as SVG text. Colours come from the page's style sheet, so that it follows light, dark and print. */
import { formatCount } from '../units.ts';

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  /** Left out of the answer: drawn hollow. */
  readonly hollow: boolean;
}

export interface LineChart {
  readonly title: string;
  /** One sentence that says what the chart shows, for those who do not see it. */
  readonly summary: string;
  readonly xTitle: string;
  readonly yTitle: string;
  /** A line a series, its points joined in the order given. */
  readonly series: readonly { readonly name: string; readonly points: readonly ChartPoint[] }[];
  /** A horizontal limit, with its words. */
  readonly limit: { readonly y: number; readonly label: string } | null;
}

const width = 640;
const height = 360;
const margin = { left: 72, right: 24, top: 44, bottom: 52 };

/** Both axes begin at 0: ratios are seen as they are. */
export function chartSvg(chart: LineChart): string {
  const points = chart.series.flatMap((series) => series.points);
  const xTicks = ticks(Math.max(0, ...points.map(({ x }) => x)));
  const yTicks = ticks(Math.max(0, chart.limit?.y ?? 0, ...points.map(({ y }) => y)));
  const x = scale(xTicks.at(-1) ?? 1, margin.left, width - margin.right);
  const y = scale(yTicks.at(-1) ?? 1, height - margin.bottom, margin.top);
  const parts = [
    `<text class="title" x="${margin.left}" y="18">${escapeXml(chart.title)}</text>`,
    ...yTicks.map(
      (tick) =>
        `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="${margin.left - 8}" y="${y(tick)}" dy="0.32em" text-anchor="end">${tickText(tick)}</text>`,
    ),
    ...xTicks.map(
      (tick) =>
        `<text class="tick" x="${x(tick)}" y="${height - margin.bottom + 18}" text-anchor="middle">${tickText(tick)}</text>`,
    ),
    `<line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${y(0)}" y2="${y(0)}"/>`,
    `<text class="axis-title" x="${(margin.left + width - margin.right) / 2}" y="${height - 10}" text-anchor="middle">${escapeXml(chart.xTitle)}</text>`,
    `<text class="axis-title" x="${-(margin.top + height - margin.bottom) / 2}" y="16" transform="rotate(-90)" text-anchor="middle">${escapeXml(chart.yTitle)}</text>`,
    ...limitLine(chart, y),
    ...chart.series.map((series, index) =>
      seriesParts(series.points, index, chart.series.length > 1 ? series.name : null, x, y),
    ),
  ];
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(`${chart.title}. ${chart.summary}`)}" xmlns="http://www.w3.org/2000/svg"><title>${escapeXml(chart.title)}</title>${parts.join('')}</svg>`;
}

function seriesParts(
  points: readonly ChartPoint[],
  index: number,
  name: string | null,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  const path = points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ');
  const last = points.at(-1);
  const marks = points.map((point) => {
    const hollow = point.hollow ? ' hollow' : '';
    return `<circle class="point${hollow}" cx="${x(point.x)}" cy="${y(point.y)}" r="4"/><text class="label" x="${x(point.x)}" y="${y(point.y) - 9}" text-anchor="middle">${escapeXml(point.label)}</text>`;
  });
  const naming =
    name === null || last === undefined
      ? ''
      : `<text class="label" x="${x(last.x)}" y="${y(last.y) + 18}" text-anchor="end">${escapeXml(name)}</text>`;
  return `<g class="series series-${index % 6}"><polyline points="${path}"/>${marks.join('')}${naming}</g>`;
}

function limitLine(chart: LineChart, y: (value: number) => number): string[] {
  if (chart.limit === null) return [];
  const at = y(chart.limit.y);
  return [
    `<line class="limit" x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/>`,
    `<text class="limit-label" x="${width - margin.right}" y="${at - 6}" text-anchor="end">${escapeXml(chart.limit.label)}</text>`,
  ];
}

function scale(largest: number, from: number, to: number): (value: number) => number {
  return (value) => Math.round((from + ((to - from) * value) / largest) * 10) / 10;
}

/** About five round steps from 0 to at least the largest value; 0 to 1 where there is none to speak of. */
export function ticks(largest: number): readonly number[] {
  if (!(largest > 1e-9) || !Number.isFinite(largest)) return [0, 1];
  const rough = largest / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * (1 - 1e-9)) ??
    10 * power;
  const count = Math.ceil(largest / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

function tickText(value: number): string {
  return value >= 10 || Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(3)));
}

export function escapeXml(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
      // Control characters are not allowed in XML at all, and logs have them.
      .replace(/(?![\t\r\n])\p{Cc}/gu, '\ufffd')
  );
}
