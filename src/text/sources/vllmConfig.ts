/** The YAML file that `vllm serve --config` reads: flags as keys, with dashes or underscores. */
import type { YAMLMap } from 'yaml';
import { type Directive, findDirectives } from '../directives.ts';
import type { DocumentDeployments, LocatedDeployment, LocatedProblem, OffsetRange } from '../located.ts';
import { maskTemplates } from '../templates.ts';
import { readFlagPairs } from '../yaml/flagPairs.ts';
import { parsePiece, tornAt } from '../yaml/pieces.ts';
import { YamlTree } from '../yaml/tree.ts';
import { assembleDeployment, directiveProblems } from './assemble.ts';
import { lineStartAt } from './launchText.ts';
import { type DocumentSource, headLength, isYaml } from './source.ts';

/** Keys that hardly any other kind of YAML file has at its top level. */
const tellingKeys = new Set([
  'max-model-len',
  'gpu-memory-utilization',
  'kv-cache-dtype',
  'kv-cache-memory-bytes',
  'max-num-batched-tokens',
  'max-num-seqs',
  'enforce-eager',
  'served-model-name',
  'enable-prefix-caching',
  'enable-chunked-prefill',
]);
/** Telling only beside `model`: training configs have them too. */
const supportingKeys = new Set(['tensor-parallel-size', 'pipeline-parallel-size', 'trust-remote-code']);
/** Top-level keys of files that are surely something else. */
const foreignKeys = new Set(['apiVersion', 'kind', 'services', 'matrix']);

export const vllmConfig: DocumentSource = {
  name: 'vllm-config',
  recognises(identity, text) {
    if (!isYaml(identity)) return false;
    const head = text.slice(0, headLength);
    const keys = topLevelKeys(head);
    if (keys.some((key) => foreignKeys.has(key))) return false;
    return looksLikeVllm(keys) || (keys.includes('model') && /^[ \t]*#[ \t]*loadline:/m.test(head));
  },
  read: readVllmConfig,
};

/** Keys with the indent of the first one. */
function topLevelKeys(head: string): string[] {
  const keys = [...head.matchAll(/^( *)["']?([A-Za-z][\w-]*)["']?[ \t]*:(?=\s|$)/gm)];
  const indent = keys[0]?.[1];
  return keys.flatMap(([, before, key]) => (key !== undefined && before === indent ? [key] : []));
}

function looksLikeVllm(keys: readonly string[]): boolean {
  const dashed = new Set(keys.map((key) => key.replaceAll('_', '-')));
  const telling = [...dashed].filter((key) => tellingKeys.has(key)).length;
  const supporting = [...dashed].some((key) => supportingKeys.has(key));
  return telling >= 2 || (dashed.has('model') && (telling > 0 || supporting));
}

function readVllmConfig(text: string): DocumentDeployments {
  const directives = findDirectives(text);
  const deployments: LocatedDeployment[] = [];
  const problems: LocatedProblem[] = directiveProblems(directives);
  const whole = { start: 0, end: text.length };
  // 1.1, because vLLM reads with PyYAML: `yes` and `on` are booleans there.
  for (const piece of parsePiece(maskTemplates(text).text, [whole], { version: '1.1' })) {
    const torn = tornAt(text, piece);
    if (torn) problems.push(torn);
    const tree = new YamlTree(piece);
    const deployment = tree.root && readMapping(text, directives, tree, tree.root);
    if (deployment) deployments.push(torn ? withoutProblemsOnLine(text, deployment, torn.range) : deployment);
  }
  return { deployments, problems };
}

/** Where a line is torn, what its half-read keys lack is not a second problem. */
export function withoutProblemsOnLine(
  text: string,
  deployment: LocatedDeployment,
  torn: OffsetRange,
): LocatedDeployment {
  const lineStart = lineStartAt(text, torn.start);
  return {
    ...deployment,
    problems: deployment.problems.filter(({ range }) => range.end < lineStart || range.start > torn.end),
  };
}

function readMapping(
  text: string,
  directives: readonly Directive[],
  tree: YamlTree,
  mapping: YAMLMap,
): LocatedDeployment | undefined {
  const pairs = readFlagPairs(text, tree, mapping);
  if (!pairs) return undefined;
  const keys = [...pairs.written.map(({ name }) => name), ...(pairs.model ? ['model'] : [])];
  if (!pairs.model && !looksLikeVllm(keys)) return undefined;
  const commentAt = lineStartAt(text, pairs.range.start);
  return assembleDeployment(text, directives, { ...pairs, entrypoint: 'serve', commentAt });
}
