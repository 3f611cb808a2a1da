import type { Device } from '../device/device.ts';
import type { FlagValue } from '../engine/deployment.ts';
import { findEngine } from '../engine/engines.ts';
import { isRecord } from '../model/configFields.ts';
import type { ModelFacts } from '../model/facts.ts';
import { failure, type Result, success } from '../result.ts';
import { speedEfficiency, speedEvidence } from '../speed/efficiencies.ts';
import { decodeStep, prefillRate } from '../speed/roofline.ts';
import { GiB } from '../units.ts';
import type { DeploymentEstimate, EstimateRequest, RankEstimate, UnknownEstimate } from './types.ts';

/** One start of a real engine, as recorded: its flags and every figure that it logged. GiB as logged, rounded to 0.01. */
export interface RecordedStart {
  readonly id: string;
  readonly model: string;
  /** As given to the engine's Python class: underscores. */
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly engineVersion: string;
  readonly weightsGiB: number;
  readonly torchPeakGiB: number;
  readonly nonTorchGiB: number;
  readonly requestedGiB: number;
  readonly availableKvGiB: number;
  readonly kvTokens: number;
  readonly maxConcurrency?: number;
  /** Null where no graphs were captured. */
  readonly graphsGiB: number | null;
  /** What was charged for graphs before their capture; left out where nothing was. */
  readonly graphEstimateGiB?: number;
  readonly numBlocks?: number;
  readonly bench: readonly RecordedBatch[];
}

/** One offline batch: all requests prefilled, then decoded together. */
export interface RecordedBatch {
  readonly batch: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly tpotMs: number;
  readonly prefillTokensPerSecond: number;
}

export interface ComparisonRow {
  readonly term: string;
  readonly unit: 'GiB' | 'tokens' | 'blocks' | 'x' | 'ms' | 'tok/s';
  readonly predicted: number;
  readonly measured: number;
  /** predicted / measured - 1. */
  readonly relativeError: number;
  /** Whether the measured value lies in the estimate's band; null where the estimate gives none. */
  readonly withinBand: boolean | null;
}

export interface StartComparison {
  readonly id: string;
  /** Null where it was compared; else why not, in a sentence. */
  readonly notCovered: string | null;
  readonly rows: readonly ComparisonRow[];
}

/** A line of a recording. The problem `recording.bad-line` names the field. */
export function parseRecordedStart(value: unknown): Result<RecordedStart> {
  if (!isRecord(value)) return badLine('the line');
  const numbers: Record<string, number> = {};
  for (const name of recordedNumbers) {
    const number = value[name];
    if (typeof number !== 'number' || !Number.isFinite(number)) return badLine(name);
    numbers[name] = number;
  }
  const { id, model, engineVersion, flags, bench, graphsGiB, graphEstimateGiB, maxConcurrency } = value;
  if (typeof id !== 'string' || typeof model !== 'string' || typeof engineVersion !== 'string') {
    return badLine('id, model or engineVersion');
  }
  if (!isRecord(flags) || !Array.isArray(bench)) return badLine('flags or bench');
  const blocks = isRecord(value['resolved']) ? value['resolved']['num_gpu_blocks'] : undefined;
  const of = (name: (typeof recordedNumbers)[number]) => numbers[name] ?? 0;
  return success({
    id,
    model,
    engineVersion,
    flags: flags as Readonly<Record<string, FlagValue>>,
    weightsGiB: of('weightsGiB'),
    torchPeakGiB: of('torchPeakGiB'),
    nonTorchGiB: of('nonTorchGiB'),
    requestedGiB: of('requestedGiB'),
    availableKvGiB: of('availableKvGiB'),
    kvTokens: of('kvTokens'),
    graphsGiB: typeof graphsGiB === 'number' ? graphsGiB : null,
    ...(typeof graphEstimateGiB === 'number' ? { graphEstimateGiB } : {}),
    ...(typeof maxConcurrency === 'number' ? { maxConcurrency } : {}),
    ...(typeof blocks === 'number' ? { numBlocks: blocks } : {}),
    bench: bench.flatMap(recordedBatch),
  });
}

const recordedNumbers = [
  'weightsGiB',
  'torchPeakGiB',
  'nonTorchGiB',
  'requestedGiB',
  'availableKvGiB',
  'kvTokens',
] as const;

function recordedBatch(value: unknown): RecordedBatch[] {
  if (!isRecord(value)) return [];
  const { batch, input, output, tpot_ms, prefill_tok_s } = value;
  return typeof batch === 'number' &&
    typeof input === 'number' &&
    typeof output === 'number' &&
    typeof tpot_ms === 'number' &&
    typeof prefill_tok_s === 'number'
    ? [
        {
          batch,
          inputTokens: input,
          outputTokens: output,
          tpotMs: tpot_ms,
          prefillTokensPerSecond: prefill_tok_s,
        },
      ]
    : [];
}

function badLine(field: string): Result<RecordedStart> {
  return failure({ code: 'recording.bad-line', message: `The recorded start has no usable ${field}.` });
}

/** The request that a recorded start answers. Recordings were made with the offline class, whose defaults differ. */
export function recordedRequest(recorded: RecordedStart, model: ModelFacts, device: Device): EstimateRequest {
  const flags: Record<string, FlagValue> = {};
  for (const [name, value] of Object.entries(recorded.flags)) flags[name.replaceAll('_', '-')] = value;
  return {
    source: recorded.id,
    deployment: {
      engine: 'vllm',
      engineVersion: recorded.engineVersion,
      entrypoint: 'llm',
      model: recorded.model,
      flags,
    },
    model,
    device,
    gpuCount: gpusOf(flags),
  };
}

/** Recordings were made on as many GPUs as the flags ask for. */
function gpusOf(flags: Readonly<Record<string, FlagValue>>): number {
  const names = ['tensor-parallel-size', 'pipeline-parallel-size', 'data-parallel-size'];
  return names.reduce((gpus, name) => gpus * Math.max(1, Number(flags[name] ?? 1) || 1), 1);
}

/** What an engine logged of its memory, in bytes; null where it did not. A `LogRecord` is one. */
export interface MeasuredStart {
  readonly weightsBytes: number | null;
  readonly activationPeakBytes: number | null;
  readonly nonTorchBytes: number | null;
  /** What graph capture took. */
  readonly graphBytes: number | null;
  /** What was charged for graphs before they were captured. */
  readonly graphEstimateBytes: number | null;
  readonly requestedBytes: number | null;
  /** Left out where it is not said. */
  readonly gpuMemoryUtilization?: number | null;
  readonly availableKvBytes: number | null;
  readonly numGpuBlocks: number | null;
  readonly kvTokens: number | null;
  readonly maxConcurrency: number | null;
  readonly startupSeconds?: number | null;
  /** Half of the last printed digit, in bytes, by field. Default: half of 0.01 GiB. */
  readonly resolution?: Readonly<Partial<Record<string, number>>>;
}

/** A recorded start as what its engine logged. */
export function measuredOf(recorded: RecordedStart): MeasuredStart {
  const bytes = (gib: number) => Math.round(gib * GiB);
  return {
    weightsBytes: bytes(recorded.weightsGiB),
    activationPeakBytes: bytes(recorded.torchPeakGiB),
    nonTorchBytes: bytes(recorded.nonTorchGiB),
    graphBytes: recorded.graphsGiB === null ? null : bytes(recorded.graphsGiB),
    graphEstimateBytes: recorded.graphEstimateGiB === undefined ? null : bytes(recorded.graphEstimateGiB),
    requestedBytes: bytes(recorded.requestedGiB),
    availableKvBytes: bytes(recorded.availableKvGiB),
    numGpuBlocks: recorded.numBlocks ?? null,
    kvTokens: recorded.kvTokens,
    maxConcurrency: recorded.maxConcurrency ?? null,
  };
}

/** Half of the last digit of GiB printed to two decimals. */
export const LOGGED_HALF_WIDTH_BYTES = 0.005 * GiB;

/** Estimated terms and the measured figure that each stands for. */
export const comparedTerms = [
  { id: 'weights', field: 'weightsBytes' },
  { id: 'activation-peak', field: 'activationPeakBytes' },
  { id: 'non-torch', field: 'nonTorchBytes' },
  { id: 'graphs', field: 'graphEstimateBytes' },
  { id: 'graphs-uncharged', field: 'graphBytes' },
] as const;

/** The rank with the least room, whose figures an engine's log ends with. */
export function tightestOf(estimate: DeploymentEstimate): RankEstimate | undefined {
  let tightest = estimate.perRank[0];
  for (const rank of estimate.perRank) {
    if (tightest !== undefined && rank.availableKvBytes < tightest.availableKvBytes) tightest = rank;
  }
  return tightest;
}

/** Memory, predicted beside measured. A start whose model is not covered has no rows, and says so. */
export function compareStart(
  recorded: RecordedStart,
  estimate: DeploymentEstimate | UnknownEstimate,
): StartComparison {
  return compareMeasured(recorded.id, measuredOf(recorded), estimate);
}

/** As `compareStart`, for what any log says. Terms that the log does not have are left out. */
export function compareMeasured(
  id: string,
  measured: MeasuredStart,
  estimate: DeploymentEstimate | UnknownEstimate,
): StartComparison {
  if (!('perRank' in estimate)) return { id, notCovered: estimate.verdict.reason, rows: [] };
  const rank = tightestOf(estimate);
  const rows: ComparisonRow[] = [];
  for (const { id: term, field } of comparedTerms) {
    const found = rank?.terms.find((candidate) => candidate.id === term);
    const bytes = measured[field];
    if (found === undefined || bytes === null) continue;
    // Half of the last printed digit is part of what was measured.
    const rounding = measured.resolution?.[field] ?? LOGGED_HALF_WIDTH_BYTES;
    const within = bytes + rounding >= found.lowBytes && bytes - rounding <= found.highBytes;
    rows.push(row(term, 'GiB', found.bytes / GiB, bytes / GiB, within));
  }
  const plain = (term: string, unit: ComparisonRow['unit'], predicted: number, value: number | null) => {
    if (value !== null) rows.push(row(term, unit, predicted, value));
  };
  const inGib = (bytes: number | null) => (bytes === null ? null : bytes / GiB);
  plain('requested', 'GiB', (rank?.requestedBytes ?? 0) / GiB, inGib(measured.requestedBytes));
  plain('available KV cache', 'GiB', (rank?.availableKvBytes ?? 0) / GiB, inGib(measured.availableKvBytes));
  plain('KV blocks', 'blocks', estimate.kv.numBlocks, measured.numGpuBlocks);
  plain('KV cache size', 'tokens', estimate.kv.tokens, measured.kvTokens);
  plain('maximum concurrency', 'x', estimate.kv.maxConcurrency, measured.maxConcurrency);
  return { id, notCovered: null, rows };
}

/** Decode and prefill, predicted beside measured, for each recorded offline batch: no prefill beside the decode. */
export function compareSpeed(recorded: RecordedStart, request: EstimateRequest): readonly ComparisonRow[] {
  const speed = findEngine(request.deployment.engine)?.evaluate(request).speed;
  if (speed === undefined) return [];
  const efficiency = speedEfficiency(speed);
  const { relativeBand } = speedEvidence(speed, efficiency);
  const within = (predicted: number, value: number) =>
    value >= predicted * (1 - relativeBand) && value <= predicted * (1 + relativeBand);
  return recorded.bench.flatMap((measured) => {
    const context = measured.inputTokens + measured.outputTokens / 2;
    const step = decodeStep(speed, measured.batch, context, efficiency).totalMs;
    // The time of a batch begins with its arrival.
    const prompts = measured.batch * measured.inputTokens;
    const prefill = prompts / prefillRate(speed, measured.inputTokens, measured.batch, efficiency);
    const rate = prompts / (prefill + efficiency.requestMs / 1000);
    const name = `${measured.batch} x ${measured.inputTokens} in`;
    return [
      row(`decode step, ${name}`, 'ms', step, measured.tpotMs, within(step, measured.tpotMs)),
      row(
        `prefill, ${name}`,
        'tok/s',
        rate,
        measured.prefillTokensPerSecond,
        within(rate, measured.prefillTokensPerSecond),
      ),
    ];
  });
}

function row(
  term: string,
  unit: ComparisonRow['unit'],
  predicted: number,
  measured: number,
  withinBand: boolean | null = null,
): ComparisonRow {
  return { term, unit, predicted, measured, relativeError: predicted / measured - 1, withinBand };
}
