import type { ChartSeries } from './chartContent.ts';
import { shapePaths, swatchOf } from './swatch.ts';
import { readTheme, type Theme } from './theme.ts';

/** The chart with its title and legend on the theme's background, as it is seen: PNG in base64; null where nothing is drawn. */
export function chartPicture(
  chart: HTMLCanvasElement,
  title: string,
  series: readonly ChartSeries[],
): string | null {
  if (chart.width === 0 || chart.height === 0) return null;
  const theme = readTheme();
  const scale = chart.width / Math.max(1, chart.clientWidth);
  const line = Math.round(theme.fontPixels * 1.7);
  const picture = document.createElement('canvas');
  const context = picture.getContext('2d');
  if (context === null) return null;
  const width = chart.width / scale;
  const rows = legendRows(context, theme, series, width);
  const above = line * (rows.length + 1) + 8;
  picture.width = chart.width;
  picture.height = chart.height + Math.round(above * scale);
  context.scale(scale, scale);
  context.fillStyle = theme.background;
  context.fillRect(0, 0, width, picture.height / scale);
  context.textBaseline = 'middle';
  context.fillStyle = theme.foreground;
  context.font = `600 ${theme.fontPixels + 1}px ${theme.fontFamily}`;
  context.fillText(title, 8, line / 2 + 4);
  context.font = fontOf(theme);
  for (const [row, entries] of rows.entries())
    for (const { one, left } of entries) drawEntry(context, theme, one, left, line * (row + 1.5) + 4);
  context.drawImage(chart, 0, above, width, chart.height / scale);
  return picture.toDataURL('image/png').split(',')[1] ?? null;
}

interface Entry {
  readonly one: ChartSeries;
  readonly left: number;
}

/** Entries side by side, as many in a row as it is wide. */
function legendRows(
  context: CanvasRenderingContext2D,
  theme: Theme,
  series: readonly ChartSeries[],
  width: number,
): readonly (readonly Entry[])[] {
  context.font = fontOf(theme);
  const rows: Entry[][] = [[]];
  let left = 8;
  for (const one of series) {
    const needed = 34 + context.measureText(one.label).width + 14;
    if (left > 8 && left + needed > width) {
      rows.push([]);
      left = 8;
    }
    rows.at(-1)?.push({ one, left });
    left += needed;
  }
  return rows;
}

function drawEntry(
  context: CanvasRenderingContext2D,
  theme: Theme,
  one: ChartSeries,
  left: number,
  middle: number,
): void {
  const { colour, dash, line, shape, hollow } = swatchOf(one, theme);
  context.save();
  context.translate(left, middle - 6);
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 2;
  if (line) {
    context.setLineDash([...dash]);
    context.stroke(new Path2D('M0 6h26'));
    context.setLineDash([]);
  }
  if (shape !== undefined) {
    const path = new Path2D(shapePaths[shape]);
    if (!hollow) context.fill(path);
    context.stroke(path);
  }
  context.restore();
  context.fillStyle = theme.foreground;
  context.fillText(one.label, left + 32, middle);
}

function fontOf({ fontPixels, fontFamily }: Theme): string {
  return `${fontPixels}px ${fontFamily}`;
}
