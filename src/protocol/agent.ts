/**
 * Everything that crosses between Loadline and its agent on a GPU host: JSON on stdin, JSON lines on stdout,
 * and the records of the run folder. A need that comes later adds a field; none is renamed.
 *
 * Verbs (argv[1]), request on stdin as one JSON document, answers on stdout as JSON lines:
 *   hello                         -> HelloRecord
 *   probe                         -> ProbeRecord
 *   sample  < SampleRequest       -> TelemetryHeader, then TelemetryRecord ... and TelemetryEvent ...; ends when stdin
 *             < SampleControl ...      closes; takes a line of control each after the request
 *   uninstall < {runs}            -> RemovedRecord | ErrorRecord
 *   run     < RunRequest          -> RunAccepted (the run is detached by then) | ErrorRecord
 *   resume  < ResumeRequest       -> RunAccepted | ErrorRecord
 *   cancel  < {run}               -> CancelRecord when nothing of it is left | ErrorRecord
 *   runs                          -> RunStatus ... one a run on this host
 *   follow  < FollowRequest       -> FollowRewind | FollowChunk | FollowHeartbeat ..., FollowEnd
 *   load    < LoadRequestDocument -> LoadProgress*, LoadMeasured | ErrorRecord
 * Exit status: 0 done, 1 the verb failed (ErrorRecord says why), 2 bad request.
 */

import type { TrialMeasurement } from '../core/sweep/measurement.ts';
import type { LoadProfile, Search } from '../core/sweep/run.ts';
import type { SimulatedEngine } from '../core/sweep/simulatedEngine.ts';
import type {
  CachedModel,
  ContainerImage,
  CudaView,
  DiskSpace,
  GpuConnection,
  GpuLinks,
  MigInstance,
  ProbedProcesses,
  ProbedTool,
  ProbeProblem,
  SlurmFacts,
} from './agentProbe.ts';
import type { SampleMode, SamplingMethod, TelemetryEvent } from './agentTelemetry.ts';

/** Raised when a record changes its meaning; both sides refuse another one. */
export const agentProtocol = 2;

export interface HelloRecord {
  readonly type: 'hello';
  readonly protocol: number;
  readonly agentVersion: string;
  readonly python: string;
  readonly hostname: string;
  readonly pid: number;
}

/** Any verb may answer this and stop. */
export interface ErrorRecord {
  readonly type: 'error';
  /** `bad-request`, `gpu-locked`, `gpu-busy`, `disk-full`, `no-such-run`, `run-active`, `protocol` … */
  readonly code: string;
  readonly message: string;
}

export interface ProbedGpu {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly memoryTotalBytes: number;
  readonly memoryUsedBytes: number | null;
  readonly powerLimitWatts: number | null;
  /** What the driver keeps for itself; not part of `memoryUsedBytes`. */
  readonly memoryReservedBytes?: number | null;
  readonly computeCapability?: string | null;
  readonly smClockMaxMHz?: number | null;
  /** Where the GPU slows itself down. */
  readonly slowdownCelsius?: number | null;
  readonly links?: GpuLinks;
  /** Of an instance of a GPU in MIG mode; `index` is then that of the whole GPU, which is listed before it. */
  readonly mig?: MigInstance;
}

export interface ProbeRecord {
  readonly type: 'probe';
  readonly hostname: string;
  readonly python: string;
  readonly os: string;
  readonly cpuCount: number;
  readonly memoryTotalBytes: number | null;
  readonly freeDiskBytes: number | null;
  /** How the GPUs were read: `nvml`, `recorded:<name>`, `none`. */
  readonly gpuSource: string;
  readonly driver: string | null;
  readonly cuda: string | null;
  readonly gpus: readonly ProbedGpu[];
  readonly engines: readonly {
    readonly name: string;
    readonly version: string | null;
    readonly path: string;
    /** `path`, `venv`, `conda`, `python`. */
    readonly foundIn?: string;
  }[];
  /** How the GPUs were read, and why not in a better way. */
  readonly gpuDetail?: string;
  readonly cudaView?: CudaView;
  readonly topology?: readonly GpuConnection[];
  readonly processes?: readonly ProbedProcesses[];
  readonly benchmarkTools?: readonly ProbedTool[];
  readonly containerImages?: readonly ContainerImage[];
  /** null: no Slurm here. */
  readonly slurm?: SlurmFacts | null;
  readonly models?: readonly CachedModel[];
  readonly disks?: readonly DiskSpace[];
  /** Parts that could not be found out, and why. */
  readonly problems?: readonly ProbeProblem[];
}

/** `{kind: 'recorded'}` replays a recording made on a real device; every record of it carries the name. */
export type DeviceSource =
  | { readonly kind: 'nvml' }
  | { readonly kind: 'nvidia-smi' }
  | { readonly kind: 'amd-sysfs' }
  | { readonly kind: 'recorded'; readonly name: string }
  /** NVML where it is there, else nvidia-smi, else the files of AMD's driver, else none. */
  | { readonly kind: 'auto' };

export interface SampleRequest {
  readonly intervalMs: number;
  readonly device: DeviceSource;
  /** Ends by itself after this; left out: until stdin closes. */
  readonly durationMs?: number;
  /** `live` where it is left out. */
  readonly mode?: SampleMode;
  /** Every power sample of the driver, as TelemetryPower (~2 KB/s for 8 GPUs). */
  readonly powerSamples?: boolean;
}

/** First line of a telemetry stream or file. `gpuColumns[i]` names `gpus[g][i]` of each record. */
export interface TelemetryHeader {
  readonly type: 'telemetry-header';
  readonly schema: 1;
  readonly source: string;
  /** True where the device is a recording. */
  readonly recorded: boolean;
  readonly hostname: string;
  readonly intervalMs: number;
  readonly startedWallMs: number;
  readonly startedMonotonicMs: number;
  readonly gpus: readonly ProbedGpu[];
  readonly gpuColumns: readonly TelemetryColumn[];
  readonly hostColumns: readonly HostColumn[];
  /** Left out by agents before it was known. */
  readonly method?: SamplingMethod;
}

export type TelemetryColumn =
  | 'memoryUsedBytes'
  | 'utilizationPercent'
  | 'smActivePercent'
  | 'tensorActivePercent'
  | 'dramActivePercent'
  | 'powerWatts'
  | 'smClockMHz'
  | 'memoryClockMHz'
  | 'temperatureCelsius'
  | 'pcieTxBytesPerSecond'
  | 'pcieRxBytesPerSecond'
  | 'nvlinkTxBytesPerSecond'
  | 'nvlinkRxBytesPerSecond'
  | 'throttleReasons';

export type HostColumn =
  | 'cpuPercent'
  | 'memoryUsedBytes'
  | 'networkTxBytesPerSecond'
  | 'networkRxBytesPerSecond';

/** null: not known at this tick. */
export interface TelemetryRecord {
  readonly type: 'telemetry';
  readonly seq: number;
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly gpus: readonly (readonly (number | null)[])[];
  readonly host: readonly (number | null)[];
  /** How long after its deadline the tick began. */
  readonly lateMs?: number;
}

/** Ticks that were missed, and why. Drawn as a gap, never interpolated. */
export interface TelemetryGap {
  readonly type: 'telemetry-gap';
  readonly fromMonotonicMs: number;
  readonly toMonotonicMs: number;
  readonly missedTicks: number;
  readonly cause: string;
}

export type TelemetryLine = TelemetryHeader | TelemetryRecord | TelemetryGap | TelemetryEvent;

/** How to start the engine of a cell. The agent adds host, port and the API key itself (environment, never argv). */
export type EngineLaunch =
  | {
      readonly kind: 'command';
      readonly name: string;
      /** Without host and port: `['vllm', 'serve', 'model', '--max-model-len', '8192']`. */
      readonly argv: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly modelName: string;
      readonly readyTimeoutSeconds: number;
      /** `argv` then follows the arguments of the image. */
      readonly container?: {
        readonly runtime: 'docker' | 'podman';
        readonly image: string;
        /** Of the runtime itself, before the image: `--shm-size 16g`. */
        readonly arguments: readonly string[];
      };
      /** Of a plain command: answers 200 once the server is ready. */
      readonly healthPath?: string;
    }
  | {
      /** A server that runs already: it is measured, not started or stopped. */
      readonly kind: 'endpoint';
      readonly name: string;
      readonly url: string;
      /** Path on the host, of a file that holds the key; the key itself never crosses. */
      readonly apiKeyFile: string | null;
      readonly modelName: string;
      readonly readyTimeoutSeconds: number;
    }
  | {
      readonly kind: 'simulated';
      readonly name: string;
      readonly parameters: SimulatedEngine;
      readonly readyTimeoutSeconds: number;
    };

export interface CellRequest {
  readonly id: string;
  readonly label: string;
  readonly engineKey: string;
  readonly engine: EngineLaunch;
  readonly load: LoadProfile;
  readonly trials: number;
  readonly expectedSeconds: number;
  /** The cell is ended and said when it takes longer. */
  readonly deadlineSeconds: number;
  /** Indices for its engine; left out: those of the run. */
  readonly gpus?: readonly number[];
  /** Engines side by side on these GPUs, started one after another; traffic is split evenly. Left out: 1. */
  readonly copies?: number;
  readonly sharing?: 'time-slicing' | 'mps';
  readonly mps?: { readonly memoryLimitBytes?: number; readonly threadPercentage?: number };
}

/** Of a cluster that hands out the GPUs; the agent then runs inside its jobs. */
export interface SchedulerRequest {
  readonly type: 'slurm';
  readonly partition?: string;
  readonly gres?: string;
  readonly time?: string;
  readonly account?: string;
  /** Cores of a task; left out: what the partition gives. */
  readonly cpus?: number;
  /** Of a task, as Slurm writes it: `64G`. */
  readonly memory?: string;
  /** Array tasks that run at once, at most. */
  readonly arrayLimit?: number;
}

export interface RunRequest {
  readonly protocol: number;
  /** `<UTC time>-<plan name>`: also the name of the run folder on both sides. */
  readonly run: string;
  readonly name: string;
  readonly simulated: boolean;
  /** Text of the plan, frozen; written to plan.yaml. */
  readonly plan: string;
  /** Client's part of environment.json (git commit, versions, command lines). The agent adds the host's. */
  readonly environment: Readonly<Record<string, unknown>>;
  readonly gpus: readonly number[];
  readonly telemetry: {
    readonly intervalMs: number;
    readonly device: DeviceSource;
    /** `live` where it is left out. */
    readonly mode?: SampleMode;
    readonly powerSamples?: boolean;
  } | null;
  /** With no follower for this long the run ends its engine and itself. A follower renews it. */
  readonly leaseSeconds: number;
  readonly cells: readonly CellRequest[];
  /** Their cells are run as the search decides; cells of none are all run. */
  readonly searches?: readonly Search[];
  readonly scheduler?: SchedulerRequest;
  /** Left out: processes of others on the GPUs refuse the run (`gpu-busy`). */
  readonly allowForeignProcesses?: boolean;
  /** The run ends when so many cells have failed. */
  readonly mostFailures?: number;
}

export interface RunAccepted {
  readonly type: 'run-accepted';
  readonly run: string;
  readonly directory: string;
  readonly pid: number;
}

export interface CancelRecord {
  readonly type: 'cancelled';
  readonly run: string;
}

export type HostRunState = 'running' | 'finished' | 'interrupted';

export interface RunStatus {
  readonly type: 'run-status';
  readonly run: string;
  readonly name: string;
  readonly state: HostRunState;
  readonly simulated: boolean;
  readonly cellsDone: number;
  readonly cellsTotal: number;
  readonly directory: string;
  /** Why the folder of the run cannot be read, where that is so: only `run`, `state` and `directory` then say something. */
  readonly problem?: string;
}

/** Goes on with the first cell that has no result. */
export interface ResumeRequest {
  readonly run: string;
  /**
   * Go on though driver, GPUs, engine version or the request are not those that the run began with; its journal then says so.
   * Otherwise that is an error `stale`.
   */
  readonly acceptChanges?: boolean;
}

/** Offsets are bytes already held, by file name within the run folder; files not named start at 0. */
export interface FollowRequest {
  readonly run: string;
  readonly offsets: Readonly<Record<string, number>>;
  /** CRC-32 of the last 4096 bytes before the offset (all, where there are fewer), by file name. */
  readonly checks?: Readonly<Record<string, number>>;
}

/** What the client holds of this file is not what stands there: it is sent from its start again. */
export interface FollowRewind {
  readonly type: 'rewind';
  readonly file: string;
}

/** `data`: base64 of the zlib-compressed bytes that stand at `offset`. */
export interface FollowChunk {
  readonly type: 'chunk';
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly data: string;
}

export interface FollowHeartbeat {
  readonly type: 'heartbeat';
  readonly state: HostRunState;
  readonly wallMs: number;
}

/** All of the run that there will be has been sent. */
export interface FollowEnd {
  readonly type: 'follow-end';
  readonly state: HostRunState;
}

/** `loadline load`: the load generator alone against an endpoint. The API key comes in `LOADLINE_API_KEY`. */
export interface LoadRequestDocument {
  readonly url: string;
  readonly modelName: string | null;
  readonly load: LoadProfile;
}

export interface LoadProgress {
  readonly type: 'load-progress';
  readonly phase: 'warm-up' | 'load';
  readonly completed: number;
  readonly total: number;
}

/** A line on stdin while `load` runs. Its end ends the load too; what was measured until then is the result. */
export interface LoadControl {
  readonly stop: true;
}

export interface LoadMeasured {
  readonly type: 'load-measured';
  /** As asked for, or the only one that is served. */
  readonly modelName: string;
  readonly measurement: TrialMeasurement;
  /** It was told to stop before its end. */
  readonly interrupted?: true;
}
