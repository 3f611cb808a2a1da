/** An axis as chart.js takes it. */
import type { ScaleOptionsByType } from 'chart.js';
import type { ChartAxis } from './chartContent.ts';
import { logarithmicTicks, spacedTicks, timeTicks } from './chartTicks.ts';
import type { Theme } from './theme.ts';

export function chartScale(
  axis: ChartAxis,
  position: 'bottom' | 'left' | 'right',
  grid: boolean,
  theme: Theme,
): ScaleOptionsByType<'linear'> {
  const font = { family: theme.fontFamily, size: theme.fontPixels };
  const { ticks } = axis;
  const [across, room] = position === 'bottom' ? (['width', 44] as const) : (['height', 18] as const);
  const ownTicks =
    ticks !== undefined
      ? (min: number, max: number, _: number, chart: ScaleBox['chart']) =>
          spacedTicks(ticks, { min, max, logarithmic: axis.scale === 'logarithmic' }, room / chart[across])
      : axis.scale === 'time'
        ? timeTicks
        : axis.scale === 'logarithmic'
          ? logarithmicTicks
          : undefined;
  return {
    type: axis.scale === 'logarithmic' ? 'logarithmic' : 'linear',
    position,
    ...(axis.min === undefined ? {} : { min: axis.min }),
    ...(axis.max === undefined ? {} : { max: axis.max }),
    ...(axis.reaches === undefined ? {} : { suggestedMax: axis.reaches }),
    ...(position === 'bottom' || axis.max !== undefined ? {} : { grace: '4%' }),
    // The same in every chart with short labels, so that time axes one above the other line up.
    ...(position === 'left' ? { afterFit: widenLeftAxis } : {}),
    title: { display: axis.untitled !== true, text: axis.label, color: theme.description, font },
    border: { color: theme.lines },
    grid: {
      display: grid,
      color: theme.highContrast ? 'transparent' : faint(theme.lines, 35),
      tickColor: theme.lines,
    },
    ticks: {
      color: theme.foreground,
      font,
      minRotation: 0,
      maxRotation: 0,
      autoSkip: ownTicks === undefined,
      maxTicksLimit: position === 'bottom' ? 7 : 6,
      callback: (value: number | string) => axis.format(Number(value)),
    },
    ...(ownTicks === undefined
      ? {}
      : {
          afterBuildTicks: (scale: ScaleBox) => {
            const wide = position === 'bottom' ? scale.chart.width / 90 : scale.chart.height / 40;
            const most = Math.max(2, Math.floor(wide));
            scale.ticks = ownTicks(scale.min, scale.max, most, scale.chart).map((value) => ({ value }));
          },
        }),
  } as unknown as ScaleOptionsByType<'linear'>;
}

function widenLeftAxis(scale: { width: number }): void {
  scale.width = Math.max(scale.width, 64);
}

export function faint(colour: string, percent: number): string {
  return `color-mix(in srgb, ${colour} ${percent}%, transparent)`;
}

/** What is used of chart.js's scale where ticks are placed. */
interface ScaleBox {
  readonly min: number;
  readonly max: number;
  readonly chart: { readonly width: number; readonly height: number };
  ticks: { value: number }[];
}
