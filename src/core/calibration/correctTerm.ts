import type { MemoryTerm, Provenance } from '../estimate/types.ts';
import { formatBytes } from '../units.ts';
import type { CalibrationEntry, TermResidual } from './calibration.ts';

/** How far the predictions of then and now may differ for a residual to be of the same thing. */
const SAME_PART = 0.01;

/**
 * How many times larger or smaller a term may be for its residual to carry over in proportion. Beyond that another phase of the profile
 * run decides the peak, and its error is another one.
 */
const LIKE_FACTOR = 2;

/**
 * How a term's residual carries over. `model`: only to the same weights, in bytes. `bytes`: to the whole family as it is (context and
 * communication buffers do not grow with the model). `ratio`: to the whole family in proportion.
 */
const transfer: Readonly<Record<string, 'model' | 'bytes' | 'ratio'>> = {
  weights: 'model',
  'activation-peak': 'ratio',
  'non-torch': 'bytes',
  graphs: 'ratio',
  'graphs-uncharged': 'ratio',
};

interface Sample {
  readonly bytes: number;
  readonly resolutionBytes: number;
  readonly source: string;
  readonly provenance: Provenance;
  /** Of the same model under like flags: measured, not inferred. */
  readonly same: boolean;
}

/** The term as the entries correct it; the term itself where none says anything of it. */
export function correctTerm(
  term: MemoryTerm,
  model: string,
  entries: readonly CalibrationEntry[],
): MemoryTerm {
  const all = entries.flatMap((entry) =>
    entry.residuals.flatMap((residual) => {
      const sample = residual.term === term.id ? sampleOf(term, model, entry, residual) : undefined;
      return sample === undefined ? [] : [sample];
    }),
  );
  const same = all.filter((sample) => sample.same);
  const samples = same.length > 0 ? same : all;
  const [first] = samples;
  if (first === undefined) return term;
  const middle = median(samples.map(({ bytes }) => bytes));
  const scatter = Math.max(...samples.map(({ bytes }) => Math.abs(bytes - middle)));
  const resolution = Math.max(...samples.map(({ resolutionBytes }) => resolutionBytes));
  const shift = middle - term.bytes;
  // A log that rounds cannot tell more than a prediction within its rounding.
  const agrees = Math.abs(shift) <= resolution;
  if (agrees && !first.same) return term;
  const bytes = agrees ? term.bytes : Math.max(0, Math.round(middle));
  const sources =
    samples.length === 1 ? first.source : `median of ${samples.length} starts, ${first.source} …`;
  return {
    id: term.id,
    bytes,
    ...(first.same
      ? measuredBand(bytes, middle, scatter + resolution)
      : shiftedBand(term, bytes - term.bytes, scatter)),
    formula: agrees ? term.formula : `${term.formula}; ${signed(shift)} as measured`,
    source: `${sources}; ${term.source}`,
    provenance: first.provenance,
    charged: term.charged,
  };
}

type Band = Pick<MemoryTerm, 'lowBytes' | 'highBytes'>;

/** Around what was measured, by the log's rounding and the scatter of the starts. */
function measuredBand(bytes: number, middle: number, half: number): Band {
  return { lowBytes: Math.min(bytes, Math.max(0, middle - half)), highBytes: Math.max(bytes, middle + half) };
}

/** What was measured under other flags or on another model moves the band, and makes it no narrower. */
function shiftedBand(term: MemoryTerm, shift: number, scatter: number): Band {
  return {
    lowBytes: Math.max(0, term.lowBytes + shift - scatter),
    highBytes: term.highBytes + shift + scatter,
  };
}

function sampleOf(
  term: MemoryTerm,
  model: string,
  entry: CalibrationEntry,
  residual: TermResidual,
): Sample | undefined {
  const how = transfer[term.id];
  const { predictedBytes, measuredBytes, resolutionBytes } = residual;
  const alike = Math.abs(term.bytes - predictedBytes) <= SAME_PART * predictedBytes;
  const same = entry.model === model && alike;
  if (how === undefined || (how === 'model' && !same)) return undefined;
  const source = {
    source: entry.source,
    provenance: entry.kind === 'log' ? ('log-line' as const) : ('measured-run' as const),
    same,
  };
  if (same || how === 'bytes') {
    return { bytes: term.bytes + measuredBytes - predictedBytes, resolutionBytes, ...source };
  }
  if (predictedBytes <= 0) return undefined;
  const scale = term.bytes / predictedBytes;
  if (scale > LIKE_FACTOR || scale < 1 / LIKE_FACTOR) return undefined;
  return { bytes: measuredBytes * scale, resolutionBytes: resolutionBytes * Math.max(1, scale), ...source };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1] ?? 0, sorted[Math.floor(middle)] ?? 0];
  return (low + high) / 2;
}

function signed(bytes: number): string {
  return `${bytes < 0 ? '−' : '+'}${formatBytes(Math.abs(bytes))}`;
}
