import type { Deployment, Entrypoint } from '../../core/engine/deployment.ts';
import { findEngine } from '../../core/engine/engines.ts';
import { type Directive, directivesFor } from '../directives.ts';
import { type EnvironmentVariable, relevantEnvironment, visibleDevices } from '../launch/environment.ts';
import type {
  Insertion,
  LocatedDeployment,
  LocatedProblem,
  OffsetRange,
  TargetHint,
  UnresolvedPart,
  Writing,
} from '../located.ts';
import { readFlags, type WrittenFlag } from '../writtenFlags.ts';

export interface FoundModel {
  readonly range: OffsetRange;
  /** Left out where an expansion or a template stands in its place. */
  readonly value?: string;
  readonly writing: Writing;
}

/** A deployment as a source found it, before names and values are read. */
export interface FoundDeployment {
  /** `vllm` unless said. Of an engine that is not estimated no flag is read. */
  readonly engine?: string;
  readonly engineVersion?: string;
  readonly entrypoint: Entrypoint;
  readonly range: OffsetRange;
  /** What a comment may stand in to be about this deployment, nearest first; the lines around `range` unless said. */
  readonly scopes?: readonly OffsetRange[];
  readonly model?: FoundModel;
  readonly written: readonly WrittenFlag[];
  readonly insertion?: Insertion;
  readonly commentAt?: number;
  readonly environment?: readonly EnvironmentVariable[];
  readonly hint?: TargetHint;
  readonly unresolved: readonly UnresolvedPart[];
}

/** Reads names and values by the engine's table, and adds what comments nearby say. */
export function assembleDeployment(
  text: string,
  directives: readonly Directive[],
  found: FoundDeployment,
): LocatedDeployment {
  const { range, insertion, commentAt, environment = [] } = found;
  const engine = findEngine(found.engine ?? 'vllm');
  const { flags, located, problems, unresolved } = readFlags(engine, engine ? found.written : [], text);
  const said = directivesFor(text, directives, range, found.scopes);
  const name = engine?.name ?? found.engine ?? 'vllm';
  const named = said.engines.find((each) => each.name === name && each.version !== undefined);
  const engineVersion = named?.version ?? found.engineVersion;
  const model = openModel(found.model, said.model);
  const kept = relevantEnvironment(environment);
  const deployment: Deployment = {
    engine: name,
    entrypoint: found.entrypoint,
    ...(engineVersion ? { engineVersion } : {}),
    ...(model?.value !== undefined ? { model: model.value } : {}),
    flags,
    ...(kept ? { environment: kept } : {}),
  };
  const hint = hintOf(found.hint, visibleDevices(environment));
  const all = [...unresolvedModel(text, model), ...unresolved, ...found.unresolved];
  return {
    deployment,
    range,
    ...(model ? { model: model.range, modelWriting: model.writing } : {}),
    flags: located,
    ...(said.target ? { target: withCount(said.target, hint) } : {}),
    ...(hint ? { hint } : {}),
    ...(commentAt === undefined ? {} : { commentAt }),
    ...(insertion ? { insertion } : {}),
    problems,
    ...(all.length > 0 ? { unresolved: all } : {}),
  };
}

/** The comment's model, where the document leaves it open. */
function openModel(found: FoundModel | undefined, said: Directive['model']): FoundModel | undefined {
  if (found?.value !== undefined || !said) return found;
  return { range: said.range, value: said.name, writing: { style: 'yaml', quoting: 'none' } };
}

/** Devices made visible are fewer than those given. */
function hintOf(
  given: TargetHint | undefined,
  visible: Pick<TargetHint, 'gpuCount' | 'gpuIds'>,
): TargetHint | undefined {
  // Inside a container that was given some GPUs, numbers count those.
  const gpuIds = given?.gpuCount
    ? visible.gpuIds?.flatMap((id) => (/^\d+$/.test(id) ? (given.gpuIds?.[Number(id)] ?? []) : id))
    : visible.gpuIds;
  const { gpuIds: _visible, ...count } = visible;
  const hint = { ...given, ...count, ...(gpuIds && gpuIds.length > 0 ? { gpuIds } : {}) };
  return hint.gpu || hint.gpuCount ? hint : undefined;
}

/** A comment that names the GPU alone leaves their number to the document. */
function withCount(
  { gpu, gpuCount, range }: NonNullable<Directive['target']>,
  hint: TargetHint | undefined,
): NonNullable<LocatedDeployment['target']> {
  return { gpu, gpuCount: gpuCount ?? hint?.gpuCount?.count ?? 1, range };
}

function unresolvedModel(text: string, model: FoundModel | undefined): UnresolvedPart[] {
  if (!model || model.value !== undefined) return [];
  const { range } = model;
  return [{ flag: 'model', text: text.slice(range.start, range.end), range, why: 'expanded-later' }];
}

/** Problems of the directives themselves: they belong to the document. */
export function directiveProblems(directives: readonly Directive[]): LocatedProblem[] {
  return directives.flatMap(({ problems }) => problems);
}
