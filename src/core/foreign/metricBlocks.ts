/** Metrics as aiperf and genai-perf export them: a block of statistics with its unit for each, in JSON or as a row of CSV. */
import type { LoadResult, Quantiles } from '../sweep/loadResult.ts';
import { quantilesFrom, resultOfAggregates } from './aggregates.ts';
import type { ForeignDocument } from './document.ts';
import type { Fields } from './fields.ts';

export interface MetricBlocks {
  /** A statistic (`avg`, `p50` …) of a metric (`time_to_first_token` …), times in milliseconds; null: not there. */
  value(metric: string, statistic: string): number | null;
}

const millisecondsPer: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, sec: 1000 };

export function jsonBlocks(fields: Fields): MetricBlocks {
  // Early aiperf had them in an object of their own.
  const blocks = fields.object('records') ?? fields;
  return {
    value: (metric, statistic) => {
      const block = blocks.object(metric);
      const value = block?.number(statistic) ?? null;
      return value === null ? null : value * (millisecondsPer[block?.text('unit') ?? ''] ?? 1);
    },
  };
}

/** Rows `Time to First Token (ms),60.86,…` under a header, and below them `Metric,Value` for what is one number. */
export function csvBlocks({ rows }: ForeignDocument): MetricBlocks {
  const values = new Map<string, number>();
  let header: readonly string[] = [];
  for (const row of rows) {
    const [label = ''] = row;
    if (label === 'Metric') header = row.map((name) => (name === 'Value' ? 'avg' : name));
    const [, words, unit = ''] = /^(.*?)\s*(?:\(([^()]*)\))?$/.exec(label) ?? [];
    if (words === undefined || label === 'Metric') continue;
    const metric = words.toLowerCase().replaceAll(' ', '_');
    const factor = millisecondsPer[unit.toLowerCase()] ?? 1;
    for (const [index, statistic] of header.entries()) {
      const cell = (row[index] ?? '').replaceAll(',', '');
      const key = `${metric}/${statistic}`;
      if (index > 0 && cell !== '' && Number.isFinite(Number(cell)) && !values.has(key))
        values.set(key, Number(cell) * factor);
    }
  }
  return { value: (metric, statistic) => values.get(`${metric}/${statistic}`) ?? null };
}

export function quantilesOf(blocks: MetricBlocks, metric: string): Quantiles {
  return quantilesFrom((name) => blocks.value(metric, name === 'mean' ? 'avg' : name), 1);
}

export function resultOfBlocks(tool: string, blocks: MetricBlocks): LoadResult {
  const one = (metric: string) => blocks.value(metric, 'avg');
  const ok = one('request_count');
  const total = (metric: string) => {
    const mean = one(metric);
    return blocks.value(metric, 'sum') ?? (mean === null || ok === null ? null : mean * ok);
  };
  return resultOfAggregates({
    tool,
    ok,
    failed: one('error_request_count'),
    inputTokens: total('input_sequence_length'),
    outputTokens: total('output_sequence_length'),
    ttftMs: quantilesOf(blocks, 'time_to_first_token'),
    tpotMs: quantilesOf(blocks, 'inter_token_latency'),
    itlMs: quantilesOf(blocks, 'inter_chunk_latency'),
    e2eMs: quantilesOf(blocks, 'request_latency'),
    systemTokensPerSecond: one('output_token_throughput'),
    requestsPerSecond: one('request_throughput'),
    inputTokensPerSecond: one('input_token_throughput'),
    goodput: one('goodput') ?? one('request_goodput'),
  });
}
