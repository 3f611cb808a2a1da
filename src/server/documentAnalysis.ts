/** What is known of a document: what every feature shows. */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { DeploymentEstimate, EstimateRequest, UnknownEstimate } from '../core/estimate/types.ts';
import type { ServerSettings } from '../protocol/lsp.ts';
import type { LocatedDeployment, LocatedProblem } from '../text/located.ts';
import type { ChosenTarget } from '../text/target.ts';
import type { LiveFigures } from './liveTargets.ts';

export interface AnalysedDeployment {
  readonly index: number;
  readonly located: LocatedDeployment;
  /** null where something keeps it from being estimated; `estimate` then says what. */
  readonly request: EstimateRequest | null;
  /** The request without values that cannot be read: what completion reckons with while one is being typed. */
  readonly readable: EstimateRequest | null;
  /** As `readable`, whether or not a GPU was chosen: for choosing one. */
  readonly onAnyGpu: Omit<EstimateRequest, 'device'> | null;
  readonly target: ChosenTarget;
  /** From a probed host, where it has the GPU that this is for. */
  readonly live: LiveFigures | undefined;
  readonly estimate: DeploymentEstimate | UnknownEstimate;
}

export interface DocumentAnalysis {
  /** The document as it was read; the editor's own goes on changing. */
  readonly snapshot: TextDocument;
  readonly settings: ServerSettings;
  readonly deployments: readonly AnalysedDeployment[];
  readonly problems: readonly LocatedProblem[];
}

/** False too where a flag's value cannot be used: there are figures then, but not the user's. */
export function isKnown(estimated: DeploymentEstimate | UnknownEstimate): estimated is DeploymentEstimate {
  return 'kv' in estimated && estimated.verdict.outcome !== 'unknown';
}
