import type { MemoryTerm, Provenance } from '../estimate/types.ts';
import { formatBytes } from '../units.ts';
import type { CalibrationEntry, TermResidual } from './calibration.ts';

/** How far the predictions of then and now may differ for a residual to be of the same thing. */
const SAME_PART = 0.05;

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
  // What was measured on another model says less than what was measured on this one.
  const half = Math.max(scatter + resolution, first.same ? 0 : Math.abs(shift) / 2);
  // A log that rounds cannot tell more than a prediction within its rounding.
  const agrees = Math.abs(shift) <= resolution;
  const bytes = agrees ? term.bytes : Math.max(0, Math.round(middle));
  const [low, high] = [Math.max(0, middle - half), middle + half];
  const sources =
    samples.length === 1 ? first.source : `median of ${samples.length} starts, ${first.source} …`;
  return {
    id: term.id,
    bytes,
    lowBytes: agrees ? Math.min(bytes, Math.max(low, term.lowBytes)) : low,
    highBytes: agrees ? Math.max(bytes, Math.min(high, term.highBytes)) : high,
    formula: agrees ? term.formula : `${term.formula}; ${signed(shift)} as measured`,
    source: `${sources}; ${term.source}`,
    provenance: first.provenance,
    charged: term.charged,
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
