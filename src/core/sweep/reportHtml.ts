import type { LoadResult } from './loadResult.ts';
import { type ChartPoint, chartSvg, escapeXml, type LineChart } from './reportChart.ts';
import {
  leadSentence,
  methodSentences,
  type ReportInput,
  reportTitle,
  runFacts,
  simulatedNotice,
} from './reportContent.ts';
import { figure } from './reportFigures.ts';
import { reportStyle } from './reportStyle.ts';
import { cellTable, percentileTable, simulatedMark, type Table } from './reportTable.ts';
import type { CellResult, RunResults } from './run.ts';
import { isClientBound, worst } from './usable.ts';

/**
 * The report as one HTML file that needs nothing else: no script, no font, no network. Answer first, then the plot, the table, what was run,
 * method and checks, warnings, the data itself.
 */
export function reportHtml(input: ReportInput): string {
  const { results } = input;
  const mark = simulatedMark(results);
  const title = escapeXml(reportTitle(input));
  const sections = [
    `<h1>${title}</h1>`,
    `<p class="answer">${escapeXml(leadSentence(input))}</p>`,
    results.mode === 'rehearsal' ? `<p class="simulated" role="note">${escapeXml(simulatedNotice)}</p>` : '',
    ...charts(results).map(
      (chart) => `<figure>${chartSvg(chart)}<figcaption>${escapeXml(chart.summary)}</figcaption></figure>`,
    ),
    `<h2>Cells${mark}</h2>`,
    htmlTable(cellTable(results), `Figures of each cell${mark}`),
    failures(results),
    results.warnings.length === 0 ? '' : `<h2>Warnings</h2>${list(results.warnings)}`,
    '<h2>What was run</h2>',
    facts([...runFacts(input), ...input.environment]),
    input.commands.length === 0 ? '' : `<pre>${escapeXml(input.commands.join('\n'))}</pre>`,
    '<h2>Method and checks</h2>',
    list(methodSentences(input)),
    `<details><summary>All percentiles${mark}</summary>${htmlTable(percentileTable(results), `Percentiles of each trial${mark}`)}</details>`,
    input.planText === ''
      ? ''
      : `<details><summary>Plan</summary><pre>${escapeXml(input.planText)}</pre></details>`,
    results.origin === undefined
      ? `<p class="data">Data: ${dataLink(results)}. The run folder has the rest: <code>journal.jsonl</code> (every request), <code>telemetry.jsonl</code>, the engines' logs.</p>`
      : `<p class="data">Data: ${dataLink(results)}.</p>`,
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Loadline">
<title>${title}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
${sections.filter((section) => section !== '').join('\n')}
</main>
</body>
</html>
`;
}

/** The chat study's two plots: what a query gets, and how long it waits, against what the system gives in all. */
function charts(results: RunResults): readonly LineChart[] {
  const limits = results.serviceLevel;
  const query = chartOf(results, 'Tokens/s of a query against the system', 'per query, tokens/s', (cell) =>
    worst(cell, (trial) => trial.perQueryTokensPerSecond, Math.min),
  );
  const wait = chartOf(results, 'Time to first token against the system', 'TTFT p95, ms', (cell) =>
    worst(cell, (trial) => trial.ttftMs.p95, Math.max),
  );
  const charts = [
    {
      chart: query,
      limit: limits?.perQueryTokensPerSecond,
      words: (value: number) => `at least ${value} tokens/s`,
    },
    { chart: wait, limit: limits?.ttftP95Ms, words: (value: number) => `at most ${value} ms` },
  ];
  return charts
    .filter(({ chart }) => chart.series.some(({ points }) => points.length > 0))
    .map(({ chart, limit, words }) => ({
      ...chart,
      limit: limit === undefined ? null : { y: limit, label: words(limit) },
    }));
}

function chartOf(
  results: RunResults,
  title: string,
  yTitle: string,
  of: (cell: CellResult) => number | null,
): LineChart {
  const system = (cell: CellResult) =>
    worst(cell, (trial: LoadResult) => trial.systemTokensPerSecond, Math.min);
  const groups = new Map<string, ChartPoint[]>();
  for (const cell of results.cells) {
    const [x, y] = [system(cell), of(cell)];
    if (cell.state !== 'done' || x === null || y === null) continue;
    const name = Object.entries(cell.flags)
      .map(([flag, value]) => `${flag} ${String(value)}`)
      .join(', ');
    const points = groups.get(name) ?? [];
    points.push({ x, y, label: String(cell.concurrency ?? ''), hollow: isClientBound(cell) });
    groups.set(name, points);
  }
  const series = [...groups].map(([name, points]) => ({ name, points }));
  const all = series.flatMap(({ points }) => points);
  const [first, last] = [all[0], all.at(-1)];
  const summary =
    first === undefined || last === undefined
      ? 'No cell has both figures.'
      : `From ${figure(first.x)} tokens/s in all and ${figure(first.y)} (${yTitle}) at concurrency ${first.label} to ${figure(last.x)} and ${figure(last.y)} at ${last.label}. The number at a point is its concurrency${all.some(({ hollow }) => hollow) ? '; hollow points are client-bound' : ''}.`;
  return {
    title: `${title}${simulatedMark(results)}`,
    summary,
    xTitle: 'system, tokens/s',
    yTitle,
    series,
    limit: null,
  };
}

function failures(results: RunResults): string {
  const failed = results.cells.filter(({ failure }) => failure !== null);
  if (failed.length === 0) return '';
  const items = failed.map((cell) => {
    const excerpt = cell.failure?.logExcerpt ?? [];
    const log = excerpt.length === 0 ? '' : `<pre>${escapeXml(excerpt.join('\n'))}</pre>`;
    return `<li><b>${escapeXml(cell.label)}</b>: ${escapeXml(cell.failure?.message ?? '')}${log}</li>`;
  });
  return `<h3>Not measured</h3><ul>${items.join('')}</ul>`;
}

function htmlTable({ columns, rows }: Table, caption: string): string {
  const kind = (numeric: boolean | undefined) => (numeric ? ' class="number"' : '');
  const head = columns.map(
    ({ title, unit, numeric }) =>
      `<th scope="col"${kind(numeric)}>${escapeXml(title)}${unit === '' ? '' : `<small>${escapeXml(unit)}</small>`}</th>`,
  );
  const body = rows.map(
    (row) =>
      `<tr>${row.map((cell, at) => (at === 0 ? `<th scope="row">${escapeXml(cell)}</th>` : `<td${kind(columns[at]?.numeric)}>${escapeXml(cell)}</td>`)).join('')}</tr>`,
  );
  return `<div class="wide"><table><caption>${escapeXml(caption)}</caption><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function facts(pairs: readonly (readonly [string, string])[]): string {
  return `<dl>${pairs.map(([name, value]) => `<dt>${escapeXml(name)}</dt><dd>${escapeXml(value)}</dd>`).join('')}</dl>`;
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${escapeXml(item)}</li>`).join('')}</ul>`;
}

/** The results inside the file itself: a report that came by mail has them too. */
function dataLink(results: RunResults): string {
  const name = `${results.run}-results.json`;
  const data = encodeURIComponent(JSON.stringify(results, null, 1));
  return `<a download="${escapeXml(name)}" href="data:application/json;charset=utf-8,${escapeXml(data)}">${escapeXml(name)}</a>`;
}
