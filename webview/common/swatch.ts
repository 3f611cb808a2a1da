import { dashPatterns, markerShape } from './chart.ts';
import type { ChartSeries, PointShape } from './chartContent.ts';
import type { Theme } from './theme.ts';

/** How a series is told from the others: on the page, and in a picture of the chart. */
export interface Swatch {
  readonly colour: string;
  readonly dash: readonly number[];
  readonly line: boolean;
  readonly shape: PointShape | undefined;
  readonly hollow: boolean;
}

/** In a box of 26 by 12. */
export const shapePaths: Readonly<Record<PointShape, string>> = {
  circle: 'M17 6a4 4 0 1 1-8 0a4 4 0 1 1 8 0z',
  triangle: 'M13 1.5l4.5 8h-9z',
  rect: 'M9.5 2.5h7v7h-7z',
  rectRot: 'M13 1l5 5l-5 5l-5-5z',
  crossRot: 'M9.5 2.5l7 7M16.5 2.5l-7 7',
  cross: 'M13 1v10M8 6h10',
};

export function swatchOf(series: ChartSeries, theme: Theme): Swatch {
  return {
    colour: theme.series[series.colour % theme.series.length] ?? theme.foreground,
    dash: dashPatterns[(series.dash ?? 0) % dashPatterns.length] ?? [],
    line: series.draw !== 'points',
    shape:
      series.draw !== undefined
        ? (series.shape ?? 'circle')
        : theme.highContrast
          ? markerShape(series)
          : undefined,
    hollow: series.hollow === true,
  };
}
