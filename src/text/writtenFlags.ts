/** What a source found as written -> canonical flags of a deployment, with their places and problems. */
import type { FlagValue } from '../core/engine/deployment.ts';
import type { Engine, FlagDefinition } from '../core/engine/engine.ts';
import { readFlagValue } from './flagValues.ts';
import type { LocatedFlag, LocatedProblem, OffsetRange, UnresolvedPart, Writing } from './located.ts';

export interface WrittenFlag {
  /** As written, without leading dashes. */
  readonly name: string;
  readonly key: OffsetRange;
  readonly valueRange?: OffsetRange;
  /** Key and value with their quotes. */
  readonly whole: OffsetRange;
  readonly writing: Writing;
  /** Texts of the values; empty for a bare switch. A YAML boolean comes as one; null (YAML's nothing) leaves the default. */
  readonly values: readonly string[] | boolean | null;
  /** True where an expansion or a template stands in the value. */
  readonly expandedLater?: boolean;
}

export interface ReadFlags {
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly located: Readonly<Record<string, LocatedFlag>>;
  readonly problems: readonly LocatedProblem[];
  readonly unresolved: readonly UnresolvedPart[];
}

export interface FlagName {
  /** Canonical where the engine knows it, else as written with dashes. Keeps the part after a dot. */
  readonly name: string;
  readonly definition?: FlagDefinition;
  /** Written as `--no-…`. */
  readonly negated: boolean;
}

/** `--max_model_len`, `-tp`, `no-enable-prefix-caching`, `compilation-config.level` -> the canonical name. */
export function readFlagName(engine: Engine, written: string): FlagName {
  const bare = written.replace(/^-+/, '');
  const dot = bare.indexOf('.');
  const base = (dot < 0 ? bare : bare.slice(0, dot)).replaceAll('_', '-');
  const definition = engine.canonicalFlag(base);
  const name = definition?.name ?? base;
  if (dot >= 0) return { name: name + bare.slice(dot), negated: false };
  const negated = definition?.kind === 'switch' && base === `no-${name}`;
  return definition ? { name, definition, negated } : { name, negated };
}

/**
 * Reads flags in the order written: the last of the same name wins, as in vLLM, and the earlier ones get a problem. Without
 * an engine there are none.
 */
export function readFlags(
  engine: Engine | undefined,
  written: readonly WrittenFlag[],
  text: string,
): ReadFlags {
  // Maps, because people may write any name, `constructor` too.
  const flags = new Map<string, FlagValue>();
  const located = new Map<string, LocatedFlag>();
  const problems: LocatedProblem[] = [];
  const unresolved = new Map<string, UnresolvedPart>();
  const overriddenByName = new Map<string, OffsetRange[]>();

  for (const flag of written) {
    if (!engine) break;
    const { name, definition, negated } = readFlagName(engine, flag.name);
    const earlier = located.get(name);
    if (earlier) {
      problems.push({
        code: 'flag.duplicate',
        message: `--${name} is given again below, and the last one wins: remove this one.`,
        path: ['flags', name],
        range: earlier.key,
      });
    }
    flags.delete(name);
    unresolved.delete(name);
    const { key, whole, writing } = flag;
    located.set(name, {
      key,
      ...(flag.valueRange ? { value: flag.valueRange } : {}),
      whole,
      writing,
      ...(earlier ? { earlier: overridden(overriddenByName, name, earlier.whole) } : {}),
    });
    const { valueRange } = flag;
    const place = valueRange && valueRange.end > valueRange.start ? valueRange : flag.key;
    const asWritten = text.slice(place.start, place.end);

    if (flag.expandedLater) {
      unresolved.set(name, { flag: name, text: asWritten, range: place, why: 'expanded-later' });
      continue;
    }
    if (flag.values === null) continue;
    const read = readOne(name, definition, negated, flag.values);
    if (read.ok) {
      flags.set(name, read.value);
    } else {
      problems.push({ code: read.code, message: read.message, path: ['flags', name], range: place });
      // As it stands, so that nothing downstream takes the default for it.
      flags.set(name, typeof flag.values === 'boolean' ? flag.values : flag.values.join(' '));
      unresolved.set(name, { flag: name, text: asWritten, range: place, why: 'invalid' });
    }
  }
  return {
    flags: Object.fromEntries(flags),
    located: Object.fromEntries(located),
    problems,
    unresolved: [...unresolved.values()],
  };
}

/** One growing list a name: a copy each time would make many repeats of a flag slow. */
function overridden(byName: Map<string, OffsetRange[]>, name: string, whole: OffsetRange): OffsetRange[] {
  const list = byName.get(name) ?? [];
  list.push(whole);
  byName.set(name, list);
  return list;
}

type ReadOne =
  | { readonly ok: true; readonly value: FlagValue }
  | { readonly ok: false; readonly code: string; readonly message: string };

function readOne(
  name: string,
  definition: FlagDefinition | undefined,
  negated: boolean,
  values: readonly string[] | boolean,
): ReadOne {
  if (typeof values === 'boolean') return readSwitch(name, definition, negated ? !values : values);
  const [first] = values;
  if (first === undefined) return readSwitch(name, definition, !negated);
  if (definition?.kind === 'switch') {
    return {
      ok: false,
      code: 'flag.takes-no-value',
      message: `--${name} is a switch and takes no value: write --${name} or --no-${name}.`,
    };
  }
  if (values.length > 1) return { ok: true, value: values };
  return definition ? readFlagValue(definition, first) : { ok: true, value: first };
}

function readSwitch(name: string, definition: FlagDefinition | undefined, value: boolean): ReadOne {
  if (definition && (definition.kind === 'integer' || definition.kind === 'number')) {
    return { ok: false, code: 'flag.no-value', message: `--${name} needs a number.` };
  }
  if (definition && definition.kind !== 'switch' && value) {
    return { ok: false, code: 'flag.no-value', message: `--${name} needs a value.` };
  }
  return { ok: true, value };
}
