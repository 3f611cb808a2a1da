import type { Device } from '../device/device.ts';
import type { FlagValue } from '../engine/deployment.ts';
import { findEngine } from '../engine/engine.ts';
import { isRecord } from '../model/configFields.ts';
import type { ModelFacts } from '../model/facts.ts';
import { failure, type Result, success } from '../result.ts';
import { decodeStep, prefillMs } from '../speed/roofline.ts';
import { GiB } from '../units.ts';
import type { DeploymentEstimate, EstimateRequest, UnknownEstimate } from './types.ts';

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
  const { id, model, engineVersion, flags, bench, graphsGiB, maxConcurrency } = value;
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
    gpuCount: 1,
  };
}

/** Memory, predicted beside measured. A start whose model is not covered has no rows, and says so. */
export function compareStart(
  recorded: RecordedStart,
  estimate: DeploymentEstimate | UnknownEstimate,
): StartComparison {
  if (!('perRank' in estimate)) {
    return { id: recorded.id, notCovered: estimate.verdict.reason, rows: [] };
  }
  const rank = estimate.perRank[0];
  const rows: ComparisonRow[] = [];
  const term = (id: string, measuredGiB: number | null) => {
    const found = rank?.terms.find((candidate) => candidate.id === id);
    if (found === undefined || measuredGiB === null) return;
    // Half of the last printed digit is part of what was measured.
    const rounding = 0.005;
    const within =
      measuredGiB + rounding >= found.lowBytes / GiB && measuredGiB - rounding <= found.highBytes / GiB;
    rows.push(row(id, 'GiB', found.bytes / GiB, measuredGiB, within));
  };
  term('weights', recorded.weightsGiB);
  term('activation-peak', recorded.torchPeakGiB);
  term('non-torch', recorded.nonTorchGiB);
  term('graphs-uncharged', recorded.graphsGiB);
  rows.push(row('requested', 'GiB', (rank?.requestedBytes ?? 0) / GiB, recorded.requestedGiB));
  rows.push(row('available KV cache', 'GiB', (rank?.availableKvBytes ?? 0) / GiB, recorded.availableKvGiB));
  if (recorded.numBlocks !== undefined) {
    rows.push(row('KV blocks', 'blocks', estimate.kv.numBlocks, recorded.numBlocks));
  }
  rows.push(row('KV cache size', 'tokens', estimate.kv.tokens, recorded.kvTokens));
  if (recorded.maxConcurrency !== undefined) {
    rows.push(row('maximum concurrency', 'x', estimate.kv.maxConcurrency, recorded.maxConcurrency));
  }
  return { id: recorded.id, notCovered: null, rows };
}

/** Decode and prefill, predicted beside measured, for each recorded offline batch: no prefill beside the decode. */
export function compareSpeed(recorded: RecordedStart, request: EstimateRequest): readonly ComparisonRow[] {
  const speed = findEngine(request.deployment.engine)?.evaluate(request).speed;
  if (speed === undefined) return [];
  return recorded.bench.flatMap((measured) => {
    const context = measured.inputTokens + measured.outputTokens / 2;
    const step = decodeStep(speed, measured.batch, context).totalMs;
    const rate = (1000 * measured.inputTokens) / prefillMs(speed, measured.inputTokens);
    const name = `${measured.batch} x ${measured.inputTokens} in`;
    return [
      row(`decode step, ${name}`, 'ms', step, measured.tpotMs, withinQuarter(step, measured.tpotMs)),
      row(
        `prefill, ${name}`,
        'tok/s',
        rate,
        measured.prefillTokensPerSecond,
        withinQuarter(rate, measured.prefillTokensPerSecond),
      ),
    ];
  });
}

function withinQuarter(predicted: number, measured: number): boolean {
  return measured >= predicted * 0.75 && measured <= predicted * 1.25;
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
