/** Bars and heat maps as SVG text, in the colours of the page's style sheet. */
import { escapeXml } from './reportChart.ts';

export interface BarChart {
  readonly title: string;
  readonly summary: string;
  /** Of the values: `US dollars a million output tokens`. */
  readonly unit: string;
  readonly bars: readonly {
    readonly name: string;
    readonly value: number;
    readonly words: string;
    readonly isBest: boolean;
  }[];
}

const width = 640;
const nameWidth = 220;
const valueWidth = 190;
const barHeight = 22;
const barGap = 10;

/** From 0, the best one in the first colour. */
export function barsSvg({ title, summary, unit, bars }: BarChart): string {
  const largest = Math.max(1e-12, ...bars.map(({ value }) => value));
  const room = width - nameWidth - valueWidth;
  const rows = bars.map(({ name, value, words, isBest }, at) => {
    const y = 48 + at * (barHeight + barGap);
    const length = Math.max(1, Math.round((10 * room * value) / largest) / 10);
    return `<text class="label" x="${nameWidth - 8}" y="${y + 15}" text-anchor="end">${escapeXml(shortened(name, 33))}<title>${escapeXml(name)}</title></text><rect class="bar${isBest ? ' best' : ''}" x="${nameWidth}" y="${y}" width="${length}" height="${barHeight}" rx="2"/><text class="label" x="${nameWidth + length + 6}" y="${y + 15}">${escapeXml(words)}</text>`;
  });
  const height = 60 + bars.length * (barHeight + barGap);
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(`${title}. ${summary}`)}" xmlns="http://www.w3.org/2000/svg"><title>${escapeXml(title)}</title><text class="title" x="0" y="18">${escapeXml(title)}</text><text class="tick" x="0" y="36">${escapeXml(unit)}</text>${rows.join('')}</svg>`;
}

export interface HeatMap {
  readonly title: string;
  readonly summary: string;
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    /** A share of change each, null where there is none: 0.35 is 35 % more. */
    readonly cells: readonly ({ readonly share: number; readonly words: string } | null)[];
  }[];
}

const rowHeight = 40;

/** Gain in one colour, loss in another, the stronger the further from none; the words stand in every field. */
export function heatMapSvg({ title, summary, columns, rows }: HeatMap): string {
  const left = 170;
  const columnWidth = (width - left) / Math.max(1, columns.length);
  const largest = Math.max(
    0.05,
    ...rows.flatMap(({ cells }) => cells.map((cell) => Math.abs(cell?.share ?? 0))),
  );
  const heads = columns.map(
    (name, at) =>
      `<text class="tick" x="${round(left + (at + 0.5) * columnWidth)}" y="42" text-anchor="middle">${escapeXml(shortened(name, Math.floor(columnWidth / 6.5)))}<title>${escapeXml(name)}</title></text>`,
  );
  const fields = rows.map(({ name, cells }, row) => {
    const y = 52 + row * rowHeight;
    const marks = cells.map((cell, at) => {
      const x = round(left + at * columnWidth);
      const place = `x="${x + 1}" y="${y + 1}" width="${round(columnWidth - 2)}" height="${rowHeight - 2}" rx="2"`;
      if (cell === null) return `<rect class="no-gain" ${place}/>`;
      const strength = Math.round(100 * Math.min(1, 0.12 + (0.6 * Math.abs(cell.share)) / largest)) / 100;
      return `<rect class="${cell.share >= 0 ? 'gain' : 'loss'}" fill-opacity="${strength}" ${place}/><text class="label" x="${round(x + columnWidth / 2)}" y="${y + 25}" text-anchor="middle">${escapeXml(cell.words)}</text>`;
    });
    return `<text class="label" x="${left - 8}" y="${y + 25}" text-anchor="end">${escapeXml(shortened(name, 26))}<title>${escapeXml(name)}</title></text>${marks.join('')}`;
  });
  const height = 60 + rows.length * rowHeight;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(`${title}. ${summary}`)}" xmlns="http://www.w3.org/2000/svg"><title>${escapeXml(title)}</title><text class="title" x="0" y="18">${escapeXml(title)}</text>${heads.join('')}${fields.join('')}</svg>`;
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
