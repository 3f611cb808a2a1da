/** What a source found as written -> canonical flags of a deployment, with their places and problems. */
import type { FlagValue } from '../core/engine/deployment.ts';
import type { Engine, FlagDefinition } from '../core/engine/engine.ts';
import { readFlagValue } from './flagValues.ts';
import type { LocatedFlag, LocatedProblem, OffsetRange, UnresolvedPart } from './located.ts';

export interface WrittenFlag {
  /** As written, without leading dashes. */
  readonly name: string;
  readonly key: OffsetRange;
  readonly valueRange?: OffsetRange;
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
  const rest = dot < 0 ? '' : bare.slice(dot);
  const definition = engine.canonicalFlag(base);
  if (definition && rest === '') return { name: definition.name, definition, negated: false };
  if (definition) return { name: definition.name + rest, negated: false };
  const positive = base.startsWith('no-') ? engine.canonicalFlag(base.slice(3)) : undefined;
  if (positive?.kind === 'switch') return { name: positive.name, definition: positive, negated: true };
  return { name: base + rest, negated: false };
}

/** Reads flags in the order written: the last of the same name wins, as in vLLM, and the earlier ones get a problem. */
export function readFlags(engine: Engine, written: readonly WrittenFlag[], text: string): ReadFlags {
  const flags: Record<string, FlagValue> = {};
  const located: Record<string, LocatedFlag> = {};
  const problems: LocatedProblem[] = [];
  const unresolved = new Map<string, UnresolvedPart>();

  for (const flag of written) {
    const { name, definition, negated } = readFlagName(engine, flag.name);
    const earlier = located[name];
    if (earlier) {
      problems.push({
        code: 'flag.duplicate',
        message: `--${name} is given again below, and the last one wins: remove this one.`,
        path: ['flags', name],
        range: earlier.key,
      });
    }
    delete flags[name];
    unresolved.delete(name);
    located[name] = { key: flag.key, ...(flag.valueRange ? { value: flag.valueRange } : {}) };
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
      flags[name] = read.value;
    } else {
      problems.push({ code: read.code, message: read.message, path: ['flags', name], range: place });
      unresolved.set(name, { flag: name, text: asWritten, range: place, why: 'invalid' });
    }
  }
  problems.push(...misspelt(engine, located));
  return { flags, located, problems, unresolved: [...unresolved.values()] };
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

/** A name that the engine does not know but nearly does. Names that resemble nothing may belong to a plug-in or a newer version. */
function misspelt(engine: Engine, located: Readonly<Record<string, LocatedFlag>>): LocatedProblem[] {
  const problems: LocatedProblem[] = [];
  for (const [name, { key }] of Object.entries(located)) {
    const { definition } = readFlagName(engine, name);
    if (definition || name.includes('.')) continue;
    const meant = nearestFlag(engine, name);
    if (meant) {
      problems.push({
        code: 'flag.unknown',
        message: `${engine.label} has no --${name}. Did you mean --${meant}?`,
        path: ['flags', name],
        range: key,
      });
    }
  }
  return problems;
}

/** The one known name within two edits, or undefined; an unambiguous beginning is fine, as vLLM takes it. */
function nearestFlag(engine: Engine, name: string): string | undefined {
  if (name.length < 5 || engine.flags.some((flag) => flag.name.startsWith(name))) return undefined;
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const flag of engine.flags) {
    const distance = editDistance(name, flag.name, 2);
    if (distance <= 2 && (!best || distance < best.distance)) best = { name: flag.name, distance };
  }
  return best?.name;
}

/** Levenshtein distance; anything above `limit` comes back as `limit + 1`. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > limit) return limit + 1;
    previous = current;
  }
  return previous[right.length] ?? limit + 1;
}
