import type { Calibration } from '../calibration/calibration.ts';
import type { Device } from '../device/device.ts';
import type { ModelFacts } from '../model/facts.ts';
import type { RunMode, TraceEntry } from './run.ts';
import type { KnownStart } from './startTimes.ts';

/** What predictions count with, beside the plan. Null where it is not known: cells then have no prediction. */
export interface PlanContext {
  readonly model: ModelFacts | null;
  readonly device: Device | null;
  readonly mode: RunMode;
  /** As a live host reports it; wins over the catalogue. */
  readonly cudaTotalBytes?: number;
  /** What was measured before: corrects predictions. */
  readonly calibration?: Calibration;
  /** Starts that were measured before: the ETA reckons with them. */
  readonly starts?: readonly KnownStart[];
  /** Trace files of the plan, by the name that it gives them. */
  readonly traces?: ReadonlyMap<string, readonly TraceEntry[]>;
}
