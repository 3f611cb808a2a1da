/** What measured starts say of the estimates for this kind of deployment, and how it is kept. */
import { isRecord } from '../model/configFields.ts';
import { failure, type Result, success } from '../result.ts';

/** A measured term beside what had been predicted for it, bytes of one rank. */
export interface TermResidual {
  /** Id of the estimate's term. */
  readonly term: string;
  readonly predictedBytes: number;
  readonly measuredBytes: number;
  /** Half of the last digit that the log printed. */
  readonly resolutionBytes: number;
}

/** A measured load, so many requests always in flight, beside what had been predicted for it. */
export interface SpeedResidual {
  readonly batch: number;
  /** Means of the distributions. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly ttftMs: MeasuredTime | null;
  readonly tpotMs: MeasuredTime | null;
}

/** Means over requests, milliseconds. */
export interface MeasuredTime {
  readonly predicted: number;
  readonly measured: number;
  /** Half of the 95 % interval of the measured mean; left out where it is not known. */
  readonly halfWidth?: number;
}

/** One measured start. Its residuals count for the same GPU, engine, minor version, family and number of ranks. */
export interface CalibrationEntry {
  /** The driver's name of the GPU. */
  readonly gpu: string;
  readonly engine: string;
  /** Major and minor: `0.26`. */
  readonly version: string;
  /** `model_type` of the config. */
  readonly family: string;
  /** Weights are this model's alone. */
  readonly model: string;
  /** Tensor x pipeline parallel: buffers for communication depend on it. */
  readonly ranks: number;
  readonly kind: 'log' | 'run';
  /** The log and the line where the start begins, or the run: `serve.log:17`. */
  readonly source: string;
  readonly residuals: readonly TermResidual[];
  /** Of a run: its loads. */
  readonly speed?: readonly SpeedResidual[];
  /** KV memory of the rank with the least, as it was predicted before this entry and as it was measured. */
  readonly availableKvBytes: { readonly predicted: number; readonly measured: number } | null;
  /** How long profiling, compilation and graphs took, and whether it was eager. Left out where the log does not say. */
  readonly startup?: { readonly seconds: number; readonly eager: boolean };
}

/** What one command added; undone together. */
export interface CalibrationStep {
  /** ISO 8601. */
  readonly at: string;
  readonly entries: readonly CalibrationEntry[];
}

/** `.loadline/calibration.json`. */
export interface Calibration {
  readonly schema: 1;
  readonly steps: readonly CalibrationStep[];
}

export const noCalibration: Calibration = { schema: 1, steps: [] };

/** A start that is measured again takes the place of what it said before. */
export function withStep(calibration: Calibration, step: CalibrationStep): Calibration {
  return { schema: 1, steps: [...calibration.steps, step] };
}

/** Without what the last command added. */
export function withoutLastStep(calibration: Calibration): Calibration {
  return { schema: 1, steps: calibration.steps.slice(0, -1) };
}

/** Entries in force: of one source the newest. */
export function entriesOf(calibration: Calibration): readonly CalibrationEntry[] {
  const newest = new Map<string, CalibrationEntry>();
  for (const { entries } of calibration.steps) {
    for (const entry of entries) newest.set(`${entry.kind} ${entry.source}`, entry);
  }
  return [...newest.values()];
}

/** `0.26.0` and `0.26.1rc2` -> `0.26`. */
export function minorVersion(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? version;
}

/** A parsed file. The problem `calibration.bad-file` names the first place that is not as it should be. */
export function parseCalibration(value: unknown): Result<Calibration> {
  if (!isRecord(value) || value['schema'] !== 1 || !Array.isArray(value['steps'])) return bad([]);
  for (const [at, step] of value['steps'].entries()) {
    if (!isRecord(step) || typeof step['at'] !== 'string' || !Array.isArray(step['entries'])) {
      return bad(['steps', at]);
    }
    const wrong = step['entries'].findIndex((entry) => !isEntry(entry));
    if (wrong >= 0) return bad(['steps', at, 'entries', wrong]);
  }
  return success(value as unknown as Calibration);
}

function isEntry(value: unknown): value is CalibrationEntry {
  if (!isRecord(value)) return false;
  const texts = ['gpu', 'engine', 'version', 'family', 'model', 'source'];
  if (texts.some((name) => typeof value[name] !== 'string')) return false;
  const { kind, residuals, ranks, availableKvBytes: kv, startup, speed } = value;
  return (
    (startup === undefined ||
      (isRecord(startup) && isAmount(startup['seconds']) && typeof startup['eager'] === 'boolean')) &&
    (kind === 'log' || kind === 'run') &&
    isAmount(ranks) &&
    Array.isArray(residuals) &&
    residuals.every(isResidual) &&
    (speed === undefined || (Array.isArray(speed) && speed.every(isSpeedResidual))) &&
    (kv === null || (isRecord(kv) && isNumber(kv['predicted']) && isNumber(kv['measured'])))
  );
}

function isResidual(value: unknown): value is TermResidual {
  return (
    isRecord(value) &&
    typeof value['term'] === 'string' &&
    ['predictedBytes', 'measuredBytes', 'resolutionBytes'].every((name) => isAmount(value[name]))
  );
}

function isSpeedResidual(value: unknown): value is SpeedResidual {
  return (
    isRecord(value) &&
    ['batch', 'inputTokens', 'outputTokens'].every((name) => isAmount(value[name])) &&
    [value['ttftMs'], value['tpotMs']].every((time) => time === null || isTime(time))
  );
}

function isTime(value: unknown): value is MeasuredTime {
  return (
    isRecord(value) &&
    isAmount(value['predicted']) &&
    isAmount(value['measured']) &&
    (value['halfWidth'] === undefined || isAmount(value['halfWidth']))
  );
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isAmount(value: unknown): value is number {
  return isNumber(value) && value >= 0;
}

function bad(path: readonly (string | number)[]): Result<Calibration> {
  return failure({
    code: 'calibration.bad-file',
    message: `The calibration has no usable ${path.length === 0 ? 'schema and steps' : path.join('.')}. Correct it, or delete the file and calibrate again.`,
    path,
  });
}
