/** A line chart as SVG text. Colours come from the page's style sheet, so that it follows light, dark and print. */
import { formatCount } from '../units.ts';

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  /** Left out of the answer: drawn hollow. */
  readonly hollow: boolean;
  /** Ends of its 95 % interval. */
  readonly low?: number;
  readonly high?: number;
  /** And of that along the other axis. */
  readonly left?: number;
  readonly right?: number;
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
  /** A vertical one. */
  readonly mark?: { readonly x: number; readonly label: string } | null;
  /** Default: linear, from 0. `log2`: a step to the right is twice as much. */
  readonly xScale?: 'linear' | 'log2';
  /** Cells that gave no figure, drawn as crosses on the axis. */
  readonly failed?: readonly { readonly x: number; readonly label: string }[];
  /** Part of the axis in which nothing runs, hatched. */
  readonly hatched?: { readonly from: number; readonly to: number; readonly label: string } | null;
}

const width = 640;
const height = 360;
const margin = { left: 72, right: 24, top: 44, bottom: 52 };
const legendRow = 18;
/** Labels closer than this would lie on each other. */
const labelRoom = { x: 26, y: 13 };

type Scale = (value: number) => number;

/** Both axes begin at 0, but for a logarithmic one: ratios are seen as they are. */
export function chartSvg(chart: LineChart): string {
  const points = chart.series.flatMap((series) => series.points);
  const xs = [
    ...points.map(({ x, right }) => Math.max(x, right ?? x)),
    ...(chart.failed ?? []).map(({ x }) => x),
    ...(chart.mark ? [chart.mark.x] : []),
  ];
  const named = chart.series.length > 1 ? chart.series : [];
  const top = margin.top + legendRow * Math.ceil(named.length / 2);
  const bottom = height + top - margin.top - margin.bottom;
  const yTicks = ticks(
    Math.max(0, chart.limit?.y ?? 0, ...points.map(({ y, high }) => Math.max(y, high ?? y))),
  );
  const y = scale(yTicks.at(-1) ?? 1, bottom, top);
  const { xTicks, x } = horizontal(xs, chart.xScale ?? 'linear');
  const taken: Taken = [];
  const parts = [
    `<text class="title" x="${margin.left}" y="18">${escapeXml(chart.title)}</text>`,
    ...named.map((series, index) => legendEntry(series.name, index)),
    ...yTicks.map(
      (tick) =>
        `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="${margin.left - 8}" y="${y(tick)}" dy="0.32em" text-anchor="end">${tickText(tick)}</text>`,
    ),
    ...xTicks.map(
      (tick) =>
        `<text class="tick" x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${tickText(tick)}</text>`,
    ),
    ...hatching(chart, x, top, bottom),
    `<line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${bottom}" y2="${bottom}"/>`,
    `<text class="axis-title" x="${(margin.left + width - margin.right) / 2}" y="${bottom + 42}" text-anchor="middle">${escapeXml(chart.xTitle)}</text>`,
    `<text class="axis-title" x="${-(top + bottom) / 2}" y="16" transform="rotate(-90)" text-anchor="middle">${escapeXml(chart.yTitle)}</text>`,
    ...limitLine(chart, y, taken),
    ...markLine(chart, x, top, bottom, taken),
    ...chart.series.map(({ points: own }, index) => seriesParts(own, index, x, y, taken)),
    ...(chart.failed ?? []).map((point) => cross(x(point.x), bottom, point.label, taken)),
  ];
  const full = bottom + margin.bottom;
  return `<svg viewBox="0 0 ${width} ${full}" role="img" aria-label="${escapeXml(`${chart.title}. ${chart.summary}`)}" xmlns="http://www.w3.org/2000/svg"><title>${escapeXml(chart.title)}</title>${parts.join('')}</svg>`;
}

/** Places of the labels that are drawn. */
type Taken = { readonly x: number; readonly y: number; readonly half: number }[];

/** The label, unless it would lie on another one: the table has them all. */
function label(text: string, x: number, y: number, taken: Taken, kind = 'label'): string {
  const half = Math.max(labelRoom.x / 2, text.length * 3.2);
  if (taken.some((one) => Math.abs(one.x - x) < one.half + half && Math.abs(one.y - y) < labelRoom.y))
    return '';
  taken.push({ x, y, half });
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="middle">${escapeXml(text)}</text>`;
}

function legendEntry(name: string, index: number): string {
  const x = margin.left + (index % 2) * ((width - margin.left - margin.right) / 2);
  const y = 30 + legendRow * Math.floor(index / 2);
  const shown = name.length > 44 ? `${name.slice(0, 43)}…` : name;
  return `<g class="series series-${index % 6}"><line x1="${x}" x2="${x + 18}" y1="${y + 4}" y2="${y + 4}" class="legend"/><text class="label" x="${x + 24}" y="${y + 8}">${escapeXml(shown)}</text></g>`;
}

function seriesParts(points: readonly ChartPoint[], index: number, x: Scale, y: Scale, taken: Taken): string {
  const path = points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ');
  const marks = points.map((point) => {
    const [at, up] = [x(point.x), y(point.y)];
    const hollow = point.hollow ? ' hollow' : '';
    const bar =
      point.low === undefined || point.high === undefined || point.high <= point.low
        ? ''
        : `<path class="error" d="M${at - 4} ${y(point.high)}h8m-4 0V${y(Math.max(0, point.low))}m-4 0h8"/>`;
    const along =
      point.left === undefined || point.right === undefined || point.right <= point.left
        ? ''
        : `<path class="error" d="M${x(Math.max(0, point.left))} ${up - 4}v8m0 -4H${x(point.right)}m0 -4v8"/>`;
    return `${bar}${along}<circle class="point${hollow}" cx="${at}" cy="${up}" r="4"/>${point.label === '' ? '' : label(point.label, at, y(point.high ?? point.y) - 9, taken)}`;
  });
  return `<g class="series series-${index % 6}"><polyline points="${path}"/>${marks.join('')}</g>`;
}

function limitLine(chart: LineChart, y: Scale, taken: Taken): string[] {
  if (chart.limit === null) return [];
  const at = y(chart.limit.y);
  const half = chart.limit.label.length * 3.2;
  taken.push({ x: width - margin.right - half, y: at - 6, half });
  return [
    `<line class="limit" x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/>`,
    `<text class="limit-label" x="${width - margin.right}" y="${at - 6}" text-anchor="end">${escapeXml(chart.limit.label)}</text>`,
  ];
}

function markLine({ mark }: LineChart, x: Scale, top: number, bottom: number, taken: Taken): string[] {
  if (!mark) return [];
  const at = x(mark.x);
  const half = mark.label.length * 3.2;
  const isLeft = at > width / 2;
  const place = top + 14;
  taken.push({ x: isLeft ? at - half : at + half, y: place, half });
  return [
    `<line class="mark" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>`,
    `<text class="mark-label" x="${at + (isLeft ? -6 : 6)}" y="${place}" text-anchor="${isLeft ? 'end' : 'start'}">${escapeXml(mark.label)}</text>`,
  ];
}

function hatching({ hatched }: LineChart, x: Scale, top: number, bottom: number): string[] {
  if (!hatched) return [];
  const [from, to] = [x(hatched.from), x(hatched.to)];
  const lines: string[] = [];
  for (let offset = -(bottom - top); offset < to - from; offset += 10) {
    const [left, right] = [Math.max(0, offset), Math.min(to - from, offset + bottom - top)];
    if (right > left)
      lines.push(
        `M${round(from + left)} ${round(bottom - (left - offset))}L${round(from + right)} ${round(bottom - (right - offset))}`,
      );
  }
  const middle = round((from + to) / 2);
  const words =
    to - from > hatched.label.length * 6
      ? `<text class="hatch-label" x="${middle}" y="${top + 14}" text-anchor="middle">${escapeXml(hatched.label)}</text>`
      : '';
  return [`<path class="hatch" d="${lines.join('')}"/>${words}`];
}

function cross(x: number, y: number, text: string, taken: Taken): string {
  return `<path class="failed" d="M${x - 5} ${y - 5}l10 10m0 -10l-10 10"><title>${escapeXml(text)}</title></path>${label(text, x, y - 10, taken, 'failed-label')}`;
}

function horizontal(
  values: readonly number[],
  kind: 'linear' | 'log2',
): { xTicks: readonly number[]; x: Scale } {
  const positive = values.filter((value) => value > 0);
  const [left, right] = [margin.left, width - margin.right];
  if (kind === 'linear' || positive.length === 0) {
    const xTicks = ticks(Math.max(0, ...values));
    return { xTicks, x: scale(xTicks.at(-1) ?? 1, left, right) };
  }
  const from = Math.floor(Math.log2(Math.min(...positive)) - 0.25);
  const to = Math.ceil(Math.log2(Math.max(...positive)) + 0.25);
  const every = Math.ceil((to - from) / 10);
  const xTicks = Array.from(
    { length: Math.floor((to - from) / every) + 1 },
    (_, at) => 2 ** (from + at * every),
  );
  return {
    xTicks,
    x: (value) =>
      round(left + ((Math.log2(Math.max(value, 2 ** from)) - from) / (to - from)) * (right - left)),
  };
}

function scale(largest: number, from: number, to: number): Scale {
  return (value) => round(from + ((to - from) * value) / largest);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
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
