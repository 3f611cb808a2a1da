/** Predicted beside measured over every real measurement in the repository: `npm run accuracy`, docs/accuracy.md. */
import { comparisonCells, percentWords } from '../../src/cli/logView.ts';
import { textTable } from '../../src/cli/textTable.ts';
import { noCalibration, withStep } from '../../src/core/calibration/calibration.ts';
import { calibrationEntry } from '../../src/core/calibration/entry.ts';
import { type ComparisonRow, compareMeasured, compareSpeed } from '../../src/core/estimate/compare.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import type { ModelFacts } from '../../src/core/model/facts.ts';
import type { Beside } from '../../src/core/sweep/cellResult.ts';
import type { RunResults } from '../../src/core/sweep/run.ts';
import { GiB } from '../../src/core/units.ts';
import { median, type PublishedSpeed, predictedSpeed } from './publishedSpeeds.ts';
import type { Measurement } from './recordings.ts';
import type { ComparedBatch } from './staticBatches.ts';

export interface ErrorSummary {
  readonly term: string;
  readonly count: number;
  /** Of |predicted / measured − 1|. */
  readonly mean: number;
  readonly max: number;
  /** The start with the largest. */
  readonly worst: string;
  /** Of those that have a band: how many lie in it. */
  readonly withinBand: string;
}

export interface MeasuredRow extends ComparisonRow {
  readonly recording: string;
  readonly id: string;
  readonly kind:
    | Measurement['kind']
    | 'speed'
    | 'speed with experts'
    | 'published speed'
    | 'static batch'
    | 'speed of a static batch'
    | 'run';
}

export interface Accuracy {
  readonly rows: readonly MeasuredRow[];
  /** The same starts, each corrected by the other starts of its key and not by itself. */
  readonly calibrated: readonly MeasuredRow[];
  readonly notCovered: readonly string[];
  /** Static batches: how many were recorded, how many of them ran out of memory, and of how many that was predicted right. */
  readonly batches: { readonly count: number; readonly ranOut: number; readonly right: number };
  readonly sources: readonly string[];
}

/** Recordings whose batches were not warmed up: those of experts hold kernels compiled on first use (see their README). */
const coldBatches: ReadonlySet<string> = new Set(['vllm-0.26-h200']);

function hasExperts({ parameters }: ModelFacts): boolean {
  return parameters.routedExperts > 0;
}

export const KV = 'available KV cache';

export function accuracyOf(
  measured: readonly Measurement[],
  speeds: readonly PublishedSpeed[] = [],
  batches: readonly ComparedBatch[] = [],
  runs: readonly RunResults[] = [],
): Accuracy {
  const rows: MeasuredRow[] = [
    ...speeds.map(publishedSpeedRow),
    ...batches.flatMap(batchRows),
    ...runs.flatMap(runRows),
  ];
  const calibrated: MeasuredRow[] = [];
  const notCovered: string[] = [];
  for (const one of measured) {
    const { request, recording, id, kind } = one;
    if (request === null) {
      notCovered.push(`${recording} ${id}: ${one.notCovered}`);
      continue;
    }
    const label = (row: ComparisonRow, as: MeasuredRow['kind']) => ({ ...row, recording, id, kind: as });
    rows.push(...compareMeasured(id, one.measured, estimate(request)).rows.map((row) => label(row, kind)));
    if (kind !== 'recorded') continue;
    const others = measured.filter((other) => other !== one && other.kind === 'recorded');
    const learned = estimate({ ...request, calibration: calibrationBy(others) });
    calibrated.push(...compareMeasured(id, one.measured, learned).rows.map((row) => label(row, kind)));
    if (one.recorded === undefined || (coldBatches.has(recording) && hasExperts(request.model))) continue;
    const speed = hasExperts(request.model) ? 'speed with experts' : 'speed';
    rows.push(...compareSpeed(one.recorded, request).map((row) => label(row, speed)));
  }
  return {
    rows,
    calibrated,
    notCovered,
    batches: {
      count: batches.length,
      ranOut: batches.filter(({ ranOut }) => ranOut).length,
      right: batches.filter(({ ranOut, predictedToRunOut }) => ranOut === predictedToRunOut).length,
    },
    sources: [
      ...new Set(measured.map(({ source }) => source)),
      ...(batches.length === 0 ? [] : ['test/fixtures/static-batch/recording.json']),
      ...runs.map(({ run }) => `run ${run}, test/fixtures/runs`),
    ],
  };
}

function batchRows({ id, memory, speed }: ComparedBatch): MeasuredRow[] {
  const label = (kind: MeasuredRow['kind']) => (row: ComparisonRow) => ({
    ...row,
    recording: 'static-batch',
    id,
    kind,
  });
  return [...memory.map(label('static batch')), ...speed.map(label('speed of a static batch'))];
}

/** What the results of a run say themselves: its memory by the engine's log, its speed by the trials. */
function runRows(results: RunResults): MeasuredRow[] {
  // Cells of one engine start have its memory all.
  const starts = new Set<string>();
  return results.cells.flatMap(({ label, memory: all = [], speed }) => {
    const start = JSON.stringify(all);
    const memory = starts.has(start) ? [] : all;
    starts.add(start);
    const row = (term: string, unit: MeasuredRow['unit'], figure: Beside | undefined, scale = 1) => {
      if (figure === undefined) return [];
      const { predicted, low, high, measured } = figure;
      const made: MeasuredRow = {
        recording: results.name,
        id: label,
        kind: 'run',
        term,
        unit,
        predicted: predicted / scale,
        measured: measured / scale,
        relativeError: predicted / measured - 1,
        withinBand: low === high ? null : measured >= low && measured <= high,
      };
      return [made];
    };
    return [
      ...memory.flatMap(({ term, predictedBytes, lowBytes, highBytes, measuredBytes }) =>
        row(
          term === 'available-kv' ? KV : term,
          'GiB',
          { predicted: predictedBytes, low: lowBytes, high: highBytes, measured: measuredBytes },
          GiB,
        ),
      ),
      ...row('KV tokens', 'tokens', memory.length === 0 ? undefined : speed?.kvTokens),
      ...row('TTFT, mean', 'ms', speed?.ttftMs),
      ...row('TPOT, mean', 'ms', speed?.tpotMs),
      ...row('system', 'tok/s', speed?.systemTokensPerSecond),
    ];
  });
}

function publishedSpeedRow(published: PublishedSpeed): MeasuredRow {
  const { tpotMs, bands } = predictedSpeed(published);
  const { gpu, gpuCount, model, concurrency, inputTokens, outputTokens } = published;
  return {
    recording: published.generation,
    id: `${model}${published.weights === undefined ? '' : ` ${published.weights}`} on ${gpuCount} x ${gpu}, ${published.use}`,
    kind: 'published speed',
    term: `TPOT, ${concurrency} x ${inputTokens} in, ${outputTokens} out`,
    unit: 'ms',
    predicted: tpotMs,
    measured: published.tpotMs,
    relativeError: tpotMs / published.tpotMs - 1,
    withinBand: published.tpotMs >= bands.tpotMs[0] && published.tpotMs <= bands.tpotMs[1],
  };
}

/** Published speeds by generation of GPU: half of the errors are below the median. */
function generationTable(rows: readonly MeasuredRow[]) {
  const generations = [...new Set(rows.map(({ recording }) => recording))];
  return {
    columns: [
      column('generation'),
      column('measurements', true),
      column('median error', true),
      column('of those held out', true),
      column('in band'),
    ],
    rows: generations.map((generation) => {
      const of = rows.filter(({ recording }) => recording === generation);
      const heldOut = of.filter(({ id }) => id.endsWith('held out'));
      const middle = (some: readonly MeasuredRow[]) =>
        some.length === 0 ? '' : percent(median(some.map(({ relativeError }) => Math.abs(relativeError))));
      const within = of.filter(({ withinBand }) => withinBand === true).length;
      return [generation, String(of.length), middle(of), middle(heldOut), `${within} of ${of.length}`];
    }),
  };
}

function calibrationBy(others: readonly Measurement[]) {
  const entries = others.flatMap(({ request, measured, recording, id }) => {
    if (request === null) return [];
    const source = { kind: 'run' as const, source: `${recording} ${id}` };
    return calibrationEntry(measured, estimate(request, { fixes: false }), source) ?? [];
  });
  return withStep(noCalibration, { at: '', entries });
}

/** Errors by term, in the order in which the terms come. Figures that were measured as 0 have none. */
export function summaries(rows: readonly MeasuredRow[]): readonly ErrorSummary[] {
  const terms = new Map<string, MeasuredRow[]>();
  for (const row of rows) {
    if (!Number.isFinite(row.relativeError)) continue;
    const term = row.unit === 'ms' ? 'decode step' : row.unit === 'tok/s' ? 'prefill' : row.term;
    terms.set(term, [...(terms.get(term) ?? []), row]);
  }
  return [...terms].map(([term, of]) => {
    const errors = of.map(({ relativeError }) => Math.abs(relativeError));
    const max = Math.max(...errors);
    const worst = of[errors.indexOf(max)];
    const banded = of.filter(({ withinBand }) => withinBand !== null);
    return {
      term,
      count: of.length,
      mean: errors.reduce((sum, error) => sum + error, 0) / errors.length,
      max,
      worst: worst === undefined ? '' : `${worst.recording} ${worst.id}`,
      withinBand:
        banded.length === 0
          ? ''
          : `${banded.filter(({ withinBand }) => withinBand === true).length} of ${banded.length}`,
    };
  });
}

const column = (title: string, numeric = false) => ({ title, unit: '', numeric });
const percent = (value: number) => `${(100 * value).toFixed(2)} %`;

function summaryTable(rows: readonly MeasuredRow[]) {
  return {
    columns: [
      column('figure'),
      column('measurements', true),
      column('mean error', true),
      column('max error', true),
      column('worst'),
      column('in band'),
    ],
    rows: summaries(rows).map(({ term, count, mean, max, worst, withinBand }) => [
      term,
      String(count),
      percent(mean),
      percent(max),
      worst,
      withinBand,
    ]),
  };
}

function rowTable(rows: readonly MeasuredRow[], calibrated: readonly MeasuredRow[] = []) {
  const left = (row: MeasuredRow) => {
    const same = (one: MeasuredRow) =>
      one.recording === row.recording && one.id === row.id && one.term === row.term;
    const found = calibrated.find(same);
    return found === undefined ? '' : percentWords(found.relativeError);
  };
  return {
    columns: [
      column('recording'),
      column('start'),
      column('figure'),
      column('predicted', true),
      column('measured', true),
      column(''),
      column('error', true),
      column('in band'),
      ...(calibrated.length > 0 ? [column('calibrated', true)] : []),
    ],
    rows: rows.map((row) => [
      row.recording,
      row.id,
      ...comparisonCells(row),
      ...(calibrated.length > 0 ? [left(row)] : []),
    ]),
  };
}

type TextTable = ReturnType<typeof rowTable>;

/** Sections of the page and of what is printed. */
function sections({ rows, calibrated, notCovered, batches }: Accuracy): readonly {
  readonly title: string;
  readonly text: string;
  readonly table?: TextTable;
}[] {
  const of = (kind: MeasuredRow['kind']) => rows.filter((row) => row.kind === kind);
  return [
    {
      title: 'Recorded starts: summary',
      text: 'Errors of what is predicted from flags, config and catalogue alone.',
      table: summaryTable(of('recorded')),
    },
    {
      title: 'Calibrated: summary',
      text: 'The same starts, each corrected by the other recorded starts of its GPU, release, family and number of ranks, never by itself.',
      table: summaryTable(calibrated),
    },
    {
      title: 'Published starts: summary',
      text: 'Figures that others published.',
      table: summaryTable(of('published')),
    },
    {
      title: 'Speed of dense models: summary',
      text: 'Offline batches of the recorded starts.',
      table: summaryTable(of('speed')),
    },
    {
      title: 'Speed of models with experts: summary',
      text: 'Batches that were warmed up first; others hold kernels compiled on first use.',
      table: summaryTable(of('speed with experts')),
    },
    {
      title: 'Published speeds: summary',
      text: 'Time per output token under vLLM as others measured it, by generation of GPU. Held out: nothing was fitted to them.',
      table: generationTable(of('published speed')),
    },
    {
      title: 'Static batches: summary',
      text: `Hugging Face transformers on one H200, prompts of 512 tokens and 64 new ones. Allocated at the end, peak and reserved as torch counts them; used as NVML does, less what is used before the program starts. ${batches.ranOut} of ${batches.count} batches ran out of memory; whether it would was predicted right for ${batches.right}.`,
      table: summaryTable(of('static batch')),
    },
    {
      title: 'Speed of static batches: summary',
      text: 'The same batches, whose constants of speed were fitted to them; the first of all is a warm-up, and its prefill is left out.',
      table: summaryTable(of('speed of a static batch')),
    },
    {
      title: 'Not covered',
      text: notCovered.length === 0 ? 'Nothing.' : notCovered.map((line) => `- ${line}`).join('\n'),
    },
    { title: 'Recorded starts', text: '', table: rowTable(of('recorded'), calibrated) },
    { title: 'Published starts', text: '', table: rowTable(of('published')) },
    { title: 'Speed', text: '', table: rowTable([...of('speed'), ...of('speed with experts')]) },
    {
      title: 'Static batches',
      text: '',
      table: rowTable([...of('static batch'), ...of('speed of a static batch')]),
    },
    {
      title: 'Runs of sweeps on one H100',
      text: 'vLLM 0.26.0 serving Llama 3.2 1B, as `loadline sweep` measured it (test/fixtures/runs). Memory is met; speed is not: the GPU was busy a fifth to a third of the time on the slow cores of that virtual machine, which the verdict of every cell says (*host*), and the estimate counts the GPU. That is what calibration by a run is for: predicted from the other six loads of the run, the TPOT of each is 12 % off in the mean, where the plain estimate is 53 % off (test/unit/calibration/speed.test.ts).',
      table: rowTable(of('run')),
    },
    {
      title: 'Published speeds',
      text: 'Sources: test/fixtures/speed/public.jsonl.',
      table: rowTable(of('published speed')),
    },
  ];
}

export function accuracyLines(accuracy: Accuracy): string[] {
  return sections(accuracy).flatMap(({ title, text, table }) => [
    title,
    ...(text === '' ? [] : [text]),
    ...(table === undefined ? [] : textTable(table)),
    '',
  ]);
}

/** docs/accuracy.md. */
export function accuracyPage(accuracy: Accuracy): string {
  const parts = sections(accuracy).map(({ title, text, table }) =>
    [`## ${title}`, text, table === undefined ? '' : markdownTable(table)]
      .filter((part) => part !== '')
      .join('\n\n'),
  );
  const head =
    '# Accuracy\n\nWritten by `npm run accuracy`: what Loadline predicts beside every real measurement in this repository. GiB as engines log them.\n\n' +
    `Sources:\n\n${accuracy.sources.map((source) => `- ${source}`).join('\n')}`;
  return `${[head, ...parts].join('\n\n')}\n`;
}

function markdownTable({ columns, rows }: TextTable): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ numeric }) => (numeric ? '---:' : '---'))),
    ...rows.map(line),
  ].join('\n');
}
