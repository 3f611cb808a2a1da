/** What the estimate says of a cell before it runs, kept with it: results lay it beside what was measured. */
import { comparedTerms, tightestOf } from '../estimate/compare.ts';
import type { DeploymentEstimate } from '../estimate/types.ts';
import { resolvedFlags } from '../log/differences.ts';
import type { CellPrediction, LoadProfile, PredictedCell, PredictedMemory } from './run.ts';

/** Null where nothing is known of the model or the GPU. Memory is of the engine start: it stands at its first cell. */
export function cellPrediction(
  estimate: DeploymentEstimate | null,
  profile: LoadProfile['profile'],
  isFirstOfEngine: boolean,
): CellPrediction | null {
  if (estimate === null) return null;
  const { outcome, reason } = estimate.verdict;
  return {
    outcome,
    reason,
    figures: predictedCell(estimate, profile),
    ...(isFirstOfEngine ? { memory: predictedMemory(estimate), resolved: resolvedFlags(estimate) } : {}),
  };
}

function predictedCell({ kv, speed }: DeploymentEstimate, profile: LoadProfile['profile']): PredictedCell {
  if (profile !== 'closed-loop') return { kvTokens: kv.tokens };
  const figure = (name: 'ttftMs' | 'tpotMs' | 'systemTokensPerSecond') => {
    const [low, high] = speed.bands[name];
    return { value: speed[name], low, high };
  };
  return {
    kvTokens: kv.tokens,
    ttftMs: figure('ttftMs'),
    tpotMs: figure('tpotMs'),
    systemTokensPerSecond: figure('systemTokensPerSecond'),
    bound: speed.bound,
  };
}

/** Of the rank with the least room, as engines log it. What is left for the cache has the bands of all that is charged. */
function predictedMemory(estimate: DeploymentEstimate): readonly PredictedMemory[] {
  const rank = tightestOf(estimate);
  if (rank === undefined) return [];
  const terms = comparedTerms.flatMap(({ id }) => rank.terms.filter((term) => term.id === id));
  const charged = rank.terms.filter((term) => term.charged);
  const off = (of: (term: (typeof charged)[number]) => number) =>
    charged.reduce((sum, term) => sum + of(term), 0);
  return [
    ...terms.map(({ id, bytes, lowBytes, highBytes }) => ({ term: id, bytes, lowBytes, highBytes })),
    {
      term: 'available-kv',
      bytes: rank.availableKvBytes,
      lowBytes: rank.availableKvBytes - off(({ bytes, highBytes }) => highBytes - bytes),
      highBytes: rank.availableKvBytes + off(({ bytes, lowBytes }) => bytes - lowBytes),
    },
  ];
}
