import type { Band, RankDocument, RankRejection, RankRow } from '../core/rank/types.ts';
import { figure } from '../core/sweep/reportFigures.ts';
import type { Table } from '../core/sweep/reportTable.ts';
import { formatCount, formatSignificant } from '../core/units.ts';
import { verdictWords } from './fitView.ts';
import { textTable } from './textTable.ts';

const shownRows = 15;

/** A table of GPUs and one of instances, cheapest first, and why the others are not in it. */
export function rankLines(document: RankDocument, all: boolean): string[] {
  const lines = [`${document.model}, ${document.engine} ${document.engineVersion}: ${loadWords(document)}`];
  const [first] = document.rows;
  const length = first?.flags['max-model-len'];
  if (length !== undefined) {
    lines.push(
      `max-model-len is set to the load's ${formatCount(length)} tokens; --set max-model-len=… names another`,
    );
  }
  for (const kind of ['gpu', 'instance'] as const) {
    const rows = document.rows.filter((row) => row.kind === kind);
    if (rows.length === 0) continue;
    const shown = all ? rows : rows.slice(0, shownRows);
    lines.push('', ...textTable(rankTable(shown, kind)));
    if (shown.length < rows.length) lines.push(`${rows.length - shown.length} more with --all`);
  }
  if (document.rows.some((row) => row.dollarsPerHour === null)) {
    lines.push('', 'A dash: no price is known; --prices takes yours.');
  }
  const rejected = document.rejected.filter(
    ({ kind }) => all || kind === 'gpu' || document.rows.length === 0,
  );
  if (rejected.length > 0) {
    lines.push('', 'Not in it:', ...rejected.map(rejectionLine));
  }
  return lines;
}

function rankTable(rows: readonly RankRow[], kind: RankRow['kind']): Table {
  const column = (title: string, unit = '', numeric = true) => ({ title, unit, numeric });
  return {
    columns: [
      column(kind === 'gpu' ? 'GPU' : 'instance', '', false),
      column('a replica', 'GPUs'),
      column('replicas'),
      column(kind === 'gpu' ? 'GPUs' : 'instances'),
      column('$/1M out', 'band', false),
      column('$/h'),
      column('at once', 'a replica'),
      column('TTFT', 'ms, band', false),
      column('TPOT', 'ms, band', false),
      column('output', 'tok/s'),
      column('verdict', '', false),
      column('price', 'of', false),
    ],
    rows: rows.map((row) => [
      row.label,
      String(row.gpuCount),
      formatCount(row.replicas),
      formatCount(row.units),
      banded(row.dollarsPerMillionOutputTokens, row.bands.dollarsPerMillionOutputTokens),
      row.dollarsPerHour === null ? '–' : formatSignificant(row.dollarsPerHour),
      formatCount(row.batch),
      banded(row.ttftMs, row.bands.ttftMs),
      banded(row.tpotMs, row.bands.tpotMs),
      figure(row.outputTokensPerSecond),
      `${verdictWords[row.verdict.outcome]}${row.surelyWithinServiceLevel ? '' : '; may miss the SLO'}`,
      row.priceSource ?? '',
    ]),
  };
}

function banded(value: number | null, band: Band | null): string {
  if (value === null) return '–';
  const [low, high] = (band ?? [value, value]).map((end) =>
    end >= 1000 ? figure(end) : formatSignificant(end, 2),
  );
  return low === high ? figure(value) : `${figure(value)} (${low} to ${high})`;
}

function rejectionLine({ label, gpuCount, cause, reason }: RankRejection): string {
  const words = { 'does-not-fit': '✖ does not fit', 'service-level': '✖ too slow', unknown: '? not known' };
  return `  ${label}, ${gpuCount === 1 ? '1 GPU' : `${gpuCount} GPUs`}: ${words[cause]}: ${reason}`;
}

function loadWords({ load, serviceLevel }: RankDocument): string {
  const amount =
    'concurrency' in load
      ? `${formatCount(load.concurrency)} ${load.concurrency === 1 ? 'request' : 'requests'} in flight`
      : `${load.requestsPerSecond} ${load.requestsPerSecond === 1 ? 'request' : 'requests'}/s`;
  const level = [
    serviceLevel.ttftMs === undefined ? '' : `TTFT ≤ ${serviceLevel.ttftMs} ms`,
    serviceLevel.tpotMs === undefined ? '' : `TPOT ≤ ${serviceLevel.tpotMs} ms`,
  ].filter((part) => part !== '');
  const size = `${formatCount(load.inputTokens)} tokens in, ${formatCount(load.outputTokens)} out`;
  return [`${amount}, ${size}`, ...level].join(', ');
}
