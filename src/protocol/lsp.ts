/** LSP extensions between src/server and src/extension. */
import type {
  DeploymentEstimate,
  EstimateRequest,
  UnknownEstimate,
  VerdictOutcome,
} from '../core/estimate/types.ts';

/** Line and character from 0, UTF-16, as LSP counts. */
export interface PlainRange {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

export interface DocumentEstimate {
  /** Position of the deployment in the document, by which the calculator follows it. */
  readonly index: number;
  readonly range: PlainRange;
  /** Where each flag's value stands, for edits. Missing flags are inserted by `loadline.applyFix`. */
  readonly flagRanges: Readonly<Record<string, PlainRange>>;
  /** null where the model is not known: the calculator then says so. */
  readonly request: EstimateRequest | null;
  readonly estimate: DeploymentEstimate | UnknownEstimate;
  readonly target: DocumentTarget;
}

/** What a deployment is estimated on, and who says so. */
export interface DocumentTarget {
  /** As named; null where nothing names one. */
  readonly gpu: string | null;
  /** As people say it; null where the name is not known. */
  readonly label: string | null;
  readonly gpuCount: number;
  /** `comment`: `# loadline:`; `document`: limits and labels; `fallback`: the settings. */
  readonly from: 'comment' | 'document' | 'fallback';
  /** The host whose probe gives memory and engine version in place of the catalogue's; null: none. */
  readonly live: { readonly host: string; readonly probedAtMs: number } | null;
}

/** GPUs of one kind on a host that was probed. */
export interface LiveTarget {
  readonly host: string;
  /** As the driver names them. */
  readonly gpu: string;
  /** As CUDA would number them, never none. */
  readonly gpus: readonly LiveGpu[];
  /** Found there: one of a name, the one in PATH before others. */
  readonly engines: readonly { readonly name: string; readonly version: string }[];
  /** Wall clock of this machine, since 1970. */
  readonly probedAtMs: number;
}

export interface LiveGpu {
  readonly ordinal: number;
  readonly uuid: string;
  /** What cudaMemGetInfo gives, bytes. null: not known, so the catalogue's stays. */
  readonly cudaTotalBytes: number | null;
  readonly freeBytes: number | null;
}

/**
 * Notification to the server: the host that deployments are estimated for where no comment and no document names another GPU.
 * Never sent in an untrusted workspace; sent anew when the server starts. null: no longer.
 */
export const liveTargetChanged = 'loadline/liveTargetChanged';
export interface LiveTargetParams {
  readonly target: LiveTarget | null;
}

/** Request: all deployments of a document. Params `{uri}`; result below. */
export const estimatesRequest = 'loadline/estimates';
export interface EstimatesResult {
  readonly uri: string;
  readonly version: number;
  readonly deployments: readonly DocumentEstimate[];
}

/** Request: where the deployments of a document are and what for, without their figures: asked at every key press. Params `{uri}`. */
export const targetsRequest = 'loadline/targets';
export interface TargetsResult {
  readonly deployments: readonly DeploymentTarget[];
}
export interface DeploymentTarget {
  readonly index: number;
  readonly range: PlainRange;
  readonly target: DocumentTarget;
}

/** Request: text edits that set flags of one deployment. The client applies them. */
export const flagEditsRequest = 'loadline/flagEdits';
export interface FlagEditsParams {
  readonly uri: string;
  readonly index: number;
  readonly changes: readonly { readonly flag: string; readonly to: string | number | boolean }[];
}
export interface FlagEditsResult {
  readonly version: number;
  readonly edits: readonly { readonly range: PlainRange; readonly newText: string }[];
}

/** Request: the verdict on every whole GPU of the catalogue, for one deployment, in the catalogue's order. Empty where its model is not known. */
export const verdictsRequest = 'loadline/verdicts';
export interface VerdictsParams {
  readonly uri: string;
  readonly index: number;
}
export interface VerdictsResult {
  readonly verdicts: readonly GpuVerdict[];
}
export interface GpuVerdict {
  /** Device id. */
  readonly device: string;
  readonly outcome: VerdictOutcome;
  readonly maxConcurrency: number;
  readonly maxModelLen: number;
}

/** Request: text edits that name the GPUs in a comment. No edits where none can stand there. The result is a FlagEditsResult. */
export const targetEditsRequest = 'loadline/targetEdits';
export interface TargetEditsParams {
  readonly uri: string;
  readonly index: number;
  readonly gpu: string;
  readonly gpuCount: number;
}

/** Notification to the server, without params: what was calibrated is to be read again. */
export const calibrationChanged = 'loadline/calibrationChanged';

/** Notification to the client: estimates of a document changed (params `{uri, version}`). */
export const estimatesChanged = 'loadline/estimatesChanged';

/** Request to the client: may the model hub be asked about a model that no file of this machine tells of? null: no. */
export const hubAccessRequest = 'loadline/hubAccess';
export interface HubAccessParams {
  readonly model: string;
  /** `bytes`: its facts ship, only exact bytes are wanted; nobody is to be bothered for that. */
  readonly need: 'facts' | 'bytes';
}
export type HubAccessResult = {
  /** Empty: the environment's, else the usual one. */
  readonly endpoint: string;
  readonly token: string | null;
} | null;

/** Notification to the server, without params: leave or token changed, so what was answered without them is asked again. */
export const hubChanged = 'loadline/hubChanged';

/** Commands that code lenses name; registered by the extension. */
export const openCalculatorCommand = 'loadline.openCalculator';
/** Named by the lens where no GPU is chosen. Arguments of both: `[uri, index]`. */
export const chooseGpuCommand = 'loadline.chooseGpu';

/** Sent in `initializationOptions` and on `workspace/didChangeConfiguration`. */
export interface ServerSettings {
  /** Device id, alias or driver's name; null where none was chosen. */
  readonly gpu: string | null;
  readonly gpuCount: number;
  /** Version assumed where the document names none. */
  readonly engineVersion: string | null;
  /** Whether values that follow from others are written beside them. */
  readonly inlayHints: { readonly enabled: boolean };
}
