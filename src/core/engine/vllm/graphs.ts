import type { EstimateRequest } from '../../estimate/types.ts';
import type { FlagReader } from '../flagReader.ts';
import { wholeNumber } from '../flagValues.ts';
import { jsonFlag } from './jsonFlag.ts';
import type { VllmProfile } from './versions/profile.ts';

/** What CUDA graphs the engine captures. */
export interface CapturedGraphs {
  /** Batch sizes with a graph of the pieces between attentions. 0: none. */
  readonly piecewise: number;
  /** Batch sizes with a graph of the whole step. 0: none. */
  readonly full: number;
  /** Largest of the sizes. */
  readonly largest: number;
  /** Largest batch with a graph of the whole step; 0 without any. */
  readonly largestFull: number;
  /** True where the model is compiled. */
  readonly compiled: boolean;
}

const none: CapturedGraphs = { piecewise: 0, full: 0, largest: 0, largestFull: 0, compiled: false };

/** Architectures that ask for graphs of up to 1,024 sequences. Source: model_executor/models/config.py. */
const wideCapture = new Set(['GptOssForCausalLM']);

/**
 * The sizes: 1, 2, 4, then steps of 8 below 256 and of 16 above, up to twice the sequences and the release's cap.
 * Source: config/vllm.py, `_set_cudagraph_sizes`; config/compilation.py, CUDAGraphMode.
 */
export function capturedGraphs(
  request: EstimateRequest,
  profile: VllmProfile,
  flags: FlagReader,
  batch: { readonly maxNumSeqs: number; readonly maxNumBatchedTokens: number },
  eager: boolean,
): CapturedGraphs {
  if (eager) return none;
  const config = jsonFlag(flags.value('compilation-config'));
  const level = optimizationLevel(flags);
  const mode = config?.['mode'] ?? config?.['level'];
  const compiled = level !== 0 && mode !== 0 && mode !== 'NONE' && mode !== 'none';
  const graphMode = graphModeOf(config?.['cudagraph_mode'], level, compiled);
  if (graphMode === 'NONE') return { ...none, compiled };
  const { device, model } = request;
  const blackwell = device.computeCapability.startsWith('10.');
  const cap = wideCapture.has(model.architecture)
    ? 1024
    : profile.largestCapture[blackwell ? 'blackwell' : 'others'];
  const written = sizesOf(flags.value('cudagraph-capture-sizes') ?? flags.value('cuda-graph-sizes'));
  const configured = sizesOf(config?.['cudagraph_capture_sizes']);
  const largestWritten =
    wholeNumber(flags.value('max-cudagraph-capture-size') ?? '') ??
    wholeNumber((config?.['max_cudagraph_capture_size'] as number | undefined) ?? '');
  const sizes = written ?? configured;
  const largest = Math.min(
    sizes === undefined ? (largestWritten ?? Math.min(batch.maxNumSeqs * 2, cap)) : Math.max(0, ...sizes),
    batch.maxNumBatchedTokens,
  );
  const largestFull = Math.min(largest, batch.maxNumSeqs);
  const count = (limit: number) =>
    sizes === undefined ? sizesUpTo(limit) : sizes.filter((size) => size <= limit).length;
  return {
    piecewise: graphMode.includes('PIECEWISE') ? count(largest) : 0,
    // A whole step is one token a sequence.
    full: graphMode.includes('FULL') ? count(largestFull) : 0,
    largest,
    largestFull: graphMode.includes('FULL') ? largestFull : 0,
    compiled,
  };
}

function optimizationLevel(flags: FlagReader): number | undefined {
  const value = flags.value('optimization-level');
  if (value === undefined) return undefined;
  return wholeNumber(typeof value === 'string' ? value.replace(/^O/i, '') : value);
}

function graphModeOf(written: unknown, level: number | undefined, compiled: boolean): string {
  if (typeof written === 'string') return written.toUpperCase();
  if (written === 0) return 'NONE';
  if (level === 0 || !compiled) return 'NONE';
  return level === 1 ? 'PIECEWISE' : 'FULL_AND_PIECEWISE';
}

/** Numbers in a list, a JSON list, or words; undefined where there are none. */
function sizesOf(value: unknown): readonly number[] | undefined {
  if (value === undefined) return undefined;
  const items: readonly unknown[] = Array.isArray(value) ? value : String(value).split(/[^\d]+/);
  const sizes = items
    .slice(0, 10_000)
    .map(Number)
    .filter((size) => Number.isSafeInteger(size) && size > 0);
  return sizes.length > 0 ? sizes : undefined;
}

/** How many of 1, 2, 4, 8, 16 … 248, 256, 272 … are at most `limit`. */
function sizesUpTo(limit: number): number {
  if (limit < 8) return limit >= 4 ? 3 : Math.min(limit, 2);
  const belowStep = Math.floor(Math.min(limit, 255) / 8);
  return 3 + belowStep + (limit >= 256 ? Math.floor((limit - 256) / 16) + 1 : 0);
}
