/** Deployments found in a document, each thing with its place. Offsets are UTF-16 code units from the start. */
import type { Deployment, Target } from '../core/engine/deployment.ts';
import type { Problem } from '../core/result.ts';

export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

export type LocatedProblem = Problem & { readonly range: OffsetRange };

/** What a word or a command stands in. `block` is YAML's `|` and `>`, `none` a file of its own. */
export type Quoting = 'none' | 'block' | 'plain' | 'single' | 'double';

/** How a flag is written, so that an edit can write it the same way. */
export interface Writing {
  /** `yaml`, `json`: a key and a value. `shell`: words of a command. `items`: words as a list's items. */
  readonly style: 'yaml' | 'json' | 'shell' | 'items';
  readonly quoting: Quoting;
  /** Who takes `$` out of the text before it is run: a literal one is doubled for it. */
  readonly interpolated?: 'compose' | 'kubernetes';
  /** Options of the user's own program: a new one is spelled as its others are, and none has a `--no-` beside it. */
  readonly ownProgram?: boolean;
}

export interface LocatedFlag {
  readonly key: OffsetRange;
  /** Left out for a bare switch. */
  readonly value?: OffsetRange;
  /** Key and value with their quotes: what goes when the flag goes. */
  readonly whole: OffsetRange;
  readonly writing: Writing;
  /** Wholes of the same flag written before this one, which the engine overrides. */
  readonly earlier?: readonly OffsetRange[];
}

/** Something that the document writes and the text alone cannot say: `$MODEL`, `{{ .Values.model }}`, `8kk`, another file. */
export interface UnresolvedPart {
  /** Canonical flag whose value it is; `model` for the model; left out where it stands for whole arguments (`"$@"`). */
  readonly flag?: string;
  /** As written. */
  readonly text: string;
  readonly range: OffsetRange;
  /** `expanded-later`: by a shell or a template; `invalid`: a problem says why; `other-file`: written in the file named. */
  readonly why: 'expanded-later' | 'invalid' | 'other-file';
}

/** What the document says of the GPUs without a `# loadline:` comment: limits, device lists, node labels. */
export interface TargetHint {
  /** Name as the driver or the cloud writes it: `NVIDIA-H100-80GB-HBM3`, `nvidia-l4`. */
  readonly gpu?: { readonly name: string; readonly range: OffsetRange };
  readonly gpuCount?: {
    readonly count: number;
    readonly range: OffsetRange;
    /** Where the same number stands once more and must be the same: requests beside limits. */
    readonly again?: OffsetRange;
  };
  /** Numbers or UUIDs of the very GPUs, where they are named: deployments that name the same share it. */
  readonly gpuIds?: readonly string[];
}

/** Where and how a flag that is not there yet is written. */
export interface Insertion {
  readonly offset: number;
  readonly writing: Writing;
  /** What stands before each new flag: a blank, a comma, a line end with its indent. */
  readonly separator: string;
  /** Written once before the first: the key of a list that is not there yet. */
  readonly prefix?: string;
}

export interface LocatedDeployment {
  readonly deployment: Deployment;
  /** The whole deployment: the lens stands on its first line. */
  readonly range: OffsetRange;
  readonly model?: OffsetRange;
  /** How the model is written, where that is not as a new flag would be. */
  readonly modelWriting?: Writing;
  readonly flags: Readonly<Record<string, LocatedFlag>>;
  /** From a `# loadline: gpu=h200 x2` comment. */
  readonly target?: Target & { readonly range: OffsetRange };
  readonly hint?: TargetHint;
  /** Start of the line above which a comment may be put; left out where none can stand. */
  readonly commentAt?: number;
  /** Left out where this document holds no flags (Triton's `config.pbtxt`). */
  readonly insertion?: Insertion;
  readonly problems: readonly LocatedProblem[];
  /** What could not be read to a value: an estimate must be kept back or say so, see unresolved.ts. */
  readonly unresolved?: readonly UnresolvedPart[];
}

export interface DocumentDeployments {
  readonly deployments: readonly LocatedDeployment[];
  /** Problems of the document itself: torn YAML … */
  readonly problems: readonly LocatedProblem[];
}
