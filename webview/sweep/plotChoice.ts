/** What is drawn: chosen in the selects above the chart, at first by the plan's question. */
import type { Question } from '../../src/core/sweep/planSchema.ts';
import type { Dimension } from './dimensions.ts';
import { isMetricId, type MetricId } from './metrics.ts';

export interface PlotChoice {
  readonly kind: 'points' | 'heat';
  readonly y: MetricId;
  /** A metric, or the id of a dimension. */
  readonly x: string;
  /** A line each: of what differs (`all`), of the values of a dimension, or none. */
  readonly lines: string;
  /** Rows of the heat map: a dimension. Its columns are `x`. */
  readonly rows: string;
  /** The heat map shows the gain over the first row in place of the figure. */
  readonly gain: boolean;
}

/** What a page kept, unchecked. */
export type KeptChoice = Partial<Record<keyof PlotChoice, unknown>>;

/** A choice that these cells can be drawn by: what was chosen as far as it is there, else what the question asks. */
export function plotChoice(
  kept: KeptChoice,
  question: Question | null,
  dimensions: readonly Dimension[],
): PlotChoice {
  const fallback = questionChoice(question, dimensions);
  const hasDimension = (id: unknown): id is string => dimensions.some((one) => one.id === id);
  const isX = (id: unknown): id is string => isMetricId(id) || hasDimension(id);
  const kind = (kept.kind ?? fallback.kind) === 'heat' && dimensions.length > 1 ? 'heat' : 'points';
  const x = isX(kept.x) ? kept.x : fallback.x;
  const columns = hasDimension(x) ? x : (dimensions[0]?.id ?? x);
  const rows = hasDimension(kept.rows) ? kept.rows : fallback.rows;
  return {
    kind,
    y: isMetricId(kept.y) ? kept.y : fallback.y,
    x: kind === 'heat' ? columns : x,
    lines: kept.lines === 'none' || hasDimension(kept.lines) ? kept.lines : 'all',
    rows: rows === columns ? (dimensions.find(({ id }) => id !== columns)?.id ?? rows) : rows,
    gain: typeof kept.gain === 'boolean' ? kept.gain : fallback.gain,
  };
}

function questionChoice(question: Question | null, dimensions: readonly Dimension[]): PlotChoice {
  const level = dimensions.find(({ id }) => id === 'concurrency' || id === 'requestsPerSecond');
  const flag =
    dimensions.find(({ id }) => /^flag:(gpu-memory-utilization|mem-fraction-static)$/.test(id)) ??
    dimensions.find(({ id, numeric }) => id.startsWith('flag:') && numeric) ??
    dimensions.find(({ id }) => id !== level?.id);
  const arrangement = dimensions.find(({ id }) => id === 'arrangement');
  const base: PlotChoice = {
    kind: 'points',
    y: 'system',
    x: level === undefined && flag !== undefined ? flag.id : 'per-query',
    lines: 'all',
    rows: (arrangement ?? flag ?? level)?.id ?? '',
    gain: false,
  };
  switch (question) {
    case 'memory-limit':
      return { ...base, x: (flag ?? level)?.id ?? base.x };
    case 'cost':
      return { ...base, y: 'dollars', x: (level ?? flag)?.id ?? base.x };
    case 'batch-parallel':
      return { ...base, x: (level ?? flag)?.id ?? base.x };
    case 'mps': {
      const columns = dimensions.find((one) => one.id !== arrangement?.id);
      return arrangement === undefined || columns === undefined
        ? base
        : { ...base, kind: 'heat', x: columns.id, rows: arrangement.id, gain: true };
    }
    default:
      return base;
  }
}
