/** What a chart shows, without a word of the library that draws it. */
import type { ChartMark, ChartRegion } from './chartMarks.ts';
import type { ChartTile } from './chartTiles.ts';

export interface Point {
  readonly x: number;
  /** NaN is a gap. */
  readonly y: number;
}

export interface ChartAxis {
  readonly label: string;
  /** The label is said in tooltips alone: what the ticks are is plain. */
  readonly untitled?: true;
  /** Said after values in tooltips. */
  readonly unit?: string;
  readonly scale: 'linear' | 'logarithmic' | 'time';
  readonly min?: number;
  readonly max?: number;
  /** The axis reaches at least this far, to the next round number. */
  readonly reaches?: number;
  /** Where ticks stand; left out: at round numbers. */
  readonly ticks?: readonly number[];
  /** At the ticks. */
  format(value: number): string;
}

export type PointShape = 'circle' | 'triangle' | 'rect' | 'rectRot' | 'crossRot' | 'cross';

export interface ChartSeries {
  readonly label: string;
  readonly points: readonly Point[];
  /** Which of the theme's series colours. */
  readonly colour: number;
  /** Which dash pattern; 0 is a solid line. */
  readonly dash?: number;
  /** Pixels; left out: a thin line. */
  readonly width?: number;
  readonly axis?: 'left' | 'right';
  /** In high contrast a line carries this shape here and there: by index of `markerShapes`. */
  readonly marker?: number;
  /** Left out: a line without points. */
  readonly draw?: 'points' | 'line-and-points';
  readonly shape?: PointShape;
  /** Radius of its points, pixels. */
  readonly size?: number;
  readonly hollow?: boolean;
  /** Written beside the points, in their order. */
  readonly pointLabels?: readonly string[];
  /** Said of the points in tooltips, in their order. */
  readonly pointNames?: readonly string[];
  /** `[low, high]` of each point's value, drawn as a bar across it; null: not known. */
  readonly errors?: readonly (readonly [number, number] | null)[];
  /** As `errors`, along the x axis. */
  readonly errorsAlong?: readonly (readonly [number, number] | null)[];
  /** The range that is as likely, drawn lighter: `[low, high]` in the order of the points. */
  readonly band?: readonly (readonly [number, number])[];
}

export interface ChartContent {
  readonly x: ChartAxis;
  readonly left: ChartAxis;
  readonly right?: ChartAxis;
  readonly series: readonly ChartSeries[];
  readonly marks?: readonly ChartMark[];
  readonly regions?: readonly ChartRegion[];
  /** Coloured fields in place of lines. */
  readonly tiles?: readonly ChartTile[];
  /** The point that is looked at elsewhere on the page: ringed. */
  readonly emphasis?: Point;
  /** A word across the plot: what is said of everything in it. */
  readonly watermark?: string;
  /** What a pointer shows the figures of. Left out: the nearest along the x axis. */
  readonly nearest?: 'point';
}

/** A point of a series, by index. */
export interface PointPlace {
  readonly series: number;
  readonly point: number;
}
