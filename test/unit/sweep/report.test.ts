import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandPlan } from '../../../src/core/sweep/cells.ts';
import { compareRuns } from '../../../src/core/sweep/compare.ts';
import type { JournalEntry } from '../../../src/core/sweep/journal.ts';
import { loadLevel } from '../../../src/core/sweep/load.ts';
import { chartSvg, ticks } from '../../../src/core/sweep/reportChart.ts';
import { comparisonSentences, comparisonTable, costSentence } from '../../../src/core/sweep/reportCompare.ts';
import type { ReportInput } from '../../../src/core/sweep/reportContent.ts';
import { resultsCsv } from '../../../src/core/sweep/reportCsv.ts';
import { duration, figure } from '../../../src/core/sweep/reportFigures.ts';
import { reportHtml } from '../../../src/core/sweep/reportHtml.ts';
import { reportMarkdown } from '../../../src/core/sweep/reportMarkdown.ts';
import { reportPlots } from '../../../src/core/sweep/reportPlots.ts';
import { cellTable } from '../../../src/core/sweep/reportTable.ts';
import { type RunContext, resultsFromJournal } from '../../../src/core/sweep/results.ts';
import type { CellResult, RunMode, RunResults } from '../../../src/core/sweep/run.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { failedCell, madeCell } from './madeCells.ts';
import { chatPlan, measurementOf, mustBe, rehearsalContext, sameRequests } from './plans.ts';

const plan = mustBe(parseSweepPlan(chatPlan).result);
const cells = mustBe(expandPlan(plan, rehearsalContext));

interface Options {
  readonly mode?: RunMode;
  readonly failure?: string;
  readonly bound?: boolean;
}

/** A finished run of the three cells; the last one fails where a failure is given. */
function reportOf({ mode = 'measured', failure, bound = false }: Options = {}): ReportInput {
  const context: RunContext = {
    run: `20260101T000000Z-chat-test${mode === 'rehearsal' ? '-simulated' : ''}`,
    name: 'chat-test',
    mode,
    host: 'gpu-01',
    engine: { name: 'vllm', version: '0.26.0' },
    model: plan.model,
    device: 'h100-sxm-80gb',
    question: 'chat',
    serviceLevel: { ttftP95Ms: 500, perQueryTokensPerSecond: 10 },
    repeats: 1,
    cells,
  };
  const client = { loopLagP99Ms: 0.3, cpuSeconds: 0.1, wallSeconds: 1, events: 100, bound };
  const records: JournalEntry[] = [{ type: 'run-started', seq: 0, wallMs: 1_700_000_000_000 }];
  const add = (record: object) =>
    records.push({
      ...record,
      seq: records.length,
      wallMs: 1_700_000_000_000 + 1000 * records.length,
    } as JournalEntry);
  for (const [index, { id, load }] of cells.entries()) {
    if (failure !== undefined && index === cells.length - 1) {
      add({
        type: 'cell-failed',
        cell: id,
        kind: 'out-of-memory',
        phase: 'start',
        message: failure,
        logExcerpt: [failure],
      });
      continue;
    }
    const request = { ttftMs: 20 * (loadLevel(load).value ?? 1), tpotMs: 4, outputTokens: 100 };
    const measurement = measurementOf(sameRequests(140, request), { client });
    add({ type: 'cell-started', cell: id, trial: 0 });
    add({ type: 'trial-measured', cell: id, trial: 0, simulated: mode === 'rehearsal', measurement });
    add({ type: 'cell-done', cell: id });
  }
  add({ type: 'run-finished', outcome: 'completed', message: null });
  return {
    results: resultsFromJournal(context, records),
    cells,
    planText: chatPlan,
    environment: [['Driver', '580.1']],
    commands: mode === 'rehearsal' ? [] : ["vllm serve 'meta-llama/Llama-3.2-1B-Instruct'"],
  };
}

/** What a reader sees, without tags and styles. */
const visible = (html: string) => html.replace(/<style>.*?<\/style>/s, '').replace(/<[^>]*>/g, ' ');

describe('the report', () => {
  it('has the answer before everything else, then plot, table, what was run, method', () => {
    const html = reportHtml(reportOf());
    const order = [
      '4 is the largest concurrency',
      '<svg',
      'Figures of each cell',
      'What was run',
      'Method and checks',
      'All percentiles',
      'Plan',
    ];
    const places = order.map((text) => html.indexOf(text));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    const markdown = reportMarkdown(reportOf());
    expect(markdown).toMatch(/^# chat-test: sweep\n\n\*\*4 is the largest concurrency/);
  });

  it('needs nothing else: no script, nothing from elsewhere', () => {
    const html = reportHtml(reportOf());
    expect(html).not.toMatch(/<script|<link|@import|url\(|\son\w+=/i);
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses).toHaveLength(1);
    expect(addresses[0]).toMatch(/^data:application\/json/);
  });

  it('carries its data: what the link holds is results.json', () => {
    const input = reportOf();
    const [, data = ''] = /href="data:application\/json;charset=utf-8,([^"]*)"/.exec(reportHtml(input)) ?? [];
    const decoded = decodeURIComponent(data.replaceAll('&#39;', "'").replaceAll('&amp;', '&'));
    expect(JSON.parse(decoded)).toEqual(input.results);
  });

  it('of a rehearsal says simulated in title, answer, every chart and table, and the name of its data', () => {
    const input = reportOf({ mode: 'rehearsal' });
    const html = reportHtml(input);
    expect(html).toContain('<title>chat-test: simulated sweep</title>');
    expect(html).toMatch(/class="answer">Simulated: /);
    for (const [chart] of html.matchAll(/<svg.*?<\/svg>/gs))
      expect(chart).toMatch(/<text class="title"[^>]*>[^<]*\(simulated\)/);
    expect(html.match(/<caption>[^<]*\(simulated\)<\/caption>/g)).toHaveLength(
      html.match(/<caption>/g)?.length ?? 0,
    );
    expect(html).toMatch(/download="[^"]*simulated[^"]*"/);
    expect(visible(html)).toMatch(/GPU\s+none; estimates are of h100-sxm-80gb/);
    const markdown = reportMarkdown(input);
    expect(markdown.match(/^#.*simulated.*$/gm)).toHaveLength(3);
  });

  it('of a measured run says it nowhere', () => {
    expect(visible(reportHtml(reportOf()))).not.toMatch(/simulated/i);
    expect(reportMarkdown(reportOf())).not.toMatch(/simulated/i);
  });

  it('takes nothing of a log or a name for markup', () => {
    const evil = 'CUDA <img src=x onerror=alert(1)> "&" | `code` [a](javascript:b)\u001b[31m\nnext';
    const input = reportOf({ failure: evil });
    const html = reportHtml(input);
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html).not.toContain('\u001b');
    const markdown = reportMarkdown(input);
    expect(markdown).not.toContain('\u001b');
    expect(markdown).toContain('\\<img');
    expect(markdown).toContain('\\[a\\](javascript:b)');
    const rows = markdown.split('\n').filter((line) => line.startsWith('| '));
    const bars = (line: string) => line.replaceAll('\\|', '').split('|').length;
    for (const row of rows.slice(0, 5)) expect(bars(row)).toBe(bars(rows[0] ?? ''));
  });

  it('shows a failed cell with its reason, and leaves it out of the plot', () => {
    const html = reportHtml(reportOf({ failure: 'CUDA out of memory' }));
    expect(visible(html)).toContain('failed: out-of-memory at start');
    expect(html.match(/<circle/g)).toHaveLength(2 * 2);
  });

  it('says what to change where the engine said it', () => {
    const input = reportOf();
    const failure = {
      kind: 'refused',
      phase: 'ready' as const,
      message: 'No room for the cache.',
      logExcerpt: [],
      remedies: [
        { flag: 'gpu-memory-utilization', change: 'raise' as const, to: 0.3, why: 'the engine says so' },
      ],
    };
    const cells = [failedCell('a', { failure })];
    const many = { ...input, results: { ...input.results, cells } };
    const words = 'No room for the cache. To do: raise gpu-memory-utilization to 0.3 (the engine says so).';
    expect(visible(reportHtml(many))).toContain(words);
    expect(reportMarkdown(many)).toContain(words);
  });

  it('draws client-bound points hollow and says what that means', () => {
    const html = reportHtml(reportOf({ bound: true }));
    expect(html.match(/class="point hollow"/g)).toHaveLength(6);
    expect(visible(html)).toContain('hollow points are client-bound');
    expect(visible(html)).toContain('Left out: 3 client-bound');
  });

  it('gives no percentile that the sample cannot certify', () => {
    const [row] = cellTable(reportOf().results).rows;
    expect(row?.[2]).toBe('20.0');
    const percentiles = reportMarkdown(reportOf())
      .split('\n')
      .filter((line) => line.includes('| TTFT |'));
    expect(percentiles[0]).toMatch(/\| – \|$/);
  });
});

describe('the plots', () => {
  const plain = (cells: readonly CellResult[], question: RunResults['question']): string =>
    reportPlots({ ...reportOf().results, cells, ...(question === undefined ? {} : { question }) })
      .map(({ svg }) => svg)
      .join('\n');
  const share = (value: number) => ({ flags: { 'gpu-memory-utilization': value }, concurrency: 8 });

  it('of memory-limit mark what is enough, hatch what does not run, and cross what failed', () => {
    const svg = plain(
      [
        failedCell('a', share(0.2)),
        madeCell('b', [400, 402, 404], share(0.3)),
        madeCell('c', [401, 403, 404], share(0.9)),
      ],
      'memory-limit',
    );
    expect(svg).toContain('0.3 is enough');
    expect(svg).toContain('class="hatch"');
    expect(svg.match(/class="failed"/g)).toHaveLength(1);
    expect(svg.match(/class="error"/g)).toHaveLength(2);
  });

  it('of cost are bars of dollars, the cheapest marked', () => {
    const cells = [100, 200].map((rate) =>
      madeCell(`${rate}`, [rate], { flags: { quantization: `q${rate}` } }),
    );
    const svg = reportPlots({
      ...reportOf().results,
      cells,
      question: 'cost',
      serviceLevel: null,
      price: { dollarsPerHour: 3.6, source: 'a test' },
    })[0]?.svg;
    expect(svg?.match(/class="bar best"/g)).toHaveLength(1);
    expect(svg).toContain('$5.00 at concurrency 1');
  });

  it('of batch-parallel have the batch that ran out of memory, those of mps a field for each place', () => {
    const mode = (name: string, at: number) => ({ flags: { [name]: 2 }, concurrency: at });
    const parallel = plain(
      [madeCell('a', [100], mode('tp', 8)), failedCell('b', mode('pp', 8))],
      'batch-parallel',
    );
    expect(parallel).toContain('out of memory');
    const copies = { arrangement: { copies: 2, sharing: 'mps' as const }, concurrency: 16 };
    const mps = plain([madeCell('one', [100], { concurrency: 8 }), madeCell('two', [150], copies)], 'mps');
    expect(mps).toContain('+50.0 %');
  });

  it('name every line, draw intervals along both axes, and have goodput where it was counted', () => {
    const errors = {
      systemTokensPerSecond: { standardError: 5, low: 90, high: 110, batches: 12 },
      perQueryTokensPerSecond: { standardError: 5, low: 40, high: 60, batches: 12 },
    };
    const cells = [
      madeCell('one', [100], { concurrency: 8 }, { errors, goodput: 3.25 }),
      madeCell(
        'two',
        [150],
        { arrangement: { copies: 2, sharing: 'mps' as const }, concurrency: 8 },
        { errors },
      ),
    ];
    const svg = plain(cells, 'chat');
    expect(svg).toContain('>1 copy<');
    expect(svg).toContain('>2 copies under MPS<');
    // Of each point along the throughput in both plots, and across it in that of a query's rate.
    expect(svg.match(/class="error"/g)).toHaveLength(6);
    const table = cellTable({ ...reportOf().results, cells });
    const at = table.columns.findIndex(({ title }) => title === 'goodput');
    expect(table.rows.map((row) => row[at])).toEqual(['3.25', '–']);
    expect(cellTable({ ...reportOf().results, cells: [madeCell('a', [1])] }).columns).toHaveLength(12);
    // An interval that was cut off at 0 is not told narrower than it is.
    const wide = { systemTokensPerSecond: { standardError: 150, low: -200, high: 400, batches: 12 } };
    const [row] = cellTable({
      ...reportOf().results,
      cells: [madeCell('w', [100], {}, { errors: wide })],
    }).rows;
    expect(row?.[8]).toBe('100 ± 300');
    const late = { mean: 700, p50: 650, p90: 850, p95: 900, p99: null };
    const rate = madeCell('r', [1], { concurrency: null }, { ttftFromScheduleMs: late });
    expect(cellTable({ ...reportOf().results, cells: [rate] }).rows[0]?.[2]).toBe('900');
  });

  it('fall back to throughput where the question cannot be drawn', () => {
    expect(plain(reportOf().results.cells, 'mps')).toContain('TTFT by system throughput');
  });
});

describe('a report of very many cells', () => {
  it('has all of them in its table and in the CSV, the first ones in detail, and says so', () => {
    const input = reportOf();
    const cells = Array.from({ length: 400 }, (_, at) => madeCell(`cell ${at}`, [100]));
    const many = { ...input, results: { ...input.results, cells } };
    const html = reportHtml(many);
    expect(html).toContain('of the first 300 of 400 cells (the CSV has all)');
    expect(html.match(/<th scope="row">cell 399<\/th>/g)).toHaveLength(1);
    expect(html.match(/<th scope="row">cell 7<\/th>/g)?.length).toBeGreaterThan(1);
    expect(reportMarkdown(many)).toContain('of the first 300 of 400 cells');
    expect(resultsCsv(many.results).trimEnd().split('\r\n')).toHaveLength(401);
  });
});

describe('the CSV', () => {
  it('has a row a trial with the figures as they are, and cells without one', () => {
    const { results } = reportOf({ failure: 'CUDA out of memory, "now"' });
    const [head = '', ...rows] = resultsCsv(results).trimEnd().split('\r\n');
    const columns = head.split(',');
    expect(rows).toHaveLength(3);
    for (const row of rows.slice(0, 2)) expect(row.split(',').length).toBe(columns.length);
    const at = columns.indexOf('ttft_p95_ms');
    expect(rows[0]?.split(',')[at]).toBe('20');
    expect(rows[2]).toContain('"CUDA out of memory, ""now"""');
    expect(columns).toContain('flag max-model-len');
  });

  it('says simulated in each row, and gives a spreadsheet no formula', () => {
    const { results } = reportOf({ mode: 'rehearsal' });
    const [head = '', ...rows] = resultsCsv({ ...results, model: '=HYPERLINK("x")' })
      .trimEnd()
      .split('\r\n');
    expect(head.split(',')[1]).toBe('simulated');
    for (const row of rows) expect(row).toMatch(/^[^,]*,true,"'=HYPERLINK/);
  });
});

describe('a comparison', () => {
  it('says no real difference where there is none, and by how much where there is one', () => {
    const run = (factor: number) => ({
      ...reportOf().results,
      cells: [1, 2, 3, 4].map((at) =>
        madeCell(`c${at}`, [100 * at * factor, 101 * at * factor, 99 * at * factor]),
      ),
    });
    const same = compareRuns(run(1), run(1));
    expect(comparisonSentences(same).join(' ')).toContain(
      'system tokens/s: no real difference, +0 % (95 %: +0 % to +0 %) over 4 pairs',
    );
    const faster = compareRuns(run(1), run(1.1));
    expect(comparisonSentences(faster).join(' ')).toContain('system tokens/s: the second is higher, +10.0 %');
    expect(comparisonTable(faster).rows[0]).toEqual([
      'c1',
      'system tokens/s',
      '100',
      '110',
      expect.stringContaining('+10.0 % ('),
      'second is higher',
    ]);
  });
});

describe('the cost on two hosts', () => {
  it('is least where a million tokens are, each at its own price and best batch', () => {
    const run = (host: string, rate: number, dollarsPerHour: number): RunResults => ({
      ...reportOf().results,
      host,
      serviceLevel: null,
      price: { dollarsPerHour, source: 'a test' },
      cells: [madeCell('c', [rate], { concurrency: 8 })],
    });
    expect(costSentence([run('h100', 1000, 3.6), run('l4', 250, 0.72)])).toMatch(
      /cost least on l4 .* \$0\.800; h100 .* \$1\.00\.$/,
    );
    const { price: _, ...unpriced } = run('other', 1000, 1);
    expect(costSentence([run('h100', 1000, 3.6), unpriced])).toBeUndefined();
  });
});

describe('the chart', () => {
  it('has ticks from 0, even, that reach the largest value and not far beyond it', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-8, max: 1e12, noNaN: true }), (largest) => {
        const marks = ticks(largest);
        const last = marks.at(-1) ?? 0;
        expect(marks[0]).toBe(0);
        expect(last).toBeGreaterThanOrEqual(largest * (1 - 1e-8));
        expect(last).toBeLessThanOrEqual(largest * 2 + 1e-9);
        expect(marks.length).toBeGreaterThanOrEqual(3);
        expect(marks.length).toBeLessThanOrEqual(7);
      }),
    );
  });

  it('draws whatever the figures are without a coordinate that is none', () => {
    const point = fc.record({
      x: fc.double({ min: 0, max: 1e9, noNaN: true }),
      y: fc.double({ min: 0, max: 1e9, noNaN: true }),
      label: fc.string(),
      hollow: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 8 }), (points) => {
        const svg = chartSvg({
          title: 't',
          summary: 's',
          xTitle: 'x',
          yTitle: 'y',
          series: [{ name: 'a', points }],
          limit: null,
        });
        expect(svg).not.toMatch(/NaN|Infinity|undefined/);
        for (const [, cx] of svg.matchAll(/cx="([\d.]+)"/g)) expect(Number(cx)).toBeLessThanOrEqual(640);
      }),
    );
  });
});

describe('figures', () => {
  it('have three significant figures, thousands separated, and a dash for what is not known', () => {
    expect([0.01234, 1.5, 12.345, 999.4, 1000, 4190.4, 1_234_567].map(figure)).toEqual([
      '0.0123',
      '1.50',
      '12.3',
      '999',
      '1,000',
      '4,190',
      '1,234,567',
    ]);
    expect(figure(null)).toBe('–');
  });
  it('are durations that a person reads', () => {
    expect([0.4, 8, 60, 125, 3600, 6600].map(duration)).toEqual([
      '0 s',
      '8 s',
      '1 min',
      '2 min 5 s',
      '1 h',
      '1 h 50 min',
    ]);
  });
});
