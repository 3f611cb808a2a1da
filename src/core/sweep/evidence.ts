/** Results, with what lies beside the journal in the run folder: telemetry, the engines' metrics and their logs. */
import { findDevice } from '../device/catalogue.ts';
import { answerQuestion } from './answer.ts';
import type { OutlyingTrial } from './cellResult.ts';
import { type EngineMetricsSample, summariseEngineMetrics } from './engineMetricsSummary.ts';
import type { JournalEntry } from './journal.ts';
import {
  flagsBeside,
  isSameFlag,
  type LoggedStart,
  memoryBeside,
  speedBeside,
} from './memoryBesideMeasured.ts';
import { figure } from './reportFigures.ts';
import { answerInput, type RunContext } from './results.ts';
import type { Cell, CellResult, RunResults } from './run.ts';
import { summariseTelemetry, type TelemetrySamples, type WallSpan } from './telemetrySummary.ts';
import { type GpuLimits, whyOf } from './why.ts';

export interface RunEvidence {
  readonly telemetry: readonly TelemetrySamples[];
  /** In order of time. */
  readonly metrics: readonly EngineMetricsSample[];
  /** The start of each engine as its log says it, by engine key. */
  readonly starts: ReadonlyMap<string, LoggedStart>;
  /** Files that could not be used, in words. */
  readonly notes: readonly string[];
}

/** The answer is made again: telemetry and logs are part of some. */
export function withEvidence(
  results: RunResults,
  context: RunContext,
  records: readonly JournalEntry[],
  evidence: RunEvidence,
): RunResults {
  const plans = new Map(context.cells.map((cell) => [cell.id, cell]));
  const memory = new Map(
    context.cells.flatMap(({ engineKey, prediction }) =>
      prediction?.memory === undefined ? [] : [[engineKey, prediction.memory] as const],
    ),
  );
  const engines = readyEngines(records);
  const limits = limitsOf(evidence.telemetry, context.device);
  const cells = results.cells.map((cell) => {
    const plan = plans.get(cell.cell);
    return plan === undefined ? cell : enriched(cell, plan, { evidence, memory, engines, limits });
  });
  const warnings = [...results.warnings, ...resolvedOtherwise(cells), ...evidence.notes];
  const enrichedResults = { ...results, cells, warnings };
  if (results.outcome === 'running') return enrichedResults;
  const { answer } = answerQuestion(answerInput(context, enrichedResults), results.outcome);
  return {
    ...enrichedResults,
    answer,
    ...(evidence.metrics.length === 0 ? {} : { metricsFile: 'metrics.jsonl' }),
  };
}

/** Engines that ran with other values than the estimates count with: what is predicted is of something else. */
function resolvedOtherwise(cells: readonly CellResult[]): string[] {
  return cells.flatMap(({ label, resolved = [] }) => {
    const other = resolved.filter((beside) => !isSameFlag(beside));
    const words = other.map(
      ({ flag, predicted, logged }) => `${flag} ${String(logged)}, predicted ${String(predicted)}`,
    );
    return words.length === 0 ? [] : [`${label}: by its log the engine ran with ${words.join('; ')}.`];
  });
}

interface ReadyEngine {
  readonly startupSeconds: number;
  readonly gpus: readonly number[] | undefined;
  /** Array task that ran it: its node has telemetry of its own. */
  readonly part: number | undefined;
}

function readyEngines(records: readonly JournalEntry[]): ReadonlyMap<string, ReadyEngine> {
  return new Map(
    records.flatMap((record) => {
      if (record.type !== 'engine-ready') return [];
      const gpus = record.instances?.flatMap((instance) => instance.gpus);
      const { startupSeconds, part } = record;
      return [[record.engineKey, { startupSeconds, gpus, part }] as const];
    }),
  );
}

interface Sources {
  readonly limits: GpuLimits;
  readonly evidence: RunEvidence;
  readonly memory: ReadonlyMap<string, NonNullable<NonNullable<Cell['prediction']>['memory']>>;
  readonly engines: ReadonlyMap<string, ReadyEngine>;
}

function enriched(cell: CellResult, plan: Cell, { evidence, memory, engines, limits }: Sources): CellResult {
  const { engineKey, prediction } = plan;
  const engine = engines.get(engineKey);
  const start = evidence.starts.get(engineKey);
  const spans = windowsOf(cell);
  const gpus = gpusOf(engine, plan);
  const sampled = evidence.telemetry.filter(({ part }) => part === engine?.part);
  const telemetry = summariseTelemetry(sampled, spans, gpus, tokensIn(cell));
  const metrics = summariseEngineMetrics(evidence.metrics, engineKey, spans);
  const terms = start === undefined ? [] : memoryBeside(memory.get(engineKey) ?? [], start);
  // Of the start: told with its first cell.
  const resolved = start === undefined ? [] : flagsBeside(prediction?.resolved ?? {}, start);
  const speed = speedBeside(cell, prediction?.figures, {
    kvTokens: start?.kvTokens ?? null,
    startupSeconds: engine?.startupSeconds ?? null,
    expectedStartSeconds: plan.expectedStartSeconds ?? null,
  });
  const why =
    cell.state === 'done'
      ? whyOf({
          cell,
          telemetry,
          metrics,
          limits,
          predicted: prediction?.figures?.bound,
        })
      : undefined;
  return {
    ...cell,
    ...(telemetry === undefined ? {} : { telemetry }),
    ...(metrics === undefined ? {} : { engineMetrics: metrics }),
    ...(terms.length === 0 ? {} : { memory: terms }),
    ...(resolved.length === 0 ? {} : { resolved }),
    ...(speed === undefined ? {} : { speed }),
    ...(why === undefined || why.evidence.length === 0 ? {} : { why }),
    ...(cell.outliers === undefined
      ? {}
      : { outliers: cell.outliers.map((one) => withCause(one, cell, sampled, gpus)) }),
  };
}

/** What the GPU did differently in a trial that stands apart: slowed itself down, or ran at another clock. */
function withCause(
  outlier: OutlyingTrial,
  cell: CellResult,
  streams: readonly TelemetrySamples[],
  gpus: readonly number[] | undefined,
): OutlyingTrial {
  const spans = windowsOf(cell);
  const own = spans[outlier.trial];
  const of = (parts: readonly WallSpan[]) => summariseTelemetry(streams, parts, gpus, null);
  const [here, others] = [
    own === undefined ? undefined : of([own]),
    of(spans.filter((span) => span !== own)),
  ];
  const slowed = Object.entries(here?.throttled ?? {}).flatMap(([reason, share]) =>
    share > (others?.throttled?.[reason] ?? 0) + 0.1
      ? [`${reason} in ${figure(100 * share)} % of its samples`]
      : [],
  );
  const [clock, usual] = [here?.smClockMHz, others?.smClockMHz];
  if (clock !== undefined && usual !== undefined && clock < 0.95 * usual)
    slowed.push(`${figure(clock)} MHz where the others ran at ${figure(usual)}`);
  return slowed.length === 0 ? outlier : { ...outlier, why: `${outlier.why} (${slowed.join(', ')})` };
}

/** Of each trial the part that counts, on the host's wall clock. */
function windowsOf({ trials }: CellResult): WallSpan[] {
  return trials.flatMap(({ startedWallMs, durationMs, window }) => {
    if (startedWallMs === undefined || durationMs === undefined) return [];
    const [from, to] = window === undefined ? [0, durationMs] : [window.fromMs, window.toMs];
    return [{ fromMs: startedWallMs + from, toMs: startedWallMs + to }];
  });
}

/** Output tokens that came in the windows. */
function tokensIn(cell: CellResult): number | null {
  const spans = windowsOf(cell);
  const rates = cell.trials.map(({ systemTokensPerSecond }) => systemTokensPerSecond);
  if (spans.length < rates.length || rates.some((rate) => rate === null)) return null;
  return spans.reduce((sum, { fromMs, toMs }, at) => sum + ((toMs - fromMs) / 1000) * (rates[at] ?? 0), 0);
}

/** As the agent gave them out; where it did not say, the first ones. */
function gpusOf(engine: ReadyEngine | undefined, { gpuCount }: Cell): readonly number[] | undefined {
  if (engine?.gpus !== undefined && engine.gpus.length > 0) return [...new Set(engine.gpus)];
  return gpuCount === undefined ? undefined : Array.from({ length: gpuCount }, (_, index) => index);
}

/** As the host says it, else as the catalogue has it. */
export function limitsOf(streams: readonly TelemetrySamples[], device: string): GpuLimits {
  const gpu = streams[0]?.gpus[0];
  const known = findDevice(device);
  return {
    pcieBytesPerSecond: gpu?.pcieBytesPerSecond ?? known?.pcie?.bytesPerSecond ?? null,
    nvlinkBytesPerSecond: gpu?.nvlinkBytesPerSecond ?? known?.fabric?.bytesPerSecond ?? null,
    smClockMHz: gpu?.smClockMaxMHz ?? null,
  };
}
