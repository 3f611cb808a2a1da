/** The releases of vLLM whose packages were read, oldest first. A release's place here is what the dated facts refer to. */
export const RELEASES = [
  '0.6.6.post1',
  '0.8.5.post1',
  '0.9.2',
  '0.10.2',
  '0.11.2',
  '0.13.0',
  '0.15.1',
  '0.17.1',
  '0.19.1',
  '0.21.0',
  '0.22.1',
  '0.23.0',
  '0.24.0',
  '0.25.1',
  '0.26.0',
  '0.27.1',
  '0.28.0',
  '0.29.0',
  '0.30.0',
  '0.31.0',
  '0.32.0',
  '0.33.0',
] as const;

export type Release = (typeof RELEASES)[number];

/** How a written version relates to the release whose facts stand for it. */
export type ReleaseMatch = {
  /** Place in RELEASES. */
  readonly release: number;
  readonly relation: 'exact' | 'between' | 'newer' | 'older' | 'moving' | 'unreadable';
};

/** Where nothing says the version: the release that was recorded, start by start. */
export const DEFAULT_RELEASE: Release = '0.26.0';

const newest = RELEASES.length - 1;
const places: ReadonlyMap<string, number> = new Map(RELEASES.map((name, index) => [name, index]));

/** The place of a release, for dated facts. */
export function releaseIndex(release: Release): number {
  return places.get(release) ?? 0;
}

export function releaseName(index: number): Release {
  return RELEASES[index] ?? DEFAULT_RELEASE;
}

const matches = new Map<string, ReleaseMatch>();
const defaultMatch: ReleaseMatch = { release: releaseIndex(DEFAULT_RELEASE), relation: 'exact' };

/**
 * The release whose facts stand for a version: `0.26.0`, `v0.10.1rc1`, `0.10.1+cu128`, `0.26`, `latest`, `nightly`. Between two of
 * them it is the older; beyond the newest, the newest. A release candidate comes before its release, a post-release is its release.
 */
export function matchRelease(version: string | undefined): ReleaseMatch {
  if (version === undefined) return defaultMatch;
  let match = matches.get(version);
  if (match === undefined) {
    match = findMatch(version);
    // Versions are few; a document with thousands of made-up ones must not fill the memory.
    if (matches.size > 500) matches.clear();
    matches.set(version, match);
  }
  return match;
}

function findMatch(version: string): ReleaseMatch {
  const text = version.trim().toLowerCase().replace(/^v/, '');
  if (/^(latest|nightly|main|dev)/.test(text)) return { release: newest, relation: 'moving' };
  const written = parts(text);
  if (written === undefined) return { release: releaseIndex(DEFAULT_RELEASE), relation: 'unreadable' };
  let release = -1;
  for (const [index, name] of RELEASES.entries()) {
    const known = parts(name) ?? [];
    // A minor version alone is the release of it that was read.
    const order = compare(written, written.length === 2 ? known.slice(0, 2) : known);
    if (order === 0) return { release: index, relation: 'exact' };
    if (order > 0) release = index;
  }
  if (release === -1) return { release: 0, relation: 'older' };
  return { release, relation: release === newest ? 'newer' : 'between' };
}

/** `0.10.1rc1` -> [0, 10, 1, -1]: what follows the numbers counts only where it comes before the release. */
function parts(text: string): readonly number[] | undefined {
  const match = /^(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(.*)$/.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, rest = ''] = match;
  const numbers = [Number(major), Number(minor)];
  const early = /^[.-]?(a|b|rc|dev|alpha|beta)\d*/.test(rest);
  if (patch === undefined && !early) return numbers;
  return [...numbers, Number(patch ?? 0), early ? -1 : 0];
}

function compare(left: readonly number[], right: readonly number[]): number {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
