import type { TrialMeasurement } from './measurement.ts';
import type { CellFailure, EngineInstance, EnginePhase, EngineSupport, Remedy } from './run.ts';

/** Records that results take as they cross from the host. */
export type ResultRecord =
  | {
      readonly type: 'engine-ready';
      readonly engineKey: string;
      readonly startupSeconds: number;
      readonly version: string | null;
      readonly instances?: readonly EngineInstance[];
      readonly support?: EngineSupport;
    }
  | { readonly type: 'cell-started'; readonly cell: string; readonly trial: number }
  | {
      readonly type: 'cell-progress';
      readonly cell: string;
      readonly trial: number;
      readonly phase: 'warm-up' | 'load';
      readonly completed: number;
      readonly total: number;
    }
  | {
      readonly type: 'trial-measured';
      readonly cell: string;
      readonly trial: number;
      readonly simulated: boolean;
      readonly measurement: TrialMeasurement;
    }
  | { readonly type: 'cell-done'; readonly cell: string }
  | ({
      readonly type: 'cell-failed';
      readonly cell: string;
      readonly enginePhase?: EnginePhase;
      readonly remedies?: readonly Remedy[];
      readonly instance?: number;
    } & CellFailure)
  | {
      readonly type: 'search-step';
      readonly search: string;
      readonly cell: string;
      readonly outcome: 'good' | 'bad' | 'unclear';
      readonly why: string;
    }
  | {
      readonly type: 'cell-passed-over';
      readonly cell: string;
      readonly search: string;
      readonly why: string;
    }
  | {
      readonly type: 'search-finished';
      readonly search: string;
      readonly found: string | null;
      readonly good: readonly string[];
      readonly bad: readonly string[];
      /** False where good and bad candidates do not part at one place. */
      readonly smooth: boolean;
      readonly why: string;
    }
  | {
      readonly type: 'memory-settled';
      readonly engineKey: string;
      readonly seconds: number;
      /** A GPU of the run each. */
      readonly usedBytes: readonly number[];
    }
  | { readonly type: 'host-rebooted'; readonly previousBootId: string }
  | {
      readonly type: 'job-submitted';
      readonly jobId: string;
      readonly tasks: number;
      readonly command: readonly string[];
    }
  | {
      readonly type: 'job-state';
      readonly jobId: string;
      readonly task: number | null;
      readonly state: string;
      readonly reason: string | null;
    }
  | { readonly type: 'warning'; readonly message: string }
  | {
      readonly type: 'run-finished';
      readonly outcome: 'completed' | 'cancelled' | 'failed';
      readonly message: string | null;
    };
