/** Pods wherever they stand in a Kubernetes object or a chart's values: mappings that list containers. */
import { isMap, isSeq, type Node, type YAMLMap } from 'yaml';
import { interpolateKubernetes } from '../interpolation.ts';
import type { EnvironmentVariable } from '../launch/environment.ts';
import { gpuOfLabel, isGpuLabel } from '../launch/gpuLabels.ts';
import type { OffsetRange, TargetHint } from '../located.ts';
import type { Entry, YamlTree } from '../yaml/tree.ts';
import type { FoundDeployment } from './assemble.ts';
import { commentsAbove, lineEndAt } from './compose.ts';
import { missingItems, readContainer } from './container.ts';
import { lineStartAt, variable } from './launchText.ts';

/** A CronJob's containers are ten mappings down; further down is no pod. */
const deepest = 14;

export interface PodContext {
  readonly text: string;
  readonly missing: readonly OffsetRange[];
  /** The object or file that the pods stand in: its comments hold for them. */
  readonly scope: OffsetRange;
}

/** Every container that starts an engine, in order. */
export function readPods(
  context: PodContext,
  tree: YamlTree,
  node: Node | null | undefined,
): FoundDeployment[] {
  return podsIn(tree, node, deepest).flatMap((pod) => {
    const entries = tree.entries(pod);
    const lists = ['initContainers', 'containers'].map((key) => entries.get(key)?.value);
    const gpu = gpuOfPod(tree, entries);
    return lists.flatMap((list) =>
      tree.items(list).flatMap((item) => {
        const found = isMap(item) ? readPodContainer(context, tree, item, gpu) : undefined;
        return found ? [found] : [];
      }),
    );
  });
}

function podsIn(tree: YamlTree, node: Node | null | undefined, depth: number): YAMLMap[] {
  if (depth === 0) return [];
  if (isSeq(node)) return tree.items(node).flatMap((item) => podsIn(tree, item, depth - 1));
  if (!isMap(node)) return [];
  const entries = tree.entries(node);
  if (isSeq(entries.get('containers')?.value)) return [node];
  // Aliases are read where they are defined.
  return [...entries.values()].flatMap(({ written }) => podsIn(tree, written, depth - 1));
}

function readPodContainer(
  { text, missing, scope }: PodContext,
  tree: YamlTree,
  container: YAMLMap,
  gpu: TargetHint['gpu'],
): FoundDeployment | undefined {
  const range = tree.rangeOf(container);
  if (!range) return undefined;
  const entries = tree.entries(container);
  const environment = listedEnvironment(tree, entries.get('env'));
  const image = tree.string(entries.get('image')?.value);
  const gpuCount = gpuLimit(tree, entries.get('resources'));
  const program = entries.get('command');
  const given = entries.get('args');
  const known = new Map(
    environment.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
  return readContainer(text, tree, {
    range,
    scopes: [{ start: commentsAbove(text, range.start), end: lineEndAt(text, range.end) }, scope],
    commentAt: lineStartAt(text, range.start),
    ...(image === undefined ? {} : { image }),
    ...(program?.value ? { program } : {}),
    ...(given ? { arguments: given } : {}),
    argumentsKey: 'args',
    environment,
    ...(gpu || gpuCount ? { hint: { ...(gpu ? { gpu } : {}), ...(gpuCount ? { gpuCount } : {}) } } : {}),
    unresolved: missingItems(text, missing, entries.values(), ['command', 'args']),
    interpolated: 'kubernetes',
    fill: (written) => interpolateKubernetes(written, known),
  });
}

/** `env:` as a list of names and values; what another object holds is not known. */
export function listedEnvironment(tree: YamlTree, entry: Entry | undefined): EnvironmentVariable[] {
  return tree.items(entry?.value).flatMap((item) => {
    if (!isMap(item)) return [];
    const name = tree.string(tree.at(item, 'name'));
    const value = tree.at(item, 'value');
    const range = tree.rangeOf(value) ?? tree.rangeOf(item);
    return name === undefined || !range ? [] : [variable(name, tree.string(value), range)];
  });
}

/** `nvidia.com/gpu` of limits, else of requests; a slice of a card counts as its own kind. */
export function gpuLimit(tree: YamlTree, resources: Entry | undefined): TargetHint['gpuCount'] {
  const [first, second] = ['limits', 'requests'].flatMap((part) => {
    const map = tree.map(tree.at(tree.map(resources?.value), part));
    return [...(map ? tree.entries(map).values() : [])].flatMap(({ key, value }) => {
      const count = Number(tree.string(value));
      const range = tree.rangeOf(value);
      return /^(?:nvidia|amd)\.com\/gpu$/.test(key) && range && count > 0 && Number.isInteger(count)
        ? [{ count, range }]
        : [];
    });
  });
  return first && second ? { ...first, again: second.range } : first;
}

function gpuOfPod(tree: YamlTree, entries: ReadonlyMap<string, Entry>): TargetHint['gpu'] {
  const selector = entries.get('nodeSelector')?.value;
  if (isMap(selector)) {
    for (const { key, value } of tree.entries(selector).values()) {
      const gpu = isGpuLabel(key) ? gpuNamed(tree, value) : undefined;
      if (gpu) return gpu;
    }
  }
  const required = tree.at(
    tree.map(entries.get('affinity')?.value),
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  );
  return gpuOfTerms(tree, required);
}

/** Terms of a node's affinity. Several values leave the GPU open. */
export function gpuOfTerms(tree: YamlTree, terms: Node | null | undefined): TargetHint['gpu'] {
  for (const term of tree.items(terms)) {
    for (const expression of tree.items(tree.at(tree.map(term), 'matchExpressions'))) {
      const map = tree.map(expression);
      const values = tree.items(tree.at(map, 'values'));
      const isIn = tree.string(tree.at(map, 'operator')) === 'In';
      if (isIn && values.length === 1 && isGpuLabel(tree.string(tree.at(map, 'key')) ?? '')) {
        return gpuNamed(tree, values[0]);
      }
    }
  }
  return undefined;
}

function gpuNamed(tree: YamlTree, node: Node | null | undefined): TargetHint['gpu'] {
  const name = tree.string(node);
  const range = tree.rangeOf(node);
  return name && range ? { name: gpuOfLabel(name), range } : undefined;
}
