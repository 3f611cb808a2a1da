import type { RunResults } from '../../src/core/sweep/run.ts';
import type { ChartAxis, ChartContent, ChartSeries, PointShape } from '../common/chart.ts';
import type { ChartMark } from '../common/chartMarks.ts';
import type { Formatter } from '../common/format.ts';
import type { CellFigures, Standing } from './cellFigures.ts';
import type { HorizontalAxis } from './state.ts';

interface Look {
  readonly words: string;
  readonly shape: PointShape;
  readonly hollow: boolean;
}

/** Cells without a measurement have no place in the plot; the table has them. */
const looks: Readonly<Partial<Record<Standing, Look>>> = {
  measured: { words: 'cell done', shape: 'circle', hollow: false },
  'misses-service-level': { words: 'misses the SLO', shape: 'circle', hollow: true },
  'client-bound': { words: 'client-bound, left out of answers', shape: 'triangle', hollow: true },
  'request-failures': { words: 'with failed requests', shape: 'rect', hollow: true },
  failed: { words: 'failed', shape: 'crossRot', hollow: false },
};

/** System tokens/s against the chosen axis: a line a group, each point in the shape of what it is. */
export function throughputChart(
  results: RunResults,
  figures: readonly CellFigures[],
  axis: HorizontalAxis,
  format: Formatter,
): ChartContent {
  const simulated = results.mode === 'rehearsal' ? ' (simulated)' : '';
  const groups = [...new Set(figures.map((one) => one.group))];
  const series = groups.flatMap((group, colour) =>
    groupSeries(
      figures.filter((one) => one.group === group),
      { axis, colour, name: group, simulated, labelled: groups.length <= 3 },
    ),
  );
  return {
    x: horizontal(axis, figures, format),
    left: { label: `System tokens/s${simulated}`, scale: 'linear', min: 0, format: format.tick },
    series,
    marks: marks(results, figures, axis),
  };
}

interface GroupLook {
  readonly axis: HorizontalAxis;
  readonly colour: number;
  readonly name: string;
  readonly simulated: string;
  readonly labelled: boolean;
}

function groupSeries(figures: readonly CellFigures[], look: GroupLook): ChartSeries[] {
  const placed = figures
    .flatMap((one) => {
      const [x, y] = [horizontalValue(one, look.axis), one.systemTokensPerSecond?.mean];
      return x === undefined || y === undefined ? [] : [{ one, point: { x, y } }];
    })
    .sort((a, b) => a.point.x - b.point.x);
  if (placed.length === 0) return [];
  const counted = placed.filter(
    ({ one }) => one.standing === 'measured' || one.standing === 'misses-service-level',
  );
  const line: ChartSeries = {
    label: `${look.name === '' ? 'points by concurrency' : look.name}${look.simulated}`,
    points: counted.map(({ point }) => point),
    colour: look.colour,
    dash: look.colour,
  };
  const points = (Object.keys(looks) as Standing[]).flatMap((standing): ChartSeries[] => {
    const own = placed.filter(({ one }) => one.standing === standing);
    const drawn = looks[standing];
    if (own.length === 0 || drawn === undefined) return [];
    return [
      {
        label: [look.name, `${drawn.words}${look.simulated}`].filter((part) => part !== '').join(': '),
        points: own.map(({ point }) => point),
        colour: look.colour,
        draw: 'points',
        shape: drawn.shape,
        hollow: drawn.hollow,
        ...(look.labelled && look.axis !== 'concurrency'
          ? { pointLabels: own.map(({ one }) => String(one.cell.concurrency ?? '')) }
          : {}),
      },
    ];
  });
  return [line, ...points];
}

function horizontalValue(figures: CellFigures, axis: HorizontalAxis): number | undefined {
  if (axis === 'concurrency') return figures.cell.concurrency ?? undefined;
  return (axis === 'ttft' ? figures.ttftP95Ms : figures.perQueryTokensPerSecond)?.mean;
}

function horizontal(axis: HorizontalAxis, figures: readonly CellFigures[], format: Formatter): ChartAxis {
  const concurrencies = figures.flatMap(({ cell }) => cell.concurrency ?? []);
  switch (axis) {
    case 'ttft':
      return { label: 'TTFT p95, ms', scale: 'linear', min: 0, format: format.tick };
    case 'per-query':
      return { label: 'Tokens/s per query', scale: 'linear', min: 0, format: format.tick };
    case 'concurrency':
      // From the first cell to the last, also where one of them failed.
      return {
        label: 'Concurrency',
        scale: 'logarithmic',
        min: Math.min(...concurrencies) / 1.15,
        max: Math.max(...concurrencies) * 1.15,
        format: format.count,
      };
  }
}

/** The service level where the axis has one; cells that failed without a measurement where they would stand. */
function marks(results: RunResults, figures: readonly CellFigures[], axis: HorizontalAxis): ChartMark[] {
  const level = results.serviceLevel;
  if (axis === 'ttft' && level?.ttftP95Ms !== undefined)
    return [
      { direction: 'vertical', at: level.ttftP95Ms, label: `SLO ≤ ${level.ttftP95Ms} ms`, kind: 'limit' },
    ];
  if (axis === 'per-query' && level?.perQueryTokensPerSecond !== undefined)
    return [
      {
        direction: 'vertical',
        at: level.perQueryTokensPerSecond,
        label: `SLO ≥ ${level.perQueryTokensPerSecond} tok/s`,
        kind: 'limit',
      },
    ];
  if (axis !== 'concurrency') return [];
  return figures
    .filter((one) => one.standing === 'failed' && one.systemTokensPerSecond === null)
    .flatMap(({ cell }) => cell.concurrency ?? [])
    .map((at) => ({ direction: 'vertical', at, label: 'failed', kind: 'failed' }));
}

/** One sentence: what the chart shows, and what it leaves out. */
export function throughputSummary(
  results: RunResults,
  figures: readonly CellFigures[],
  format: Formatter,
): string {
  const measured = figures
    .filter(({ standing }) => standing === 'measured' || standing === 'misses-service-level')
    .filter((one) => one.systemTokensPerSecond !== null)
    .toSorted((a, b) => (a.cell.concurrency ?? 0) - (b.cell.concurrency ?? 0));
  const [first, last] = [measured[0], measured.at(-1)];
  if (first === undefined || last === undefined) return 'No cell has been measured yet.';
  const at = (one: CellFigures) =>
    `${format.significant(one.systemTokensPerSecond?.mean ?? Number.NaN)} tok/s at concurrency ${one.cell.concurrency}`;
  const spread =
    first === last ? `The system gives ${at(first)}` : `The system goes from ${at(first)} to ${at(last)}`;
  const meets = measured
    .filter((one) => one.cell.meetsServiceLevel === true)
    .flatMap((one) => one.cell.concurrency ?? []);
  const level =
    results.serviceLevel === null
      ? ''
      : meets.length === 0
        ? '; no cell meets the SLO'
        : `; the SLO is met up to concurrency ${Math.max(...meets)}`;
  const count = (standing: Standing) => figures.filter((one) => one.standing === standing).length;
  const leftOut = [
    [count('failed'), 'failed'],
    [count('client-bound'), 'client-bound and left out of answers'],
    [count('request-failures'), 'with failed requests'],
    [measured.filter((one) => one.ttftP95Ms === null).length, 'too small a sample for a TTFT p95'],
  ]
    .filter(([number]) => number !== 0)
    .map(([number, what]) => `${number} ${what}`);
  const cells = leftOut.length === 0 ? '' : ` Cells: ${leftOut.join(', ')}.`;
  return `${results.mode === 'rehearsal' ? 'Simulated: ' : ''}${spread}${level}.${cells}`;
}
