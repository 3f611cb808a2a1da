import type { CodeAction, Range } from 'vscode-languageserver';
import type { DocumentAnalysis } from '../documentAnalysis.ts';
import { rangesTouch } from '../places.ts';
import { diagnosticsOf } from './diagnostics.ts';
import { flagFixes, gpuFixes } from './flagFixes.ts';
import { sharedGpuFixes, verdictFixes } from './verdictFixes.ts';

/** Quick fixes for what is marked in `range`, best first, each with its effect in the title. */
export function codeActionsIn(analysis: DocumentAnalysis, range: Range): CodeAction[] {
  const marked = diagnosticsOf(analysis).filter((diagnostic) => rangesTouch(diagnostic.range, range));
  if (marked.length === 0) return [];
  return [
    ...analysis.deployments.flatMap((deployment) => [
      ...verdictFixes(analysis, deployment, marked),
      ...flagFixes(analysis, deployment, marked),
      ...gpuFixes(analysis, deployment, marked),
    ]),
    ...sharedGpuFixes(analysis, marked),
  ];
}
