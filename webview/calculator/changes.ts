import { findDevice } from '../../src/core/device/catalogue.ts';
import type { FlagValue } from '../../src/core/engine/deployment.ts';
import { findEngine } from '../../src/core/engine/engines.ts';
import type { EstimateLoad } from '../../src/core/estimate/types.ts';
import { type CalculatorState, type Choice, type EditValue, effectiveRequest } from './state.ts';

export const loadLabels: Readonly<Record<keyof EstimateLoad, string>> = {
  batch: 'requests at once',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
};

export const loadFigures = ['batch', 'inputTokens', 'outputTokens'] as const;

export interface Change {
  /** The flag, or the name of the choice. */
  readonly id: string;
  readonly label: string;
  readonly from: string;
  readonly to: string;
  /** What `apply` would write; null where it stands in no file. */
  readonly edit: { readonly flag: string; readonly to: EditValue } | null;
}

/** What differs from the file, flags first. Nothing where there is no file. `usual`: the load without what is tried. */
export function changes(
  state: CalculatorState,
  baseResolved: Readonly<Record<string, FlagValue>>,
  usual: EstimateLoad | null,
): readonly Change[] {
  const { base, edits, choice, load } = state;
  if (base === null) return [];
  const flags = Object.entries(edits).map(([flag, to]): Change => {
    const written = base.deployment.flags[flag];
    const from =
      written === undefined ? `${String(baseResolved[flag] ?? 'not set')} (default)` : String(written);
    return { id: flag, label: flag, from, to: String(to), edit: { flag, to } };
  });
  const tried: Change[] = [];
  const tryOne = (id: keyof Choice, label: string, from: string, to: string | undefined) => {
    if (to !== undefined) tried.push({ id, label, from, to, edit: null });
  };
  tryOne('model', 'model', base.model.id, choice.model);
  const device = choice.device === undefined ? undefined : findDevice(choice.device)?.label;
  tryOne('device', 'GPU', base.device.label, device);
  const gpuCount = effectiveRequest(state)?.gpuCount;
  tryOne(
    'gpuCount',
    'number of GPUs',
    String(base.gpuCount),
    gpuCount === undefined || gpuCount === base.gpuCount ? undefined : String(gpuCount),
  );
  const engine = findEngine(base.deployment.engine);
  tryOne(
    'engineVersion',
    'engine version',
    base.deployment.engineVersion ?? `${engine?.defaultVersion ?? 'not known'} (assumed)`,
    choice.engineVersion,
  );
  for (const figure of loadFigures) {
    const to = load[figure];
    if (to !== undefined)
      tried.push({
        id: figure,
        label: loadLabels[figure],
        from: usual === null ? 'usual' : String(usual[figure]),
        to: String(to),
        edit: null,
      });
  }
  return [...flags, ...tried];
}
