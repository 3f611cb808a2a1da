import type { CompletionItem, Position } from 'vscode-languageserver';
import { typedAt } from '../../../text/typedAt.ts';
import type { DocumentAnalysis } from '../../documentAnalysis.ts';
import { directiveItems } from './directiveItems.ts';
import { flagItems } from './flagItems.ts';
import { valueItems } from './valueItems.ts';

/** Characters after which an editor asks without being told to. */
export const completionTriggers = ['-', '=', ' '];

/** Options, their values, and the words of a `# loadline:` comment, each with what it does to the memory. Nothing elsewhere. */
export function completionsAt(analysis: DocumentAnalysis, position: Position): CompletionItem[] {
  const { snapshot, deployments } = analysis;
  const text = snapshot.getText();
  const offset = snapshot.offsetAt(position);
  const located = deployments.map((deployment) => deployment.located);
  const place = typedAt(text, located, offset);
  if (place?.kind === 'directive') return directiveItems(analysis, place);
  const deployment = place && deployments.find((each) => each.located === place.deployment);
  if (!deployment) return [];
  return place.kind === 'flag'
    ? flagItems(analysis, deployment, place)
    : valueItems(analysis, deployment, place);
}
