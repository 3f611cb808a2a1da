/** Kubernetes manifests and a chart's templates of them: any object with containers in it, several to a file. */
import { type Directive, findDirectives } from '../directives.ts';
import { startsEngine } from '../launch/mention.ts';
import type { DocumentDeployments, LocatedDeployment, LocatedProblem } from '../located.ts';
import { type MaskedText, maskTemplates } from '../templates.ts';
import { documentRanges } from '../yaml/blocks.ts';
import { longestRead, mostDeployments, notRead, parsePiece, tornAt } from '../yaml/pieces.ts';
import { YamlTree } from '../yaml/tree.ts';
import { assembleDeployment, directiveProblems } from './assemble.ts';
import { readPods } from './podSpecs.ts';
import { type DocumentSource, hasTopLevelKey, isYaml } from './source.ts';
import { withoutProblemsOnLine } from './vllmConfig.ts';

export const kubernetes: DocumentSource = {
  name: 'kubernetes',
  recognises(identity, text) {
    return isYaml(identity) && isManifest(text) && startsEngine(text);
  },
  read: readKubernetes,
};

export function isManifest(text: string): boolean {
  return hasTopLevelKey(text, 'kind') || hasTopLevelKey(text, 'apiVersion');
}

function readKubernetes(text: string): DocumentDeployments {
  const directives = findDirectives(text);
  const problems: LocatedProblem[] = directiveProblems(directives);
  const deployments: LocatedDeployment[] = [];
  const masked = maskTemplates(text);
  let length = 0;
  for (const range of documentRanges(masked.text)) {
    if (!startsEngine(text.slice(range.start, range.end))) continue;
    length += range.end - range.start;
    if (length > longestRead || deployments.length >= mostDeployments) {
      problems.push(notRead(range));
      break;
    }
    for (const piece of parsePiece(masked.text, [range], { version: '1.2' })) {
      const found = readObject(text, masked, directives, new YamlTree(piece), range);
      const torn = found.length > 0 ? tornAt(text, piece) : undefined;
      if (torn) problems.push(torn);
      deployments.push(...found.map((each) => (torn ? withoutProblemsOnLine(text, each, torn.range) : each)));
    }
  }
  return { deployments, problems };
}

function readObject(
  text: string,
  { missing }: MaskedText,
  directives: readonly Directive[],
  tree: YamlTree,
  scope: { readonly start: number; readonly end: number },
): LocatedDeployment[] {
  return readPods({ text, missing, scope }, tree, tree.root).map((found) =>
    assembleDeployment(text, directives, found),
  );
}
