import type { DeploymentEstimate, SpeedEstimate } from '../../src/core/estimate/types.ts';
import type { MeasuredPoint } from '../../src/protocol/panel.ts';
import type { ChartContent } from '../common/chartContent.ts';
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
      ...(kv.largestMaxModelLen > 0
        ? [
            {
              direction: 'vertical' as const,
              at: kv.largestMaxModelLen,
              label: `largest that fits ${format.count(kv.largestMaxModelLen)}`,
              kind: 'limit' as const,
            },
          ]
        : []),
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
      : `The KV cache holds ${format.significant(first.maxConcurrency)} requests of ${format.count(first.maxModelLen)} tokens and ${format.significant(last.maxConcurrency)} of ${format.count(last.maxModelLen)}; now ${format.significant(kv.maxConcurrency)} of ${format.count(kv.maxModelLen)}; the longest that fits is ${format.count(kv.largestMaxModelLen)}.`;
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

/** A point of the speed chart's twin: estimated with its bands, or measured as it was. */
export interface SpeedRow {
  readonly key: string;
  readonly batch: number;
  /** `estimated`, or the run and cell that it was measured in. */
  readonly how: string;
  readonly decodeTokensPerSecond: Ranged | null;
  readonly tpotMs: Ranged | null;
  readonly ttftMs: Ranged | null;
  readonly bound: string;
}

interface Ranged {
  readonly value: number;
  /** null where it was measured. */
  readonly band: readonly [number, number] | null;
}

/** Output tokens per second of the whole engine, and the time of one token, by batch, each with its band; dots where it was measured. */
export function speedFigure(
  speeds: readonly SpeedEstimate[],
  measured: readonly MeasuredPoint[],
  now: DeploymentEstimate,
  format: Formatter,
): FigureContent<SpeedRow> {
  const fits = speeds.length > 0;
  const dots = fits ? measured : [];
  const batches = [...speeds, ...dots].map(({ batch }) => batch).sort((a, b) => a - b);
  const { speed } = now;
  const chart: ChartContent = {
    x: {
      label: 'Batch, requests at once',
      scale: 'logarithmic',
      ...ends(batches),
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
        marker: 0,
      },
      {
        label: 'TPOT (right)',
        points: speeds.map(({ batch, tpotMs }) => ({ x: batch, y: tpotMs })),
        band: speeds.map(({ bands }) => bands.tpotMs),
        colour: 1,
        dash: 1,
        axis: 'right',
        marker: 1,
      },
      ...(fits
        ? [
            {
              label: 'now',
              points: [{ x: speed.batch, y: speed.decodeTokensPerSecond }],
              colour: 2,
              draw: 'points' as const,
              shape: 'rectRot' as const,
            },
          ]
        : []),
      ...(dots.length > 0
        ? [
            {
              label: 'tok/s, measured',
              points: dots.map(({ batch, tokensPerSecond }) => ({ x: batch, y: tokensPerSecond })),
              colour: 0,
              draw: 'points' as const,
              hollow: true,
            },
            {
              label: 'TPOT, measured (right)',
              points: dots.flatMap(({ batch, tpotMs }) => (tpotMs === null ? [] : [{ x: batch, y: tpotMs }])),
              colour: 1,
              draw: 'points' as const,
              shape: 'triangle' as const,
              hollow: true,
              axis: 'right' as const,
            },
          ]
        : []),
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
  const rows: readonly SpeedRow[] = [
    ...speeds.map((one) => ({
      key: `estimated ${one.batch}`,
      batch: one.batch,
      how: 'estimated',
      decodeTokensPerSecond: { value: one.decodeTokensPerSecond, band: one.bands.decodeTokensPerSecond },
      tpotMs: { value: one.tpotMs, band: one.bands.tpotMs },
      ttftMs: { value: one.ttftMs, band: one.bands.ttftMs },
      bound: one.bound,
    })),
    ...dots.map((one, i) => ({
      key: `measured ${i}`,
      batch: one.batch,
      how: `measured: ${one.run}, ${one.label}`,
      decodeTokensPerSecond: { value: one.tokensPerSecond, band: null },
      tpotMs: one.tpotMs === null ? null : { value: one.tpotMs, band: null },
      ttftMs: null,
      bound: '',
    })),
  ];
  const [first, last] = [speeds[0], speeds.at(-1)];
  const at = (one: SpeedEstimate) =>
    `${format.significant(one.decodeTokensPerSecond)} tok/s and ${format.significant(one.tpotMs)} ms a token at batch ${format.count(one.batch)}`;
  const points =
    dots.length === 1 ? '1 measured point is' : `${format.count(dots.length)} measured points are`;
  const summary =
    first === undefined || last === undefined
      ? 'No speed is given: it does not fit.'
      : `Estimated for ${format.count(first.inputTokens)} tokens in and ${format.count(first.outputTokens)} out: ${at(first)}, ${at(last)}; it may be anywhere in the shaded bands.${dots.length > 0 ? ` ${points} drawn beside it.` : ''}`;
  return { chart, rows, summary };
}

export function speedColumns(format: () => Formatter): readonly Column<SpeedRow>[] {
  const figure = (id: 'decodeTokensPerSecond' | 'tpotMs' | 'ttftMs', label: string): Column<SpeedRow> => ({
    id,
    label,
    numeric: true,
    cell: (row) => {
      const ranged = row[id];
      if (ranged === null) return { text: '–', sort: null, copy: '', title: 'not measured' };
      const { value, band } = ranged;
      const { significant } = format();
      return {
        text:
          band === null
            ? significant(value)
            : `${significant(value)} (${significant(band[0])} to ${significant(band[1])})`,
        sort: value,
        copy: String(value),
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
    { id: 'how', label: 'How do you know', cell: ({ how }) => ({ text: how }) },
  ];
}

function ends(values: readonly number[]): { readonly min?: number; readonly max?: number } {
  const [first, last] = [values[0], values.at(-1)];
  return first === undefined || last === undefined || first === last ? {} : { min: first, max: last };
}
