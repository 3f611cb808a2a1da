import { withoutControlCharacters } from '../controlCharacters.ts';
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
import { cellTable, percentileTable, simulatedMark, type Table } from './reportTable.ts';

/** The report as GitHub's Markdown: answer first, then the table, what was run, how, and what to beware of. */
export function reportMarkdown(input: ReportInput): string {
  const { results } = input;
  const mark = simulatedMark(results);
  const lead = leadParts(input);
  const { results: shown, note } = detailed(results);
  const failures = results.cells.flatMap((cell) =>
    cell.failure === null ? [] : [`- ${text(cell.label)}: ${text(failureSentence(cell.failure))}`],
  );
  const sections = [
    `# ${text(reportTitle(input))}`,
    `**${text(lead.first)}**${lead.rest === '' ? '' : ` ${text(lead.rest)}`}`,
    ...(results.mode === 'rehearsal' ? [`> ${simulatedNotice}`] : []),
    `## Cells${mark}`,
    markdownTable(cellTable(results)),
    ...(failures.length > 0 ? ['### Not measured', failures.join('\n')] : []),
    ...evidenceTables(shown).flatMap(({ title, caption, table }) => [
      `## ${title}${mark}`,
      `${caption}${note}.`,
      markdownTable(table),
    ]),
    ...(results.warnings.length > 0 ? ['## Warnings', list(results.warnings)] : []),
    '## What was run',
    list([...runFacts(input), ...input.environment].map(([name, value]) => `${name}: ${value}`)),
    ...(input.commands.length > 0 ? ['Commands:', fenced('sh', input.commands.join('\n'))] : []),
    '## Method and checks',
    list(methodSentences(input)),
    `## All percentiles${mark}`,
    ...(note === '' ? [] : [`Percentiles${note}.`]),
    markdownTable(percentileTable(shown)),
    ...(input.planText === '' ? [] : ['## Plan', fenced('yaml', input.planText.trimEnd())]),
    results.origin === undefined
      ? 'Raw data: `journal.jsonl`, `telemetry.jsonl` and `results.json` in the run folder.'
      : 'Raw data: `results.json` in the run folder.',
  ];
  // A Markdown file is read in terminals too; the plan's text and its names come here as they are.
  return withoutControlCharacters(`${sections.join('\n\n')}\n`);
}

function markdownTable({ columns, rows }: Table): string {
  const heads = columns.map(({ title, unit }) => text(unit === '' ? title : `${title} (${unit})`));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const ruler = columns.map(({ numeric }) => (numeric ? '---:' : '---'));
  return [line(heads), line(ruler), ...rows.map((row) => line(row.map(text)))].join('\n');
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${text(item)}`).join('\n');
}

/** Nothing in names, messages or logs may become markup. */
function text(value: string): string {
  return value.replace(/[\\`*_[\]<>|#~]/g, (character) => `\\${character}`).replace(/\s*\r?\n\s*/g, ' ');
}

function fenced(language: string, content: string): string {
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${content}\n${fence}`;
}
