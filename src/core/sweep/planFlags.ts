/** The flags of a plan under the names that their engine knows them by, wherever they are written. */
import { closest } from '../closest.ts';
import type { Engine } from '../engine/engine.ts';
import { findEngine } from '../engine/engines.ts';
import type { ServerLaunch } from '../engine/serverLaunch.ts';
import { ownFlagReason } from '../engine/serverLaunches.ts';
import type { Problem } from '../result.ts';
import type { SweepPlan } from './planSchema.ts';
import { isSecretName, secretProblem } from './planSecrets.ts';

type Path = readonly (string | number)[];

/** What may stand in an exclude beside flags. */
export const excludeKeys = ['concurrency', 'requestsPerSecond', 'gpuCount', 'copies', 'sharing'] as const;
/** What may be searched beside flags. */
export const loadLevels = ['concurrency', 'requestsPerSecond'] as const;

export interface CanonicalFlags {
  readonly plan: SweepPlan;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export function canonicalFlags(plan: SweepPlan, launch: ServerLaunch): CanonicalFlags {
  const names = new FlagNames(launch);
  const flags = names.renamed(plan.deployment.flags, ['deployment', 'flags']);
  const matrix = names.renamed(plan.matrix, ['matrix']);
  for (const name of Object.keys(matrix).filter((flag) => Object.hasOwn(flags, flag))) {
    const message = `${name} is under deployment.flags as well: the values here are what is used, so remove it there.`;
    names.problems.push({ code: 'plan.duplicate-flag', message, path: ['matrix', name] });
  }
  const arrangements = plan.engine.arrangements?.map((arrangement, index) => ({
    ...arrangement,
    ...(arrangement.flags === undefined
      ? {}
      : { flags: names.renamed(arrangement.flags, ['engine', 'arrangements', index, 'flags']) }),
  }));
  const search = plan.search && searchFlag(plan.search, { flags, matrix }, names);
  const known = new Set([
    ...Object.keys(flags),
    ...Object.keys(matrix),
    ...(arrangements ?? []).flatMap((arrangement) => Object.keys(arrangement.flags ?? {})),
    ...(search === undefined ? [] : [search.flag]),
  ]);
  const exclude = plan.exclude.map((entry, index) => names.renamed(entry, ['exclude', index], excludeKeys));
  for (const [index, entry] of exclude.entries()) {
    const stray = Object.keys(entry).find(
      (name) => !(excludeKeys as readonly string[]).includes(name) && !known.has(name),
    );
    if (stray !== undefined) {
      const message = `${stray} is in neither matrix nor deployment.flags: this leaves nothing out.`;
      names.problems.push({ code: 'plan.exclude-unknown', message, path: ['exclude', index] });
    }
  }
  return {
    plan: {
      ...plan,
      engine: { ...plan.engine, ...(arrangements === undefined ? {} : { arrangements }) },
      deployment: { flags },
      matrix,
      exclude,
      ...(search === undefined ? {} : { search }),
    },
    problems: names.problems,
    warnings: names.warnings,
  };
}

function searchFlag(
  search: SweepPlan['search'] & {},
  { flags, matrix }: { readonly flags: object; readonly matrix: object },
  names: FlagNames,
): SweepPlan['search'] & {} {
  if ((loadLevels as readonly string[]).includes(search.flag)) return search;
  const path = ['search', 'flag'];
  const [flag = search.flag] = Object.keys(names.renamed({ [search.flag]: 1 }, ['search'], [], path));
  for (const [where, part] of [
    ['matrix', matrix],
    ['deployment.flags', flags],
  ] as const) {
    if (!Object.hasOwn(part, flag)) continue;
    const message = `${flag} is under ${where} as well: its candidates are what is used, so remove it there.`;
    names.problems.push({ code: 'plan.duplicate-flag', message, path });
  }
  return { ...search, flag };
}

class FlagNames {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #launch: ServerLaunch;
  readonly #engine: Engine | undefined;

  constructor(launch: ServerLaunch) {
    this.#launch = launch;
    this.#engine = findEngine(launch.name);
  }

  /** `others` are no flags and stay as they are. `at`: where all of them stand, if they are no keys. */
  renamed<V>(
    flags: Readonly<Record<string, V>>,
    parent: Path,
    others: readonly string[] = [],
    at?: Path,
  ): Record<string, V> {
    const result: Record<string, V> = {};
    for (const [written, value] of Object.entries(flags)) {
      if (others.includes(written)) {
        result[written] = value;
        continue;
      }
      const path = at ?? [...parent, written];
      const name = this.#nameOf(written, value, path);
      if (name === undefined) continue;
      if (Object.hasOwn(result, name)) {
        const message = `${written} is given twice, as another spelling of ${name}.`;
        this.problems.push({ code: 'plan.duplicate-flag', message, path });
      }
      result[name] = value;
    }
    return result;
  }

  #nameOf(written: string, value: unknown, path: Path): string | undefined {
    const bare = written.replace(/^-+/, '');
    if (!/^[A-Za-z][\w.-]*$/.test(bare)) {
      const message = `"${written}" is no name of a flag: it is made of letters, digits, "-", "_" and ".", and its value stands behind the colon.`;
      this.problems.push({ code: 'plan.bad-flag', message, path });
      return undefined;
    }
    const definition = this.#engine?.canonicalFlag(written);
    const name = definition?.name ?? this.#launch.flagName(bare);
    const own = ownFlagReason(this.#launch, name, definition !== undefined || this.#engine === undefined);
    if (own !== undefined) {
      this.problems.push({ code: 'plan.own-flag', message: `${written}: ${own}.`, path });
    } else if (definition !== undefined && bare.replaceAll('_', '-') === `no-${name}`) {
      const message = `${written}: a plan says this with true and false: write ${name}, and the other value.`;
      this.problems.push({ code: 'plan.bad-flag', message, path });
    } else if (isSecretName(name) && [value].flat(2).some((one) => typeof one !== 'boolean')) {
      this.problems.push(secretProblem(written, path));
    } else if (definition === undefined && this.#engine !== undefined) {
      const near = closest(
        name,
        this.#engine.flags.map((flag) => flag.name),
      );
      const hint = near === undefined ? 'It is handed on as it stands.' : `Did you mean ${near}?`;
      const message = `${this.#engine.label} has no flag "${written}" that Loadline knows. ${hint}`;
      this.warnings.push({ code: 'plan.unknown-flag', message, path });
    }
    return name;
  }
}
