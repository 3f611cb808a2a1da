/** Deployments found in a document, each thing with its place. Offsets are UTF-16 code units from the start. */
import type { Deployment, Target } from '../core/engine/deployment.ts';
import type { Problem } from '../core/result.ts';

export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

export interface LocatedFlag {
  readonly key: OffsetRange;
  /** Left out for a bare switch. */
  readonly value?: OffsetRange;
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
  readonly problems: readonly (Problem & { readonly range: OffsetRange })[];
}

export interface DocumentDeployments {
  readonly deployments: readonly LocatedDeployment[];
  /** Problems of the document itself: torn YAML … */
  readonly problems: readonly (Problem & { readonly range: OffsetRange })[];
}
