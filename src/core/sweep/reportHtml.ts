import { escapeXml } from './reportChart.ts';
import {
  detailed,
  failureSentence,
  leadParts,
  methodSentences,
  type ReportInput,
  reportTitle,
  runFacts,
  simulatedNotice,
} from './reportContent.ts';
import { evidenceTables } from './reportEvidence.ts';
import { reportPlots } from './reportPlots.ts';
import { reportStyle } from './reportStyle.ts';
import { cellTable, percentileTable, simulatedMark, type Table } from './reportTable.ts';
import type { RunResults } from './run.ts';

/**
 * The report as one HTML file that needs nothing else: no script, no font, no network. Answer first, then the plot, the table, what was run,
 * method and checks, warnings, the data itself.
 */
export function reportHtml(input: ReportInput): string {
  const { results } = input;
  const mark = simulatedMark(results);
  const { results: shown, note } = detailed(results);
  const title = escapeXml(reportTitle(input));
  const sections = [
    `<h1>${title}</h1>`,
    answer(input),
    results.mode === 'rehearsal' ? `<p class="simulated" role="note">${escapeXml(simulatedNotice)}</p>` : '',
    ...reportPlots(results).map(
      ({ svg, summary }) => `<figure>${svg}<figcaption>${escapeXml(summary)}</figcaption></figure>`,
    ),
    `<h2>Cells${mark}</h2>`,
    htmlTable(cellTable(results), `Figures of each cell${mark}`),
    failures(results),
    ...evidenceTables(shown).map(
      ({ title, caption, table }) =>
        `<h2>${title}${mark}</h2>${htmlTable(table, `${caption}${note}${mark}`)}`,
    ),
    results.warnings.length === 0 ? '' : `<h2>Warnings</h2>${list(results.warnings)}`,
    '<h2>What was run</h2>',
    facts([...runFacts(input), ...input.environment]),
    input.commands.length === 0 ? '' : `<pre>${escapeXml(input.commands.join('\n'))}</pre>`,
    '<h2>Method and checks</h2>',
    list(methodSentences(input)),
    `<details><summary>All percentiles${mark}</summary>${htmlTable(percentileTable(shown), `Percentiles of each trial${note}${mark}`)}</details>`,
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

function failures(results: RunResults): string {
  const failed = results.cells.filter(({ failure }) => failure !== null);
  if (failed.length === 0) return '';
  const items = failed.map((cell) => {
    const excerpt = cell.failure?.logExcerpt ?? [];
    const log = excerpt.length === 0 ? '' : `<pre>${escapeXml(excerpt.join('\n'))}</pre>`;
    return `<li><b>${escapeXml(cell.label)}</b>: ${escapeXml(cell.failure === null ? '' : failureSentence(cell.failure))}${log}</li>`;
  });
  return `<h3>Not measured</h3><ul>${items.join('')}</ul>`;
}

function answer(input: ReportInput): string {
  const { first, rest } = leadParts(input);
  const small = rest === '' ? '' : ` <span class="rest">${escapeXml(rest)}</span>`;
  return `<p class="answer">${escapeXml(first)}${small}</p>`;
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

/** Beyond this the data would make the file too large for a mail; it lies in the run folder. */
const MOST_DATA = 4_000_000;

/** The results inside the file itself: a report that came by mail has them too. */
function dataLink(results: RunResults): string {
  const name = `${results.run}-results.json`;
  const json = JSON.stringify(results);
  if (json.length > MOST_DATA)
    return '<code>results.json</code> in the run folder (too large to be carried here)';
  const data = encodeURIComponent(json);
  return `<a download="${escapeXml(name)}" href="data:application/json;charset=utf-8,${escapeXml(data)}">${escapeXml(name)}</a>`;
}
