import { closest } from '../../../closest.ts';
import type { FlagDefinition, FlagKind, VersionedFlag } from '../../engine.ts';
import { describedFlags, shortAliases } from './described.ts';
import { FLAG_TABLE } from './table.ts';

/** From a release on: the default (null: none, or chosen at start), or that the option is gone. */
interface FlagStep {
  readonly release: number;
  readonly removed: boolean;
  readonly default: string | number | boolean | null;
}

interface FlagRow {
  readonly definition: FlagDefinition;
  /** Oldest first; never empty. */
  readonly history: readonly FlagStep[];
}

/** What a release says of an option. Releases are places in RELEASES. */
export type FlagStatus =
  | { readonly state: 'known'; readonly default: string | number | boolean | null }
  | { readonly state: 'removed'; readonly since: number }
  | { readonly state: 'later'; readonly since: number }
  | { readonly state: 'unknown' };

const kinds: Readonly<Record<string, FlagKind>> = {
  i: 'integer',
  n: 'number',
  s: 'string',
  b: 'switch',
  j: 'json',
};

const rows: ReadonlyMap<string, FlagRow> = readTable();

/** Every option that any of the releases takes. */
export const vllmFlags: readonly FlagDefinition[] = [...rows.values()].map(({ definition }) => definition);

const bySpelling = new Map<string, FlagDefinition>();
for (const definition of vllmFlags) {
  bySpelling.set(definition.name, definition);
  for (const alias of definition.aliases) bySpelling.set(alias.replace(/^-+/, ''), definition);
}

function readTable(): Map<string, FlagRow> {
  const read = new Map<string, FlagRow>();
  for (const line of FLAG_TABLE.trim().split('\n')) {
    const [name = '', letter = '', ...steps] = line.split(' ');
    const described = describedFlags[name];
    read.set(name, {
      definition: {
        name,
        aliases: [...(shortAliases[name] ?? [])],
        kind: described?.kind ?? kinds[letter] ?? 'string',
        description: described?.description ?? 'Accepted by vLLM; does not enter the estimate.',
        ...(described?.effect === undefined ? {} : { effect: described.effect }),
      },
      history: steps.map(readStep),
    });
  }
  return read;
}

function readStep(step: string): FlagStep {
  if (step.startsWith('!')) return { release: Number(step.slice(1)), removed: true, default: null };
  const equals = step.indexOf('=');
  if (equals === -1) return { release: Number(step), removed: false, default: null };
  return {
    release: Number(step.slice(0, equals)),
    removed: false,
    default: JSON.parse(step.slice(equals + 1)) as string | number | boolean,
  };
}

/**
 * Any spelling to its definition: with or without dashes in front, with underscores, short, and with the `no-` that vLLM's
 * switches take. A switch found through `no-` is the same definition; its value is the caller's to invert.
 */
export function canonicalVllmFlag(name: string): FlagDefinition | undefined {
  const direct = bySpelling.get(name);
  if (direct !== undefined) return direct;
  const plain = name.replace(/^-+/, '').replaceAll('_', '-');
  const found = bySpelling.get(plain);
  if (found !== undefined || !plain.startsWith('no-')) return found;
  const positive = bySpelling.get(plain.slice(3));
  return positive?.kind === 'switch' ? positive : undefined;
}

/** What a release says of an option, by its canonical name. */
export function flagStatus(name: string, release: number): FlagStatus {
  const row = rows.get(name);
  const first = row?.history[0];
  if (row === undefined || first === undefined) return { state: 'unknown' };
  if (first.release > release) return { state: 'later', since: first.release };
  let step = first;
  for (const next of row.history) if (next.release <= release) step = next;
  return step.removed ? { state: 'removed', since: step.release } : { state: 'known', default: step.default };
}

/** Where the default of an option that both releases know differs between a release and the one before it. */
export function defaultChange(
  name: string,
  release: number,
): { readonly before: FlagStep['default']; readonly after: FlagStep['default'] } | undefined {
  const before = flagStatus(name, release - 1);
  const after = flagStatus(name, release);
  if (release === 0 || before.state !== 'known' || after.state !== 'known') return undefined;
  return before.default === after.default ? undefined : { before: before.default, after: after.default };
}

const byRelease = new Map<number, readonly VersionedFlag[]>();

/** The options of one release with their defaults there: what completion offers. */
export function flagsOfRelease(release: number): readonly VersionedFlag[] {
  let flags = byRelease.get(release);
  if (flags === undefined) {
    flags = vllmFlags.flatMap((definition) => {
      const status = flagStatus(definition.name, release);
      return status.state === 'known' ? [{ ...definition, default: status.default }] : [];
    });
    byRelease.set(release, flags);
  }
  return flags;
}

/** The option of a release that a misspelt one was meant for. */
export function meantFlag(name: string, release: number): string | undefined {
  return closest(
    name,
    flagsOfRelease(release).map((flag) => flag.name),
  );
}
