/** The YAML file that `vllm serve --config` reads: flags as keys, with dashes or underscores. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { type Engine, findEngine } from '../../core/engine/engine.ts';
import { type Directive, findDirectives } from '../directives.ts';
import type {
  DocumentDeployments,
  LocatedDeployment,
  LocatedProblem,
  OffsetRange,
  UnresolvedPart,
} from '../located.ts';
import type { WrittenFlag } from '../writtenFlags.ts';
import { yamlErrorText } from '../yamlError.ts';
import { assembleDeployment, directiveProblems } from './assemble.ts';
import { type DocumentSource, extensionOf } from './source.ts';

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
  recognises({ path, languageId }, head) {
    const yaml = languageId === 'yaml' || ['yaml', 'yml'].includes(extensionOf(path));
    if (!yaml || /\.sweep\.ya?ml$/i.test(path)) return false;
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
  const engine = findEngine('vllm');
  if (!engine) return { deployments: [], problems: [] };
  const directives = findDirectives(text);
  const deployments: LocatedDeployment[] = [];
  const problems: LocatedProblem[] = directiveProblems(directives);
  // 1.1, because vLLM reads with PyYAML: `yes` and `on` are booleans there.
  const parsed = parseAllDocuments(text, { version: '1.1', uniqueKeys: false, logLevel: 'error' });
  for (const document of 'empty' in parsed ? [] : parsed) {
    const torn = tornAt(text, document);
    if (torn) problems.push(torn);
    if (!isMap(document.contents)) continue;
    const deployment = readMapping(text, engine, directives, document, document.contents);
    if (deployment) deployments.push(torn ? withoutProblemsOnLine(text, deployment, torn.range) : deployment);
  }
  return { deployments, problems };
}

/** The first place where the YAML cannot be read. Later errors mostly follow from it. */
function tornAt(text: string, document: Document): LocatedProblem | undefined {
  const [error] = document.errors;
  if (!error) return undefined;
  const end = Math.min(Math.max(...error.pos), text.length);
  // Never empty, or nobody would see it: at the end of the text it is the last thing written.
  const start = Math.min(error.pos[0], Math.max(0, text.slice(0, end).trimEnd().length - 1));
  return {
    code: 'yaml.torn',
    message: `This YAML cannot be read here (${yamlErrorText(error)}). The estimate counts only what could be read.`,
    range: { start, end },
  };
}

/** Where a line is torn, what its half-read keys lack is not a second problem. */
function withoutProblemsOnLine(
  text: string,
  deployment: LocatedDeployment,
  torn: OffsetRange,
): LocatedDeployment {
  const lineStart = text.lastIndexOf('\n', torn.start - 1) + 1;
  return {
    ...deployment,
    problems: deployment.problems.filter(({ range }) => range.end < lineStart || range.start > torn.end),
  };
}

function readMapping(
  text: string,
  engine: Engine,
  directives: readonly Directive[],
  document: Document,
  mapping: YAMLMap,
): LocatedDeployment | undefined {
  const written: WrittenFlag[] = [];
  const unresolved: UnresolvedPart[] = [];
  let model: { range: OffsetRange; value?: string } | undefined;
  let first: OffsetRange | undefined;
  let end = 0;
  for (const pair of mapping.items) {
    const key = rangeOf(text, pair.key);
    if (!key || !isScalar(pair.key)) continue;
    const value = rangeOf(text, pair.value);
    first ??= key;
    end = Math.max(end, value?.end ?? key.end, key.end);
    const name = String(pair.key.value);
    if (name === '<<') {
      const range = value ?? key;
      unresolved.push({ text: text.slice(range.start, range.end), range, why: 'expanded-later' });
      continue;
    }
    const flag = readPair(document, pair, name, key, value);
    if (name === 'model') {
      model = modelOf(flag) ?? model;
    } else written.push(flag);
  }
  const keys = [...written.map(({ name }) => name), ...(model ? ['model'] : [])];
  if (!first || !(model || looksLikeVllm(keys))) return undefined;
  const offset = lineEnd(text, end);
  return assembleDeployment(text, engine, directives, {
    entrypoint: 'serve',
    range: { start: mapping.flow ? (mapping.range?.[0] ?? first.start) : first.start, end },
    ...(model ? { model } : {}),
    written,
    insertion: mapping.flow
      ? { offset: end, style: 'yaml', indent: '' }
      : { offset, style: 'yaml', indent: indentOf(text, first.start) },
    unresolved,
  });
}

function readPair(
  document: Document,
  pair: Pair,
  name: string,
  key: OffsetRange,
  value: OffsetRange | undefined,
): WrittenFlag {
  const node = resolve(document, pair.value);
  const place = { name, key, ...(value && value.end > value.start ? { valueRange: value } : {}) };
  if (node === undefined) return { ...place, values: [], expandedLater: true };
  if (node === null) return { ...place, values: null };
  if (isSeq(node)) {
    const items = node.items.map((item) => resolve(document, item));
    const values = items.map((item) => (isScalar(item) ? scalarText(item) : ''));
    return { ...place, values, expandedLater: values.some(isTemplated) || !items.every(isScalar) };
  }
  if (isMap(node)) {
    const json = jsonOf(document, node);
    return { ...place, values: [json ?? ''], expandedLater: json === undefined || isTemplated(json) };
  }
  if (!isScalar(node)) return { ...place, values: [], expandedLater: true };
  if (node.value === null) return { ...place, values: null };
  if (typeof node.value === 'boolean') return { ...place, values: node.value };
  const text = scalarText(node);
  return { ...place, values: [text], expandedLater: isTemplated(text) };
}

/** An alias's node; null for an empty value; undefined for an alias of nothing. */
function resolve(document: Document, node: unknown): Node | null | undefined {
  if (node === null || node === undefined) return null;
  if (isAlias(node)) return node.resolve(document);
  return isScalar(node) || isMap(node) || isSeq(node) ? node : undefined;
}

/** What PyYAML's value becomes as text. A number in exponent form stays as written: vLLM refuses it as an integer. */
function scalarText(node: Scalar): string {
  if (typeof node.value === 'string') return node.value;
  const source = node.source ?? '';
  return typeof node.value === 'number' && !/[eE.]/.test(source) ? String(node.value) : source;
}

/** Nested maps reach vLLM as JSON. Undefined where an alias inside leads nowhere or too far. */
function jsonOf(document: Document, node: YAMLMap): string | undefined {
  try {
    return JSON.stringify(node.toJS(document));
  } catch {
    return undefined;
  }
}

/** Helm, Jinja and envsubst fill these in later. */
function isTemplated(value: string): boolean {
  return value.includes('{{') || /\$\{?\w/.test(value);
}

function modelOf(flag: WrittenFlag): { range: OffsetRange; value?: string } | undefined {
  if (!flag.valueRange) return undefined;
  const [value] = Array.isArray(flag.values) ? flag.values : [];
  return flag.expandedLater || value === undefined
    ? { range: flag.valueRange }
    : { range: flag.valueRange, value };
}

/** The node's place without trailing blanks and line ends, which block nodes carry. */
function rangeOf(text: string, node: unknown): OffsetRange | undefined {
  if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return undefined;
  if (!node.range) return undefined;
  const [start, valueEnd] = node.range;
  return { start, end: start + text.slice(start, valueEnd).trimEnd().length };
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  if (newline < 0) return text.length;
  return text.charAt(newline - 1) === '\r' ? Math.max(from, newline - 1) : newline;
}

function indentOf(text: string, keyStart: number): string {
  const lineStart = text.lastIndexOf('\n', keyStart - 1) + 1;
  return /^[ \t]*/.exec(text.slice(lineStart, keyStart))?.[0] ?? '';
}
