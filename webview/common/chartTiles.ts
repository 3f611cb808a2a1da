/** Coloured fields on two axes of whole numbers: a heat map. */
import type { Chart } from 'chart.js';
import type { Theme } from './theme.ts';

export interface ChartTile {
  /** Its middle; it reaches half a step to each side. */
  readonly x: number;
  readonly y: number;
  /** Written in it where there is room. */
  readonly text: string;
  /** 0 to 1: how strong its colour is; below 0, as strong in the colour of a loss. null: it has no figure. */
  readonly share: number | null;
  /** Hatched. */
  readonly failed?: boolean;
}

export function drawTiles(
  { ctx, chartArea: area, scales }: Chart,
  tiles: readonly ChartTile[],
  theme: Theme,
): void {
  const [x, y] = [scales['x'], scales['left']];
  if (x === undefined || y === undefined || tiles.length === 0) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left, area.top, area.width, area.height);
  ctx.clip();
  ctx.font = `${theme.fontPixels}px ${theme.fontFamily}`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  for (const tile of tiles) {
    const [left, right] = [x.getPixelForValue(tile.x - 0.5) + 1, x.getPixelForValue(tile.x + 0.5) - 1];
    const [top, bottom] = [y.getPixelForValue(tile.y + 0.5) + 1, y.getPixelForValue(tile.y - 0.5) - 1];
    const [width, height] = [right - left, bottom - top];
    ctx.strokeStyle = theme.lines;
    ctx.lineWidth = 1;
    if (tile.share !== null) {
      const colour = theme.series[tile.share < 0 ? 1 : 0] ?? theme.foreground;
      // In high contrast no colour may be mixed with the background: a bar says how much, its colour which way.
      if (theme.highContrast) {
        ctx.strokeStyle = ctx.fillStyle = colour;
        const bar = Math.min(6, height / 4);
        ctx.fillRect(left, bottom - bar, width * Math.min(1, Math.abs(tile.share)), bar);
      } else {
        const percent = Math.round(12 + 68 * Math.min(1, Math.abs(tile.share)));
        ctx.fillStyle = `color-mix(in srgb, ${colour} ${percent}%, ${theme.background})`;
        ctx.fillRect(left, top, width, height);
      }
    }
    if (tile.failed === true) {
      ctx.strokeStyle = theme.failed;
      hatchTile(ctx, left, top, width, height);
    }
    ctx.strokeRect(left, top, width, height);
    if (ctx.measureText(tile.text).width + 6 < width && theme.fontPixels + 2 < height)
      drawTileText(ctx, tile, left + width / 2, top + height / 2, theme);
  }
  ctx.restore();
}

function drawTileText(
  ctx: CanvasRenderingContext2D,
  tile: ChartTile,
  middle: number,
  height: number,
  theme: Theme,
): void {
  ctx.lineWidth = 3;
  ctx.lineJoin = 'round';
  ctx.strokeStyle = theme.background;
  ctx.strokeText(tile.text, middle, height);
  ctx.fillStyle = tile.failed === true ? theme.failed : theme.foreground;
  ctx.fillText(tile.text, middle, height);
  ctx.lineWidth = 1;
}

function hatchTile(
  ctx: CanvasRenderingContext2D,
  left: number,
  top: number,
  width: number,
  height: number,
): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.beginPath();
  for (let offset = -height; offset < width; offset += 8) {
    ctx.moveTo(left + offset, top + height);
    ctx.lineTo(left + offset + height, top);
  }
  ctx.stroke();
  ctx.restore();
}
