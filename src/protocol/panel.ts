/**
 * Messages between the extension host and its panels. The host owns the data: a panel says `ready`,
 * gets one snapshot, then deltas while it is visible. A panel may die at any time and heal by `ready`.
 */
import type { DeploymentEstimate, EstimateRequest, UnknownEstimate } from '../core/estimate/types.ts';
import type { RunResults } from '../core/sweep/run.ts';
import type { TelemetryLine } from './agent.ts';

export const panelProtocol = 1;

// ---- calculator ----------------------------------------------------------------------------------

export interface CalculatorSnapshot {
  readonly type: 'snapshot';
  readonly protocol: number;
  /** `serve.yaml:12`; null where the panel stands alone. */
  readonly following: string | null;
  readonly request: EstimateRequest | null;
  readonly estimate: DeploymentEstimate | UnknownEstimate | null;
  readonly locale: string;
}
/** The file changed: the new request replaces the old; edits not applied stay on top of it. */
export type CalculatorDelta = Omit<CalculatorSnapshot, 'type' | 'protocol' | 'locale'> & {
  readonly type: 'delta';
};
export type ToCalculator = CalculatorSnapshot | CalculatorDelta;
export type FromCalculator =
  | { readonly type: 'ready' }
  | {
      readonly type: 'apply';
      readonly changes: readonly { readonly flag: string; readonly to: string | number | boolean }[];
    }
  | { readonly type: 'copy'; readonly text: string };

// ---- telemetry -----------------------------------------------------------------------------------

export type HostConnection = 'connecting' | 'live' | 'stale' | 'failed' | 'stopped';
export interface TelemetryHostState {
  readonly host: string;
  readonly connection: HostConnection;
  /** Why, where it failed or is stale. */
  readonly message: string | null;
  /** Client clock minus host clock, and its uncertainty, milliseconds; null until known. */
  readonly clockOffsetMs: number | null;
  readonly clockErrorMs: number | null;
}
export interface TelemetrySnapshot {
  readonly type: 'snapshot';
  readonly protocol: number;
  readonly hosts: readonly (TelemetryHostState & { readonly lines: readonly TelemetryLine[] })[];
  readonly windowMs: number;
  readonly locale: string;
}
export interface TelemetryDelta {
  readonly type: 'delta';
  readonly host: TelemetryHostState;
  readonly lines: readonly TelemetryLine[];
}
export type ToTelemetry = TelemetrySnapshot | TelemetryDelta;
export type FromTelemetry =
  | { readonly type: 'ready' }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'stop'; readonly host: string };

// ---- sweep ---------------------------------------------------------------------------------------

export interface SweepProgress {
  /** Cell that runs now, and what it does. */
  readonly cell: string | null;
  readonly phase: string | null;
  readonly completed: number;
  readonly total: number;
  readonly elapsedSeconds: number;
  readonly remainingSeconds: number | null;
}
export interface SweepSnapshot {
  readonly type: 'snapshot';
  readonly protocol: number;
  readonly results: RunResults | null;
  readonly progress: SweepProgress | null;
  /** Set where the host cannot be reached: the run itself goes on. */
  readonly connection: string | null;
  readonly locale: string;
}
export type SweepDelta = Omit<SweepSnapshot, 'type' | 'protocol' | 'locale'> & { readonly type: 'delta' };
export type ToSweep = SweepSnapshot | SweepDelta;
export type FromSweep =
  | { readonly type: 'ready' }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'cancel' }
  | { readonly type: 'resume' }
  | { readonly type: 'report' };
