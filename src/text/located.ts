/** Deployments found in a document, each thing with its place. Offsets are UTF-16 code units from the start. */
import type { Deployment, Target } from '../core/engine/deployment.ts';
import type { Problem } from '../core/result.ts';

export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

export type LocatedProblem = Problem & { readonly range: OffsetRange };

export interface LocatedFlag {
  readonly key: OffsetRange;
  /** Left out for a bare switch. */
  readonly value?: OffsetRange;
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

export interface LocatedDeployment {
  readonly deployment: Deployment;
  /** The whole deployment: the lens stands on its first line. */
  readonly range: OffsetRange;
  readonly model?: OffsetRange;
  readonly flags: Readonly<Record<string, LocatedFlag>>;
  /** From a `# loadline: gpu=h200 x2` comment. */
  readonly target?: Target & { readonly range: OffsetRange };
  /** How a flag that is not there yet would be written. */
  readonly insertion: { readonly offset: number; readonly style: 'yaml' | 'shell'; readonly indent: string };
  readonly problems: readonly LocatedProblem[];
  /** What could not be read to a value: an estimate must be kept back or say so, see unresolved.ts. */
  readonly unresolved?: readonly UnresolvedPart[];
}

export interface DocumentDeployments {
  readonly deployments: readonly LocatedDeployment[];
  /** Problems of the document itself: torn YAML … */
  readonly problems: readonly LocatedProblem[];
}
