import type { DeploymentEstimate, SpeedEstimate } from '../../src/core/estimate/types.ts';
import type { ChartContent } from '../common/chart.ts';
import type { FigureContent } from '../common/figure.ts';
import type { Formatter } from '../common/format.ts';
import type { Column } from '../common/table.ts';
import type { ContextPoint } from './curves.ts';

/** Requests of full length at once, against that length. */
export function contextFigure(
  points: readonly ContextPoint[],
  now: DeploymentEstimate,
  format: Formatter,
): FigureContent<ContextPoint> {
  const { kv } = now;
  const sequences = Number(now.resolved['max-num-seqs']);
  const chart: ChartContent = {
    x: {
      label: 'max-model-len, tokens',
      scale: 'logarithmic',
      ...ends(points.map(({ maxModelLen }) => maxModelLen)),
      format: format.count,
    },
    left: {
      label: 'Requests at once',
      scale: 'logarithmic',
      format: format.tick,
    },
    series: [
      {
        label: 'KV cache holds',
        points: points.map(({ maxModelLen, maxConcurrency }) => ({ x: maxModelLen, y: maxConcurrency })),
        colour: 0,
      },
      {
        label: 'now',
        points: kv.maxConcurrency > 0 ? [{ x: kv.maxModelLen, y: kv.maxConcurrency }] : [],
        colour: 1,
        draw: 'points',
        shape: 'rectRot',
      },
    ],
    marks: [
      ...(Number.isFinite(sequences)
        ? [
            {
              direction: 'horizontal' as const,
              at: sequences,
              label: `max-num-seqs ${format.count(sequences)}`,
              kind: 'limit' as const,
            },
          ]
        : []),
    ],
  };
  const [first, last] = [points[0], points.at(-1)];
  const summary =
    first === undefined || last === undefined
      ? 'No length fits: nothing is left for the KV cache.'
      : `The KV cache holds ${format.significant(first.maxConcurrency)} requests of ${format.count(first.maxModelLen)} tokens and ${format.significant(last.maxConcurrency)} of ${format.count(last.maxModelLen)}; now ${format.significant(kv.maxConcurrency)} of ${format.count(kv.maxModelLen)}.`;
  return { chart, rows: points, summary };
}

export function contextColumns(format: () => Formatter): readonly Column<ContextPoint>[] {
  return [
    {
      id: 'length',
      label: 'max-model-len, tokens',
      numeric: true,
      cell: ({ maxModelLen }) => ({
        text: format().count(maxModelLen),
        sort: maxModelLen,
        copy: String(maxModelLen),
      }),
    },
    {
      id: 'requests',
      label: 'Requests at once',
      numeric: true,
      cell: ({ maxConcurrency }) => ({
        text: format().significant(maxConcurrency),
        sort: maxConcurrency,
        copy: String(maxConcurrency),
      }),
    },
  ];
}

/** Output tokens per second of the whole engine, and the time of one token, by batch, each with its band. */
export function speedFigure(
  speeds: readonly SpeedEstimate[],
  now: DeploymentEstimate,
  format: Formatter,
): FigureContent<SpeedEstimate> {
  const chart: ChartContent = {
    x: {
      label: 'Batch, requests at once',
      scale: 'logarithmic',
      ...ends(speeds.map(({ batch }) => batch)),
      format: format.count,
    },
    left: { label: 'tok/s', scale: 'linear', min: 0, format: format.tick },
    right: { label: 'TPOT, ms', scale: 'linear', min: 0, format: format.tick },
    series: [
      {
        label: 'tok/s, system',
        points: speeds.map(({ batch, decodeTokensPerSecond }) => ({ x: batch, y: decodeTokensPerSecond })),
        band: speeds.map(({ bands }) => bands.decodeTokensPerSecond),
        colour: 0,
      },
      {
        label: 'TPOT (right)',
        points: speeds.map(({ batch, tpotMs }) => ({ x: batch, y: tpotMs })),
        band: speeds.map(({ bands }) => bands.tpotMs),
        colour: 1,
        dash: 1,
        axis: 'right',
      },
    ],
    marks:
      now.kv.maxConcurrency >= 1
        ? [
            {
              direction: 'vertical',
              at: now.kv.maxConcurrency,
              label: 'KV full at full length',
              kind: 'limit',
            },
          ]
        : [],
  };
  const [first, last] = [speeds[0], speeds.at(-1)];
  const at = (one: SpeedEstimate) =>
    `${format.significant(one.decodeTokensPerSecond)} tok/s and ${format.significant(one.tpotMs)} ms a token at batch ${format.count(one.batch)}`;
  const summary =
    first === undefined || last === undefined
      ? 'No speed is given: it does not fit.'
      : `Estimated for ${format.count(first.inputTokens)} tokens in and ${format.count(first.outputTokens)} out: ${at(first)}, ${at(last)}; it may be anywhere in the shaded bands.`;
  return { chart, rows: speeds, summary };
}

export function speedColumns(format: () => Formatter): readonly Column<SpeedEstimate>[] {
  const figure = (
    id: 'decodeTokensPerSecond' | 'tpotMs' | 'ttftMs',
    label: string,
  ): Column<SpeedEstimate> => ({
    id,
    label,
    numeric: true,
    cell: (row) => {
      const [low, high] = row.bands[id];
      return {
        text: `${format().significant(row[id])} (${format().significant(low)} to ${format().significant(high)})`,
        sort: row[id],
        copy: String(row[id]),
      };
    },
  });
  return [
    {
      id: 'batch',
      label: 'Batch',
      numeric: true,
      cell: ({ batch }) => ({ text: format().count(batch), sort: batch, copy: String(batch) }),
    },
    figure('decodeTokensPerSecond', 'System tok/s'),
    figure('tpotMs', 'TPOT ms'),
    figure('ttftMs', 'TTFT ms'),
    { id: 'bound', label: 'Bound by', cell: ({ bound }) => ({ text: bound }) },
  ];
}

function ends(values: readonly number[]): { readonly min?: number; readonly max?: number } {
  const [first, last] = [values[0], values.at(-1)];
  return first === undefined || last === undefined || first === last ? {} : { min: first, max: last };
}
