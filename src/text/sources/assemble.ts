import type { Deployment, Entrypoint } from '../../core/engine/deployment.ts';
import type { Engine } from '../../core/engine/engine.ts';
import { type Directive, directivesFor } from '../directives.ts';
import type { LocatedDeployment, LocatedProblem, OffsetRange, UnresolvedPart } from '../located.ts';
import { readFlags, type WrittenFlag } from '../writtenFlags.ts';

/** A deployment as a source found it, before names and values are read. */
export interface FoundDeployment {
  readonly entrypoint: Entrypoint;
  readonly range: OffsetRange;
  /** Value left out where an expansion or a template stands in its place. */
  readonly model?: { readonly range: OffsetRange; readonly value?: string };
  readonly written: readonly WrittenFlag[];
  readonly insertion: LocatedDeployment['insertion'];
  readonly unresolved: readonly UnresolvedPart[];
}

/** Reads names and values by the engine's table, and adds what comments nearby say. */
export function assembleDeployment(
  text: string,
  engine: Engine,
  directives: readonly Directive[],
  found: FoundDeployment,
): LocatedDeployment {
  const { flags, located, problems, unresolved } = readFlags(engine, found.written, text);
  const { target, engineVersion } = directivesFor(text, directives, found.range);
  const { model } = found;
  const modelUnresolved: UnresolvedPart[] =
    model && model.value === undefined
      ? [
          {
            flag: 'model',
            text: text.slice(model.range.start, model.range.end),
            range: model.range,
            why: 'expanded-later',
          },
        ]
      : [];
  const deployment: Deployment = {
    engine: engine.name,
    entrypoint: found.entrypoint,
    ...(engineVersion ? { engineVersion } : {}),
    ...(model?.value !== undefined ? { model: model.value } : {}),
    flags,
  };
  const all = [...modelUnresolved, ...unresolved, ...found.unresolved];
  return {
    deployment,
    range: found.range,
    ...(model ? { model: model.range } : {}),
    flags: located,
    ...(target ? { target } : {}),
    insertion: found.insertion,
    problems,
    ...(all.length > 0 ? { unresolved: all } : {}),
  };
}

/** Problems of the directives themselves: they belong to the document. */
export function directiveProblems(directives: readonly Directive[]): LocatedProblem[] {
  return directives.flatMap(({ problems }) => problems);
}
