/** What stands in a chart besides its lines: limits, the point one is at, gaps and their cause. */
import type { Chart } from 'chart.js';
import type { Theme } from './theme.ts';

/** A straight line across the plot with its name: a service level, a limit, the current setting. */
export interface ChartMark {
  readonly direction: 'vertical' | 'horizontal';
  readonly at: number;
  readonly label: string;
  readonly kind: 'limit' | 'current' | 'failed';
}

/** A stretch of the x axis: hatched, where nothing is known or all has failed; else shaded. */
export interface ChartRegion {
  readonly from: number;
  readonly to: number;
  readonly label: string;
  /** Left out: a gap. */
  readonly kind?: 'failed' | 'span' | 'chosen-span';
}

export interface PointLabels {
  readonly labels: readonly string[];
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly axis: 'left' | 'right';
}

const markDashes: Readonly<Record<ChartMark['kind'], number[]>> = {
  limit: [6, 3],
  current: [],
  failed: [2, 4],
};

export function drawMarks(chart: Chart, marks: readonly ChartMark[], theme: Theme): void {
  const { ctx, chartArea: area, scales } = chart;
  ctx.save();
  ctx.font = `${theme.fontPixels}px ${theme.fontFamily}`;
  ctx.textBaseline = 'bottom';
  for (const mark of marks) {
    const vertical = mark.direction === 'vertical';
    const place = scales[vertical ? 'x' : 'left']?.getPixelForValue(mark.at);
    if (place === undefined || !Number.isFinite(place)) continue;
    const [low, high] = vertical ? [area.left, area.right] : [area.top, area.bottom];
    if (place < low - 1 || place > high + 1) continue;
    ctx.strokeStyle = ctx.fillStyle =
      mark.kind === 'limit' ? theme.warning : mark.kind === 'failed' ? theme.failed : theme.foreground;
    ctx.lineWidth = 1.5;
    ctx.setLineDash(markDashes[mark.kind]);
    ctx.beginPath();
    ctx.moveTo(vertical ? place : area.left, vertical ? area.top : place);
    ctx.lineTo(vertical ? place : area.right, vertical ? area.bottom : place);
    ctx.stroke();
    const width = ctx.measureText(mark.label).width;
    if (vertical) {
      // Beside the axis stand its figures.
      const left = Math.max(area.left, Math.min(place - width / 2, area.right - width));
      drawText(ctx, mark.label, left, area.top - 1, theme, false);
    } else {
      // Above the line, unless names of vertical lines stand there.
      const below = place - area.top < theme.fontPixels + 6;
      drawText(
        ctx,
        mark.label,
        Math.max(area.left + 4, area.right - width - 4),
        below ? place + theme.fontPixels + 5 : place - 2,
        theme,
        true,
      );
    }
  }
  ctx.restore();
}

export function drawRegions(chart: Chart, regions: readonly ChartRegion[], theme: Theme): void {
  const { ctx, chartArea: area, scales } = chart;
  const x = scales['x'];
  if (x === undefined) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left, area.top, area.width, area.height);
  ctx.clip();
  ctx.font = `${theme.fontPixels}px ${theme.fontFamily}`;
  ctx.lineWidth = 1;
  for (const region of regions) {
    const failed = region.kind === 'failed';
    ctx.strokeStyle = failed ? theme.failed : theme.lines;
    ctx.fillStyle = failed ? theme.failed : theme.description;
    const left = Math.max(area.left, x.getPixelForValue(region.from));
    const right = Math.min(area.right, Math.max(left + 2, x.getPixelForValue(region.to)));
    if (right <= area.left || left >= area.right) continue;
    const isSpan = region.kind === 'span' || region.kind === 'chosen-span';
    if (isSpan) shade(ctx, area, left, right, region.kind === 'chosen-span', theme);
    else hatch(ctx, area, left, right);
    const width = ctx.measureText(region.label).width;
    if (width + 8 < right - left) {
      const from = left + (right - left - width) / 2;
      // Names of limits stand at the top.
      const bottom = isSpan ? area.bottom - 4 : area.top + theme.fontPixels + 6;
      if (!isSpan) plate(ctx, from, bottom, width, theme);
      drawText(ctx, region.label, from, bottom, theme, true);
    } else if (failed && right - left > theme.fontPixels + 4) {
      // Too narrow for it to lie: it stands.
      ctx.save();
      ctx.translate((left + right + theme.fontPixels) / 2, area.bottom - 14);
      ctx.rotate(-Math.PI / 2);
      plate(ctx, 0, 0, width, theme);
      drawText(ctx, region.label, 0, 0, theme, true);
      ctx.restore();
    }
  }
  ctx.restore();
}

interface Area {
  readonly top: number;
  readonly bottom: number;
  readonly height: number;
}

function hatch(ctx: CanvasRenderingContext2D, area: Area, left: number, right: number): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, area.top, right - left, area.height);
  ctx.clip();
  ctx.beginPath();
  for (let offset = left - area.height; offset < right; offset += 8) {
    ctx.moveTo(offset, area.bottom);
    ctx.lineTo(offset + area.height, area.top);
  }
  ctx.stroke();
  ctx.restore();
}

/** Where text lies on a hatching: the outline of its letters would not keep its lines away. */
function plate(
  ctx: CanvasRenderingContext2D,
  left: number,
  bottom: number,
  width: number,
  theme: Theme,
): void {
  ctx.save();
  ctx.fillStyle = theme.background;
  ctx.fillRect(left - 3, bottom - theme.fontPixels - 1, width + 6, theme.fontPixels + 4);
  ctx.restore();
}

/** In high contrast its edges alone: no colour may be mixed with the background. */
function shade(
  ctx: CanvasRenderingContext2D,
  area: Area,
  left: number,
  right: number,
  chosen: boolean,
  theme: Theme,
): void {
  ctx.save();
  if (!theme.highContrast) {
    ctx.fillStyle = `color-mix(in srgb, ${theme.foreground} ${chosen ? 14 : 5}%, transparent)`;
    ctx.fillRect(left, area.top, right - left, area.height);
    // Its edges: where one ends, the next begins.
    ctx.strokeStyle = `color-mix(in srgb, ${theme.foreground} 30%, transparent)`;
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (const edge of [left + 0.5, right - 0.5]) {
      ctx.moveTo(edge, area.top);
      ctx.lineTo(edge, area.bottom);
    }
    ctx.stroke();
  }
  if (chosen || theme.highContrast) {
    ctx.strokeStyle = theme.foreground;
    ctx.lineWidth = !chosen ? 1 : theme.highContrast ? 4 : 2;
    ctx.strokeRect(left, area.top, right - left, area.height);
  }
  ctx.restore();
}

/** A ring around the point. */
export function drawEmphasis(
  { ctx, scales }: Chart,
  point: { readonly x: number; readonly y: number } | undefined,
  theme: Theme,
): void {
  if (point === undefined) return;
  const [left, top] = [scales['x']?.getPixelForValue(point.x), scales['left']?.getPixelForValue(point.y)];
  if (left === undefined || top === undefined || Number.isNaN(left) || Number.isNaN(top)) return;
  ctx.save();
  ctx.strokeStyle = theme.foreground;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.arc(left, top, 10, 0, 2 * Math.PI);
  ctx.stroke();
  ctx.restore();
}

/** Large and quiet, behind everything else. */
export function drawWatermark({ ctx, chartArea: area }: Chart, text: string, theme: Theme): void {
  if (text === '') return;
  ctx.save();
  ctx.font = `600 ${Math.max(18, Math.min(44, area.width / 10))}px ${theme.fontFamily}`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  ctx.strokeStyle = ctx.fillStyle = theme.highContrast
    ? theme.description
    : `color-mix(in srgb, ${theme.description} 14%, transparent)`;
  const [middle, height] = [(area.left + area.right) / 2, (area.top + area.bottom) / 2];
  if (theme.highContrast) ctx.strokeText(text, middle, height);
  else ctx.fillText(text, middle, height);
  ctx.restore();
}

export function drawLabels(chart: Chart, lists: readonly PointLabels[], theme: Theme): void {
  const { ctx, scales } = chart;
  ctx.save();
  ctx.font = `${theme.fontPixels}px ${theme.fontFamily}`;
  ctx.fillStyle = theme.foreground;
  ctx.textBaseline = 'bottom';
  for (const { labels, points, axis } of lists) {
    for (const [i, { x, y }] of points.entries()) {
      const [left, top] = [scales['x']?.getPixelForValue(x), scales[axis]?.getPixelForValue(y)];
      const label = labels[i];
      if (label === undefined || left === undefined || top === undefined || Number.isNaN(top)) continue;
      const beyond = left + 8 + ctx.measureText(label).width > chart.chartArea.right;
      const place = beyond ? left - 8 - ctx.measureText(label).width : left + 8;
      drawText(ctx, label, place, top - 4, theme, true);
    }
  }
  ctx.restore();
}

/** Over lines, text stands on the background's colour. */
function drawText(
  ctx: CanvasRenderingContext2D,
  text: string,
  left: number,
  bottom: number,
  theme: Theme,
  outlined: boolean,
): void {
  if (outlined) {
    ctx.save();
    ctx.setLineDash([]);
    ctx.lineWidth = 3;
    ctx.lineJoin = 'round';
    ctx.strokeStyle = theme.background;
    ctx.strokeText(text, left, bottom);
    ctx.restore();
  }
  ctx.fillText(text, left, bottom);
}
