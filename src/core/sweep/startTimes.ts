/** How long an engine takes to start: as it was measured before, else a guess. For the ETA alone. */
import type { DeploymentEstimate } from '../estimate/types.ts';
import { GiB } from '../units.ts';
import type { RunMode } from './run.ts';

/** A start that was measured. */
export interface KnownStart {
  /** Of a run: the same key is the same start. Left out: of a log. */
  readonly engineKey?: string;
  readonly engine: string;
  readonly model: string;
  readonly eager: boolean;
  readonly seconds: number;
  /** A log says how long the engine took to initialise, not how long its process took before. Left out: all of it. */
  readonly part?: 'initialisation';
  /** The run or the log. */
  readonly source: string;
}

export interface StartTime {
  readonly seconds: number;
  /** How it is known: `measured` the same start, `similar` the same engine and model, `guess` by the model's size. */
  readonly basis: 'measured' | 'similar' | 'guess' | 'compressed' | 'none';
  /** In words, with the sources. */
  readonly because: string;
}

/** A rehearsal compresses the start. */
export const rehearsed: StartTime = { seconds: 2, basis: 'compressed', because: 'a rehearsal compresses it' };
/** Nothing known: weights, compilation and graphs take minutes. */
const UNKNOWN_SECONDS = 120;

/**
 * vLLM 0.26 on an H200 with dummy weights: 49 s eager and 86 to 128 s with graphs for models of 2 to 57 GiB, 170 s for a hybrid (recorded
 * 2026-11-21). Reading the weights comes on top, at 1 GiB/s: a guess, disks differ by ten.
 */
const BARE_SECONDS = 45;
const GRAPHS_SECONDS = 45;
const STATE_SECONDS = 70;
const WEIGHTS_BYTES_PER_SECOND = GiB;

export interface StartQuestion {
  readonly engineKey: string;
  readonly engine: string;
  readonly model: string;
  readonly eager: boolean;
  readonly estimate: DeploymentEstimate | null;
  /** Layers with a recurrent state: their kernels take long to compile. */
  readonly hybrid: boolean;
}

export function startTime(question: StartQuestion, mode: RunMode, known: readonly KnownStart[]): StartTime {
  if (mode === 'rehearsal') {
    return rehearsed;
  }
  const same = known.filter(({ engineKey }) => engineKey === question.engineKey);
  if (same.length > 0) return { ...of(same), basis: 'measured' };
  const alike = known.filter(
    ({ engine, model, eager }) =>
      engine === question.engine && model === question.model && eager === question.eager,
  );
  const similar = alike.filter(({ part }) => part === undefined);
  if (similar.length > 0) return { ...of(similar), basis: 'similar' };
  if (question.estimate === null) {
    return { seconds: UNKNOWN_SECONDS, basis: 'guess', because: 'a guess: nothing is known of the start' };
  }
  const weights = question.estimate.perRank.reduce(
    (most, { terms }) => Math.max(most, terms.find(({ id }) => id === 'weights')?.bytes ?? 0),
    0,
  );
  const size = `${(weights / GiB).toFixed(1)} GiB of weights a GPU`;
  if (alike.length > 0) {
    const logged = of(alike);
    return {
      seconds: BARE_SECONDS + logged.seconds + weights / WEIGHTS_BYTES_PER_SECOND,
      basis: 'similar',
      because: `initialisation ${logged.because}; starting the process and reading ${size} are guesses`,
    };
  }
  const seconds =
    BARE_SECONDS +
    (question.eager ? 0 : GRAPHS_SECONDS) +
    (question.hybrid && !question.eager ? STATE_SECONDS : 0) +
    weights / WEIGHTS_BYTES_PER_SECOND;
  return {
    seconds,
    basis: 'guess',
    because: `a guess by ${size}, ${question.eager ? 'eager' : 'with compilation and CUDA graphs'}; a start in this workspace would say`,
  };
}

/** The median, with where it is from. */
function of(starts: readonly KnownStart[]): { readonly seconds: number; readonly because: string } {
  const sorted = starts.map(({ seconds }) => seconds).sort((a, b) => a - b);
  const seconds = sorted[Math.floor(sorted.length / 2)] ?? UNKNOWN_SECONDS;
  const sources = [...new Set(starts.map(({ source }) => source))];
  const more = sources.length > 2 ? ` and ${sources.length - 2} more` : '';
  return { seconds, because: `measured in ${sources.slice(0, 2).join(', ')}${more}` };
}
