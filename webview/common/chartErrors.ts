/** Intervals of points: a bar across each, with caps. */
import type { Chart } from 'chart.js';
import type { Theme } from './theme.ts';

type Interval = readonly [number, number] | null;

export interface ErrorBars {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Of the values. */
  readonly errors: readonly Interval[];
  /** Along the x axis. */
  readonly errorsAlong: readonly Interval[];
  readonly axis: 'left' | 'right';
  readonly colour: string;
}

const cap = 4;

export function drawErrorBars(
  { ctx, chartArea: area, scales }: Chart,
  lists: readonly ErrorBars[],
  theme: Theme,
): void {
  const x = scales['x'];
  if (x === undefined || lists.length === 0) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left - cap, area.top - cap, area.width + 2 * cap, area.height + 2 * cap);
  ctx.clip();
  ctx.lineWidth = theme.highContrast ? 2 : 1.5;
  for (const { points, errors, errorsAlong, axis, colour } of lists) {
    const y = scales[axis];
    if (y === undefined) continue;
    ctx.strokeStyle = colour;
    ctx.beginPath();
    for (const [at, point] of points.entries()) {
      const [left, top] = [x.getPixelForValue(point.x), y.getPixelForValue(point.y)];
      const [upright, along] = [errors[at], errorsAlong[at]];
      if (upright) bar(ctx, left, y.getPixelForValue(upright[0]), left, y.getPixelForValue(upright[1]), true);
      if (along) bar(ctx, x.getPixelForValue(along[0]), top, x.getPixelForValue(along[1]), top, false);
    }
    ctx.stroke();
  }
  ctx.restore();
}

function bar(
  ctx: CanvasRenderingContext2D,
  fromX: number,
  fromY: number,
  toX: number,
  toY: number,
  upright: boolean,
): void {
  const [acrossX, acrossY] = upright ? [cap, 0] : [0, cap];
  ctx.moveTo(fromX, fromY);
  ctx.lineTo(toX, toY);
  for (const [x, y] of [
    [fromX, fromY],
    [toX, toY],
  ] as const) {
    ctx.moveTo(x - acrossX, y - acrossY);
    ctx.lineTo(x + acrossX, y + acrossY);
  }
}
