import type {
  DeploymentEstimate,
  EstimateRequest,
  KvEstimate,
  RankEstimate,
  SpeedEstimate,
  Verdict,
} from '../estimate/types.ts';
import type { Problem } from '../result.ts';
import type { SpeedInput } from '../speed/speedInput.ts';
import type { FlagValue } from './deployment.ts';

export type FlagKind = 'integer' | 'number' | 'string' | 'switch' | 'json';

export interface FlagDefinition {
  /** Canonical long name, kebab-case, without dashes in front. */
  readonly name: string;
  /** Other spellings, with their dashes where they are short: `-tp`. */
  readonly aliases: readonly string[];
  readonly kind: FlagKind;
  readonly description: string;
  /** The part of the memory that it changes first; left out where it changes none. */
  readonly effect?: FlagEffect;
}

export type FlagEffect = 'weights' | 'activation-peak' | 'graphs' | 'kv-cache' | 'budget' | 'parallelism';

/** An option as one release takes it. */
export interface VersionedFlag extends FlagDefinition {
  /** null where there is none, or where the engine chooses it at start. */
  readonly default: string | number | boolean | null;
}

/** An option that took another's place. */
export interface FlagReplacement {
  readonly flag: string;
  /** Left out where it takes the old value. */
  readonly value?: string | number;
}

/** Why the engine would not start, in the order in which it would find out. */
export interface Obstacle {
  readonly kind:
    | 'flag-value'
    | 'context-length'
    | 'data-type'
    | 'kv-data-type'
    | 'refused-flag'
    | 'parallelism'
    | 'weights'
    | 'free-memory'
    | 'profile-run'
    | 'no-kv-memory'
    | 'max-model-len'
    | 'batch-size'
    | 'mamba-blocks';
  /** One sentence with the numbers. */
  readonly reason: string;
  readonly causeFlag: string;
}

/** Everything that an engine says of one deployment, before a verdict is drawn from it. */
export interface EngineEvaluation {
  readonly engineVersion: string;
  readonly resolved: Readonly<Record<string, FlagValue>>;
  readonly perRank: readonly RankEstimate[];
  readonly kv: KvEstimate;
  readonly obstacle: Obstacle | undefined;
  readonly speed: SpeedInput;
  /** Of an engine without a pool of pages and without a scheduler: its verdict where there is no obstacle, and its speed. */
  readonly staticBatch?: { readonly verdict: Omit<Verdict, 'fixes'>; readonly speed: SpeedEstimate };
  readonly warnings: readonly Problem[];
}

/** An edit worth trying; whether it helps is found by evaluating it. */
export interface FixCandidate {
  readonly flag: string;
  readonly from: FlagValue | null;
  readonly to: FlagValue;
  /** GPUs that the edited deployment needs. */
  readonly gpuCount: number;
}

export interface Engine {
  readonly name: string;
  readonly label: string;
  /** False where it has no server that a sweep could measure. */
  readonly isServer: boolean;
  readonly flags: readonly FlagDefinition[];
  /** The options of one version with their defaults there; of the default version where none is given. */
  flagsOf(version: string | undefined): readonly VersionedFlag[];
  /** What takes the place of an option that a version no longer has, with the same meaning; undefined where nothing does. */
  replacementOf(name: string, version: string | undefined): FlagReplacement | undefined;
  /** That an option's default is new in a version, or will be another with the next; undefined where it stays. */
  defaultNote(name: string, version: string | undefined): string | undefined;
  /** Values that an option is usually given, or all that it takes; none where it takes any. For completion. */
  usualValues(name: string): readonly (string | number)[];
  /** The start-up lines in which the engine's own log would say the same, in its words and rounding. */
  logLines(estimate: DeploymentEstimate): readonly string[];
  /** Any spelling (`--max_model_len`, `-tp`, `no-enable-prefix-caching`) to its definition. */
  canonicalFlag(name: string): FlagDefinition | undefined;
  readonly defaultVersion: string;
  readonly supportedVersions: readonly string[];
  evaluate(request: EstimateRequest): EngineEvaluation;
  fixCandidates(request: EstimateRequest, evaluation: EngineEvaluation): readonly FixCandidate[];
  /** Edits that free memory, gentlest first, whether or not one alone is enough: two of them may be. */
  memoryEdits(request: EstimateRequest, evaluation: EngineEvaluation): readonly FixCandidate[];
  /** One change to each flag that moves the size of the KV cache: for the sensitivity. */
  variations(request: EstimateRequest, evaluation: EngineEvaluation): readonly FixCandidate[];
}
