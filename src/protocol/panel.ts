/**
 * Messages between the extension host and its panels. The host owns the data: a panel says `ready`,
 * gets one snapshot, then deltas while it is visible. A panel may die at any time and heal by `ready`.
 */
import type { DeploymentEstimate, EstimateRequest, UnknownEstimate } from '../core/estimate/types.ts';
import type { RunPhase } from '../core/sweep/phases.ts';
import type { RunProgress } from '../core/sweep/progress.ts';
import type { CellResult, RunResults } from '../core/sweep/run.ts';
import type { TelemetryLine } from './agent.ts';
import type { EngineMetricsRecord } from './engineMetrics.ts';
import type { TelemetrySlice } from './telemetryHistory.ts';

export const panelProtocol = 5;

/** What any panel may ask for. `save`: a file, named by the page, kept where the user says. */
export type FromAnyPanel =
  | { readonly type: 'ready' }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'save'; readonly name: string; readonly base64: string };

// ---- calculator ----------------------------------------------------------------------------------

/** Another deployment of the file that is followed. */
export interface SiblingDeployment {
  /** Its position in the file, for `pick`. */
  readonly index: number;
  /** `serve.yaml:30`. */
  readonly source: string;
  /** null where its model is not known. */
  readonly request: EstimateRequest | null;
}

/** One trial of a measured run of this model on this GPU; never a simulated one. */
export interface MeasuredPoint {
  readonly run: string;
  /** The cell: `concurrency 8`. */
  readonly label: string;
  /** Requests in flight. */
  readonly batch: number;
  /** Output, of the whole engine. */
  readonly tokensPerSecond: number;
  /** Mean; null where it was not measured. */
  readonly tpotMs: number | null;
}

export interface CalculatorContent {
  /** `serve.yaml:12`; null where the panel stands alone. */
  readonly following: string | null;
  readonly request: EstimateRequest | null;
  readonly estimate: DeploymentEstimate | UnknownEstimate | null;
  /** Position of the deployment in its file; null where the panel stands alone. */
  readonly index: number | null;
  readonly siblings: readonly SiblingDeployment[];
  /** Whether the panel goes to the deployment that the cursor is in. */
  readonly followsCursor: boolean;
  readonly measured: readonly MeasuredPoint[];
  /** The user's own prices, US dollars an hour, by device id or instance id. */
  readonly prices: Readonly<Record<string, number>>;
}
export interface CalculatorSnapshot extends CalculatorContent {
  readonly type: 'snapshot';
  readonly protocol: number;
  readonly locale: string;
}
/** The file changed: the new request replaces the old; edits not applied stay on top of it. */
export interface CalculatorDelta extends CalculatorContent {
  readonly type: 'delta';
}
export type ToCalculator = CalculatorSnapshot | CalculatorDelta;
export type FromCalculator =
  | FromAnyPanel
  | {
      readonly type: 'apply';
      readonly changes: readonly { readonly flag: string; readonly to: string | number | boolean }[];
    }
  /** Shows another deployment of the same file. */
  | { readonly type: 'pick'; readonly index: number }
  | { readonly type: 'follow-cursor'; readonly on: boolean }
  /** Keeps a price in the settings; null goes back to the list price. */
  | { readonly type: 'price'; readonly name: string; readonly dollarsPerHour: number | null };

// ---- telemetry -----------------------------------------------------------------------------------

/** `stale`: lost, and tried again. `recording`: what was sampled once, from a file. */
export type HostConnection = 'connecting' | 'live' | 'stale' | 'failed' | 'stopped' | 'recording';
export interface TelemetryHostState {
  readonly host: string;
  readonly connection: HostConnection;
  /** Why, where it failed or is stale. */
  readonly message: string | null;
  /** Client clock minus host clock, and its uncertainty, milliseconds; null until known. */
  readonly clockOffsetMs: number | null;
  readonly clockErrorMs: number | null;
  /** The file that its samples are written to; null: none. */
  readonly recordingFile: string | null;
}
export interface TelemetryHostLines extends TelemetryHostState {
  readonly lines: readonly TelemetryLine[];
  /** All before `lines`, in buckets: for a page that was not there. */
  readonly past?: TelemetrySlice;
  /** Of runs on the host; left out: as they were said last. */
  readonly phases?: readonly RunPhase[];
}
export interface TelemetrySnapshot {
  readonly type: 'snapshot';
  readonly protocol: number;
  readonly hosts: readonly TelemetryHostLines[];
  /** What is shown at first: of a recording, all of it. */
  readonly windowMs: number;
  /** null: the hosts are sampled now. `notes`: what of the file could not be used. */
  readonly recording: { readonly name: string; readonly notes: readonly string[] } | null;
  readonly locale: string;
}
/** Hosts with news. */
export interface TelemetryDelta {
  readonly type: 'delta';
  readonly hosts: readonly TelemetryHostLines[];
}
/** The answer to `detail`. */
export interface TelemetryDetail {
  readonly type: 'detail';
  readonly host: string;
  readonly slice: TelemetrySlice;
}
export type ToTelemetry = TelemetrySnapshot | TelemetryDelta | TelemetryDetail;
export type FromTelemetry =
  | FromAnyPanel
  | { readonly type: 'stop' | 'start' | 'record'; readonly host: string }
  /** A part of the past, finer than the snapshot had it. Host's time. */
  | {
      readonly type: 'detail';
      readonly host: string;
      readonly fromMs: number;
      readonly toMs: number;
      readonly buckets: number;
    }
  /** All samples as CSV. */
  | { readonly type: 'export' };

// ---- sweep ---------------------------------------------------------------------------------------

/** Another run that the one shown can be held against. */
export interface OtherRun {
  readonly run: string;
  readonly name: string;
  readonly host: string;
  readonly simulated: boolean;
  /** Cells that are the same in both. */
  readonly sharedCells: number;
}

/** What is known of a run but its cells. */
export type SweepHead = Omit<RunResults, 'cells'>;

interface SweepContent {
  readonly progress: RunProgress | null;
  /** Set where the host cannot be reached: the run itself goes on. */
  readonly connection: string | null;
  /** The newest first. */
  readonly others: readonly OtherRun[];
}
/** Results with all their cells. */
interface SentResults {
  /** Without cells where there are very many: they are then `packedCells` (packed.ts). */
  readonly results: RunResults | null;
  readonly packedCells?: string;
}
export interface SweepSnapshot extends SweepContent, SentResults {
  readonly type: 'snapshot';
  readonly protocol: number;
  readonly locale: string;
}
/** Of the same run: `cells` are those that changed, or were asked for whole. */
export interface SweepDelta extends SweepContent {
  readonly type: 'delta';
  readonly results: SweepHead | null;
  readonly cells: readonly CellResult[];
}
/** The answer to `compare`; null where it has no results. */
export interface ComparedRun extends SentResults {
  readonly type: 'compared-run';
  readonly run: string;
}
/** The answer to `telemetry`: what was sampled while the cell ran, or in all of the run (`cell` is null). */
export interface RunTelemetry {
  readonly type: 'run-telemetry';
  readonly cell: string | null;
  /** null where nothing was sampled. */
  readonly host: TelemetryHostLines | null;
  readonly engine: readonly EngineMetricsRecord[];
  /** What of it could not be used, or was left out. */
  readonly notes: readonly string[];
}
/** The cursor stands in the run's plan on a value of these cells; none: it stands elsewhere. */
export interface PlanCursor {
  readonly type: 'plan-cursor';
  readonly cells: readonly string[];
}
/** Shows a cell: it was chosen in the view of runs. */
export interface PickCell {
  readonly type: 'pick';
  readonly cell: string;
}
export type ToSweep = SweepSnapshot | SweepDelta | ComparedRun | RunTelemetry | PlanCursor | PickCell;
export type FromSweep =
  | FromAnyPanel
  | { readonly type: 'cancel' | 'resume' | 'report' }
  /** The cell is looked at: of a run with very many, what its table does not show is still to come. */
  | { readonly type: 'cell'; readonly cell: string }
  /** Shows the cell's line in the plan, or the log of its engine. */
  | { readonly type: 'plan-line' | 'engine-log'; readonly cell: string }
  /** Asks for another run's results. */
  | { readonly type: 'compare'; readonly run: string }
  | { readonly type: 'telemetry'; readonly cell: string | null }
  /** Writes what the failure suggests into the plan: by index of the cell's remedies. */
  | { readonly type: 'remedy'; readonly cell: string; readonly remedy: number };
