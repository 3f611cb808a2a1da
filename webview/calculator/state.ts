import { findDevice } from '../../src/core/device/catalogue.ts';
import type { FlagValue } from '../../src/core/engine/deployment.ts';
import { hfOverrides } from '../../src/core/engine/vllm/hfOverrides.ts';
import type {
  DeploymentEstimate,
  EstimateLoad,
  EstimateRequest,
  UnknownEstimate,
} from '../../src/core/estimate/types.ts';
import {
  type MeasuredPoint,
  panelProtocol,
  type SiblingDeployment,
  type ToCalculator,
} from '../../src/protocol/panel.ts';
import type { KnownModels } from './models.ts';

/** A flag's value as the panel sets it. */
export type EditValue = string | number | boolean;

/** What is tried besides flags. It stands in no file: it is never applied. */
export interface Choice {
  /** Only where no file says it. */
  readonly engine?: string;
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
  /** Figures of the load that are tried in place of the usual ones. */
  readonly load: Partial<EstimateLoad>;
  /** null until they are loaded: a model that is tried is then not known yet. */
  readonly models: KnownModels | null;
  /** Position of the deployment in its file. */
  readonly index: number | null;
  readonly siblings: readonly SiblingDeployment[];
  readonly followsCursor: boolean;
  /** Whether the file's deployments are drawn on one GPU; null: where the file says that they are. */
  readonly stacked: boolean | null;
  readonly measured: readonly MeasuredPoint[];
  /** The user's own, US dollars an hour. */
  readonly prices: Readonly<Record<string, number>>;
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
  load: {},
  models: null,
  index: null,
  siblings: [],
  followsCursor: false,
  stacked: null,
  measured: [],
  prices: {},
};

/** The file's newest state under the edits. An edit that the file has taken over is one no more. */
export function receive(state: CalculatorState, message: ToCalculator): CalculatorState {
  const { following, request, estimate, index, siblings, followsCursor, measured, prices } = message;
  const isSame = fileOf(state.following) === fileOf(following) && state.index === index;
  const edits = Object.entries(isSame ? state.edits : {}).filter(
    ([flag, value]) => !sameValue(request?.deployment.flags[flag], value),
  );
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
    choice: isSame ? state.choice : {},
    load: isSame ? state.load : {},
    index,
    siblings,
    followsCursor,
    measured,
    prices,
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

export function setLoad(state: CalculatorState, figure: keyof EstimateLoad, value: number): CalculatorState {
  return { ...state, load: { ...state.load, [figure]: value } };
}

/** Takes one change back, by its id. */
export function drop(state: CalculatorState, id: string): CalculatorState {
  if (id in state.load)
    return {
      ...state,
      load: Object.fromEntries(Object.entries(state.load).filter(([name]) => name !== id)),
    };
  if (id in state.choice)
    return {
      ...state,
      choice: Object.fromEntries(Object.entries(state.choice).filter(([name]) => name !== id)),
    };
  return { ...state, edits: Object.fromEntries(Object.entries(state.edits).filter(([flag]) => flag !== id)) };
}

/** What is estimated but for the load: the file, the edits on top, what is tried besides. null until model and GPU are known. */
export function effectiveRequest({ base, edits, choice, models }: CalculatorState): EstimateRequest | null {
  const deployment = base?.deployment ?? {
    engine: choice.engine ?? 'vllm',
    entrypoint: 'serve' as const,
    flags: {},
  };
  const flags = { ...deployment.flags, ...edits };
  const model = choice.model === undefined ? base?.model : models?.facts(choice.model, hfOverrides(flags));
  const device = choice.device === undefined ? base?.device : findDevice(choice.device);
  if (model === undefined || device === undefined) return null;
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
    ...(base?.draft === undefined ? {} : { draft: base.draft }),
    ...(base?.calibration === undefined ? {} : { calibration: base.calibration }),
    // Read from the file's own checkpoint and host: of no other model or GPU.
    ...(base?.weightsBytes === undefined || choice.model !== undefined
      ? {}
      : { weightsBytes: base.weightsBytes }),
    ...(base?.cudaTotalBytes === undefined || choice.device !== undefined
      ? {}
      : { cudaTotalBytes: base.cudaTotalBytes }),
    ...(base?.freeBytes === undefined || choice.device !== undefined ? {} : { freeBytes: base.freeBytes }),
  };
}

/** The request under the load that is tried: figures that are not tried stay as they are without. */
export function withLoad(
  request: EstimateRequest,
  load: Partial<EstimateLoad>,
  usual: () => EstimateLoad,
): EstimateRequest {
  if (Object.keys(load).length === 0) return request;
  const { batch, inputTokens, outputTokens } = usual();
  return { ...request, load: { batch, inputTokens, outputTokens, ...load } };
}

/** The models that ship are here: one that was tried before a reload and is none of them is forgotten. */
export function withModels(state: CalculatorState, models: KnownModels): CalculatorState {
  const { model, ...choice } = state.choice;
  const isUnknown = model !== undefined && models.facts(model) === undefined;
  return { ...state, models, choice: isUnknown ? choice : state.choice };
}

/** Ranks that the flags ask for: to try more of them is to try that many GPUs. */
function gpusNeeded(flags: Readonly<Record<string, FlagValue>>): number {
  const count = (flag: string) => {
    const value = Number(flags[flag] ?? 1);
    return Number.isInteger(value) && value > 0 ? value : 1;
  };
  return count('tensor-parallel-size') * count('pipeline-parallel-size') * count('data-parallel-size');
}

/** What the page keeps of itself: the edits, and of which deployment they are. */
export interface KeptState
  extends Pick<CalculatorState, 'following' | 'index' | 'edits' | 'choice' | 'load' | 'stacked'> {}

export function toKeep({ following, index, edits, choice, load, stacked }: CalculatorState): KeptState {
  return { following, index, edits, choice, load, stacked };
}

/** The host's snapshot drops it where the deployment is another one. */
export function restored(kept: unknown): CalculatorState {
  if (typeof kept !== 'object' || kept === null) return initialState;
  const { following, index, edits, choice, load, stacked } = kept as Readonly<Record<string, unknown>>;
  return {
    ...initialState,
    following: typeof following === 'string' ? following : null,
    index: typeof index === 'number' ? index : null,
    edits: fieldsOf(edits, (value): value is EditValue =>
      ['string', 'number', 'boolean'].includes(typeof value),
    ),
    choice: restoredChoice(choice),
    load: restoredLoad(load),
    stacked: typeof stacked === 'boolean' ? stacked : null,
  };
}

function restoredChoice(kept: unknown): Choice {
  const { engine, model, device, engineVersion } = fieldsOf(kept, (value) => typeof value === 'string');
  const { gpuCount } = fieldsOf(kept, (value) => typeof value === 'number');
  return {
    ...(engine === undefined ? {} : { engine }),
    ...(model === undefined ? {} : { model }),
    ...(device === undefined || findDevice(device) === undefined ? {} : { device }),
    ...(engineVersion === undefined ? {} : { engineVersion }),
    ...(gpuCount === undefined ? {} : { gpuCount }),
  };
}

function restoredLoad(kept: unknown): Partial<EstimateLoad> {
  const isFigure = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
  const { batch, inputTokens, outputTokens } = fieldsOf(kept, isFigure);
  return {
    ...(batch === undefined ? {} : { batch }),
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
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
