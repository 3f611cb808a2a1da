/** Telemetry beside the rows of the ticks: how a stream was made, and what comes less often than a tick. */

/**
 * `live`: for looking. `study`: utilisation, memory and PCIe by nvmlDeviceGetPcieThroughput at each tick, as the study of
 * LLaMA-30B sampled them (1/6 s; its sleep of `period - elapsed` is an absolute deadline here). `quiet`: what disturbs an
 * engine least, for measured cells: activity and memory at 5 Hz at most, power each second, energy at boundaries.
 */
export type SampleMode = 'live' | 'study' | 'quiet';

/** Where readings come from, best first; `none`: the host alone. */
export type TelemetryRung = 'nvml' | 'nvidia-smi' | 'amd-sysfs' | 'recorded' | 'none';

/** How a stream was made. Said in its header. */
export interface SamplingMethod {
  readonly mode: SampleMode;
  readonly rung: TelemetryRung;
  /** In words: the library and what stands for it; why no better rung was taken. */
  readonly detail: string;
  readonly readings: readonly SampledReading[];
}

export interface SampledReading {
  readonly name: string;
  readonly columns: readonly string[];
  /** 0: at every tick. */
  readonly periodMs: number;
  /** Function and window of the reading, in words. */
  readonly source: string;
}

/**
 * Lines that a client writes to the stdin of `sample` after its request. `ping` is answered at once by a TelemetryPong;
 * `mark` starts or ends something (a measured cell): the energy counters are read and the text is kept.
 */
export type SampleControl = { readonly ping: number } | { readonly mark: string };

/** Answer to a ping: the host's clocks when it came and when the answer left. See agentClock.ts. */
export interface TelemetryPong {
  readonly type: 'telemetry-pong';
  readonly ping: number;
  readonly receivedMonotonicMs: number;
  readonly sentMonotonicMs: number;
  readonly sentWallMs: number;
}

export interface TelemetryMark {
  readonly type: 'telemetry-mark';
  readonly monotonicMs: number;
  readonly text: string;
}

/** Something that whoever looks should know, said once: a reading that is not to be had, a driver that does not answer, a clock set. */
export interface TelemetryNotice {
  readonly type: 'telemetry-notice';
  readonly monotonicMs: number;
  /** Positions in the header's `gpus`; empty: all of the stream. */
  readonly gpus: readonly number[];
  /** `reading-off` (for good), `reading-failed`, `reading-back`, `silent-device`, `device-back`, `clock-set`. */
  readonly code: string;
  readonly message: string;
}

/** `gpu`: position in the header's `gpus`. */
export interface TelemetryEnergy {
  readonly type: 'telemetry-energy';
  readonly monotonicMs: number;
  readonly gpu: number;
  /** The driver's counter, since it was loaded. */
  readonly counterJoules: number;
  /** Power integrated by the agent since the stream began; null where it has no power samples. */
  readonly integratedJoules: number | null;
}

/** Power as the driver sampled it (each ~20 ms on an H200), where the request asked for it. */
export interface TelemetryPower {
  readonly type: 'telemetry-power';
  /** Of the first sample. */
  readonly monotonicMs: number;
  readonly gpu: number;
  readonly periodMs: number;
  readonly watts: readonly number[];
}

/** Processes on a GPU, when they changed. */
export interface TelemetryProcesses {
  readonly type: 'telemetry-processes';
  readonly monotonicMs: number;
  readonly gpu: number;
  readonly processes: readonly GpuProcess[];
}

/** Named without its arguments: they may hold secrets. */
export interface GpuProcess {
  /** As the host counts, also in a container. */
  readonly pid: number;
  readonly user: string | null;
  readonly name: string | null;
  readonly memoryBytes: number | null;
  /** Of the user whom the agent runs as; null: not known, as in a container, where the driver counts as its host does. */
  readonly own: boolean | null;
  /** Name of the run of Loadline whose engine it is. */
  readonly run?: string;
}

/** Errors of the memory that could not be corrected, since the driver was loaded; when it changed. */
export interface TelemetryEcc {
  readonly type: 'telemetry-ecc';
  readonly monotonicMs: number;
  readonly gpu: number;
  readonly uncorrectedErrors: number;
}

export type TelemetryEvent =
  | TelemetryPong
  | TelemetryMark
  | TelemetryNotice
  | TelemetryEnergy
  | TelemetryPower
  | TelemetryProcesses
  | TelemetryEcc;
