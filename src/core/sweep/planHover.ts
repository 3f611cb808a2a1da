/** What a hover in a plan says, as Markdown: what a key means, and which cells there are. */
import type { VerdictOutcome } from '../estimate/types.ts';
import { flagAt, flagDetail } from './planItems.ts';
import { addedLine, type PlanPreview, scheduleLine, searchLines, startsLine } from './preview.ts';
import { duration } from './reportFigures.ts';
import { type DocumentPath, schemaNodeAt } from './schemaNodes.ts';

/** Cells that a hover has room for. */
const MOST_ROWS = 24;
const MOST_DOCUMENT_ROWS = 2000;

const words: Readonly<Record<VerdictOutcome, string>> = {
  fits: '✔ fits',
  tight: '! tight',
  'does-not-fit': '✖ does not fit',
  unknown: '? not known',
};

/** What stands at a path; empty where nothing is known of it. */
export function keyMarkdown(path: DocumentPath, document: unknown): string {
  const flag = flagAt(path, document);
  if (flag !== undefined) {
    const note = flag.engine.usualValues(flag.flag.name);
    const values = note.length === 0 ? '' : `\n\nUsual: ${note.map((value) => `\`${value}\``).join(', ')}`;
    return `**${flag.flag.name}** (${flag.engine.label}; ${flagDetail(flag.flag)})\n\n${escaped(flag.flag.description)}${values}`;
  }
  // An index stands for its list.
  const named = path.filter((key) => typeof key === 'string').length === 0 ? [] : path;
  const node = named.length === 0 ? undefined : schemaNodeAt(named, document);
  if (node?.description === undefined) return '';
  const listed =
    node.enum === undefined ? '' : `\n\n${node.enum.map((value) => `\`${String(value)}\``).join(', ')}`;
  const standard =
    node.default === undefined || typeof node.default === 'object'
      ? ''
      : `\n\nDefault: \`${String(node.default)}\``;
  return `**${String(path.findLast((key) => typeof key === 'string'))}**\n\n${escaped(node.description)}${listed}${standard}`;
}

/** The cells as a table, those that cannot fit struck through with the reason. `more` says how many have no room, in place of `{0}`. */
export function cellsMarkdown(preview: PlanPreview, more: string, most = MOST_ROWS): string {
  const shown = preview.cells.slice(0, most);
  const rows = shown.map(({ label, predicted, reason, skipped, expectedSeconds }) => {
    const unfit = predicted === 'does-not-fit';
    const name = unfit && skipped ? `~~${escaped(label)}~~` : escaped(label);
    const why = unfit || predicted === 'tight' ? `: ${escaped(reason ?? '')}` : '';
    return `| ${name} | ${words[predicted]}${why} | ${skipped ? '–' : duration(expectedSeconds)} |`;
  });
  const left = preview.cells.length - shown.length;
  return [
    '| cell | predicted | expected |',
    '|---|---|--:|',
    ...rows,
    '',
    ...(left > 0 ? [more.replace('{0}', String(left)), ''] : []),
    ...searchLines(preview).map((line) => `- ${escaped(line)}`),
    '',
    scheduleLine(preview),
  ].join('\n');
}

/** The whole plan as a document to read: cells, searches, cost, commands. */
export function previewMarkdown(preview: PlanPreview): string {
  const { name, model, device, hosts, commands } = preview;
  return [
    `# ${name}`,
    '',
    `${escaped(model)} on ${device ?? 'a GPU that is not named'}, ${hosts.map(escaped).join(', ')}`,
    '',
    cellsMarkdown(preview, '{0} more cells.', MOST_DOCUMENT_ROWS),
    '',
    startsLine(preview),
    '',
    ...(commands.length === 0
      ? []
      : [
          '## Commands',
          '',
          ...commands.map((command) => `    ${command.replaceAll('\n', '\n    ')}`),
          '',
          addedLine(preview) ?? '',
          '',
        ]),
  ].join('\n');
}

function escaped(text: string): string {
  return text.replace(/[\\|*_`<>[\]~#]/g, '\\$&').replace(/\s+/g, ' ');
}
