import type { EstimateRequest } from '../../core/estimate/types.ts';
import type { RunResults } from '../../core/sweep/run.ts';
import type { MeasuredPoint } from '../../protocol/panel.ts';

/** Flags that make another engine of it: a point measured with others says nothing of this one. */
const sameFlags = [
  'tensor-parallel-size',
  'pipeline-parallel-size',
  'data-parallel-size',
  'quantization',
  'kv-cache-dtype',
  'enforce-eager',
] as const;

/** What was measured of this deployment's model on its GPU, point by point. Rehearsals measure nothing. */
export function measuredPoints(
  request: EstimateRequest,
  runs: readonly (RunResults | null)[],
): readonly MeasuredPoint[] {
  const { deployment, model, device } = request;
  return runs.flatMap((results) => {
    if (results === null || results.mode !== 'measured' || results.device !== device.id) return [];
    if (results.engine.name !== deployment.engine) return [];
    if (results.model !== model.id && results.model !== deployment.model) return [];
    return results.cells.flatMap((cell) => {
      const differs = sameFlags.some(
        (flag) => String(cell.flags[flag] ?? '') !== String(deployment.flags[flag] ?? ''),
      );
      const batch = cell.concurrency;
      if (differs || batch === null) return [];
      return cell.trials.flatMap((trial): MeasuredPoint[] => {
        const tokensPerSecond = trial.systemTokensPerSecond;
        // What the client held back, or errors cut short, is no speed of the engine.
        if (
          tokensPerSecond === null ||
          tokensPerSecond <= 0 ||
          trial.client?.bound === true ||
          (trial.requests.failed ?? 0) > 0
        )
          return [];
        return [
          {
            run: results.name,
            label: cell.label,
            batch,
            tokensPerSecond,
            tpotMs: trial.tpotMs.mean,
          },
        ];
      });
    });
  });
}
