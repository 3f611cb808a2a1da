import type { ExtensionContext, LogOutputChannel } from 'vscode';
import type { Estimates } from './estimates.ts';
import type { HostRegistry } from './hosts/hostRegistry.ts';
import type { LiveTargetChoice } from './hosts/liveTarget.ts';
import type { CalculatorTarget } from './panels/calculatorPanel.ts';
import type { SweepTarget } from './panels/sweepPanel.ts';
import type { RunManager } from './runs/runManager.ts';
import type { TelemetryRecorder } from './telemetry/telemetryRecorder.ts';

/** What lives as long as the window: made by extension.ts, used by commands. */
export interface Services {
  readonly context: ExtensionContext;
  readonly log: LogOutputChannel;
  readonly estimates: Estimates;
  readonly hosts: HostRegistry;
  readonly liveTarget: LiveTargetChoice;
  readonly runs: RunManager;
  readonly calculator: { open(target: CalculatorTarget): void };
  readonly telemetry: { open(hosts: readonly string[]): void };
  readonly recorder: TelemetryRecorder;
  readonly sweep: { open(target: SweepTarget): void };
}
