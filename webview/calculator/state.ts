import { findDevice } from '../../src/core/device/catalogue.ts';
import type { FlagValue } from '../../src/core/engine/deployment.ts';
import { findEngine } from '../../src/core/engine/engine.ts';
import type { DeploymentEstimate, EstimateRequest, UnknownEstimate } from '../../src/core/estimate/types.ts';
import { knownModel } from '../../src/core/model/known.ts';
import { panelProtocol, type ToCalculator } from '../../src/protocol/panel.ts';

/** A flag's value as the panel sets it. */
export type EditValue = string | number | boolean;

/** What is tried besides flags. It stands in no file: it is never applied. */
export interface Choice {
  /** A known model's name. */
  readonly model?: string;
  /** A device's id. */
  readonly device?: string;
  readonly gpuCount?: number;
  readonly engineVersion?: string;
}

export interface CalculatorState {
  readonly received: boolean;
  readonly incompatible: boolean;
  readonly locale: string;
  readonly following: string | null;
  /** The file's deployment; null where there is none, or its model is not known. */
  readonly base: EstimateRequest | null;
  readonly hostEstimate: DeploymentEstimate | UnknownEstimate | null;
  /** Flags that differ from the file, by canonical name. */
  readonly edits: Readonly<Record<string, EditValue>>;
  readonly choice: Choice;
}

export const initialState: CalculatorState = {
  received: false,
  incompatible: false,
  locale: 'en-US',
  following: null,
  base: null,
  hostEstimate: null,
  edits: {},
  choice: {},
};

/** The file's newest state under the edits. An edit that the file has taken over is one no more. */
export function receive(state: CalculatorState, message: ToCalculator): CalculatorState {
  const { following, request, estimate } = message;
  const sameFile = fileOf(state.following) === fileOf(following);
  const edits = Object.entries(sameFile ? state.edits : {}).filter(
    ([flag, value]) => !sameValue(request?.deployment.flags[flag], value),
  );
  const choice = sameFile ? state.choice : {};
  return {
    ...state,
    ...(message.type === 'snapshot'
      ? { locale: message.locale, incompatible: message.protocol !== panelProtocol }
      : {}),
    received: true,
    following,
    base: request,
    hostEstimate: estimate,
    edits: Object.fromEntries(edits),
    choice,
  };
}

/** Setting what the file says anyway takes the edit back. */
export function setFlag(
  state: CalculatorState,
  flag: string,
  value: EditValue,
  baseResolved: Readonly<Record<string, FlagValue>>,
): CalculatorState {
  const { [flag]: _, ...others } = state.edits;
  const written = state.base?.deployment.flags[flag] ?? baseResolved[flag];
  return { ...state, edits: sameValue(written, value) ? others : { ...others, [flag]: value } };
}

export function choose(state: CalculatorState, choice: Choice): CalculatorState {
  const { base } = state;
  const merged = { ...state.choice, ...choice };
  const kept = Object.entries(merged).filter(([name, value]) => {
    if (value === undefined) return false;
    if (base === null) return true;
    const own: Readonly<Record<string, unknown>> = {
      model: base.model.id,
      device: base.device.id,
      gpuCount: base.gpuCount,
      engineVersion: base.deployment.engineVersion,
    };
    return own[name] !== value;
  });
  return { ...state, choice: Object.fromEntries(kept) };
}

/** Takes one change back, by its id. */
export function drop(state: CalculatorState, id: string): CalculatorState {
  if (id in state.choice)
    return {
      ...state,
      choice: Object.fromEntries(Object.entries(state.choice).filter(([name]) => name !== id)),
    };
  return { ...state, edits: Object.fromEntries(Object.entries(state.edits).filter(([flag]) => flag !== id)) };
}

/** What is estimated: the file, the edits on top, what is tried besides. null until model and GPU are known. */
export function effectiveRequest({ base, edits, choice }: CalculatorState): EstimateRequest | null {
  const model = choice.model === undefined ? base?.model : knownModel(choice.model);
  const device = choice.device === undefined ? base?.device : findDevice(choice.device);
  if (model === undefined || device === undefined) return null;
  const deployment = base?.deployment ?? { engine: 'vllm', entrypoint: 'serve' as const, flags: {} };
  const flags = { ...deployment.flags, ...edits };
  const engineVersion = choice.engineVersion ?? deployment.engineVersion;
  return {
    source: base?.source ?? 'calculator',
    deployment: {
      ...deployment,
      ...(engineVersion === undefined ? {} : { engineVersion }),
      ...(choice.model === undefined ? {} : { model: choice.model }),
      flags,
    },
    model,
    device,
    gpuCount: Math.max(choice.gpuCount ?? base?.gpuCount ?? 1, gpusNeeded(flags)),
    ...(base?.load === undefined ? {} : { load: base.load }),
    // Read from the file's own checkpoint and host: of no other model or GPU.
    ...(base?.weightsBytes === undefined || choice.model !== undefined
      ? {}
      : { weightsBytes: base.weightsBytes }),
    ...(base?.cudaTotalBytes === undefined || choice.device !== undefined
      ? {}
      : { cudaTotalBytes: base.cudaTotalBytes }),
  };
}

/** Ranks that the flags ask for: to try more of them is to try that many GPUs. */
function gpusNeeded(flags: Readonly<Record<string, FlagValue>>): number {
  const count = (flag: string) => {
    const value = Number(flags[flag] ?? 1);
    return Number.isInteger(value) && value > 0 ? value : 1;
  };
  return count('tensor-parallel-size') * count('pipeline-parallel-size') * count('data-parallel-size');
}

export interface Change {
  /** The flag, or the name of the choice. */
  readonly id: string;
  readonly label: string;
  readonly from: string;
  readonly to: string;
  /** What `apply` would write; null where it stands in no file. */
  readonly edit: { readonly flag: string; readonly to: EditValue } | null;
}

/** What differs from the file, flags first. Nothing where there is no file. */
export function changes(
  state: CalculatorState,
  baseResolved: Readonly<Record<string, FlagValue>>,
): readonly Change[] {
  const { base, edits, choice } = state;
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
  return [...flags, ...tried];
}

/** What the page keeps of itself: the edits, and of which file they are. */
export interface KeptState {
  readonly following: string | null;
  readonly edits: Readonly<Record<string, EditValue>>;
  readonly choice: Choice;
}

export function toKeep({ following, edits, choice }: CalculatorState): KeptState {
  return { following, edits, choice };
}

/** The host's snapshot drops it where the file is another one. */
export function restored(kept: unknown): CalculatorState {
  if (typeof kept !== 'object' || kept === null) return initialState;
  const { following, edits, choice } = kept as { following?: unknown; edits?: unknown; choice?: unknown };
  return {
    ...initialState,
    following: typeof following === 'string' ? following : null,
    edits: fieldsOf(edits, (value): value is EditValue =>
      ['string', 'number', 'boolean'].includes(typeof value),
    ),
    choice: restoredChoice(choice),
  };
}

function restoredChoice(kept: unknown): Choice {
  const { model, device, engineVersion } = fieldsOf(kept, (value) => typeof value === 'string');
  const { gpuCount } = fieldsOf(kept, (value) => typeof value === 'number');
  return {
    ...(model === undefined || knownModel(model) === undefined ? {} : { model }),
    ...(device === undefined || findDevice(device) === undefined ? {} : { device }),
    ...(engineVersion === undefined ? {} : { engineVersion }),
    ...(gpuCount === undefined ? {} : { gpuCount }),
  };
}

function fieldsOf<T>(from: unknown, is: (value: unknown) => value is T): Record<string, T> {
  if (typeof from !== 'object' || from === null) return {};
  const entries = Object.entries(from).filter((entry): entry is [string, T] => is(entry[1]));
  return Object.fromEntries(entries);
}

/** `serve.yaml` of `serve.yaml:12`: lines move while one types. */
function fileOf(following: string | null): string | null {
  return following?.replace(/:\d+$/, '') ?? null;
}

/** YAML may say 8192 and a command line "8192". */
function sameValue(written: FlagValue | undefined, value: EditValue): boolean {
  return written !== undefined && String(written) === String(value);
}
