import type { VllmProfile } from './profile.ts';
import { v0_26 } from './v0_26.ts';

/** Newest first. To add a release: a file beside these, and its profile here. */
const profiles: readonly VllmProfile[] = [v0_26];

export const defaultProfile: VllmProfile = v0_26;

export const supportedVllmVersions: readonly string[] = profiles.map((profile) => profile.version);

/** The profile of a release's minor version (`0.26`, `v0.26.1`); `exact` is false where another one stands in. */
export function profileOf(version: string | undefined): { profile: VllmProfile; exact: boolean } {
  if (version === undefined) return { profile: defaultProfile, exact: true };
  const minor = minorOf(version);
  const profile = profiles.find((candidate) => minorOf(candidate.version) === minor);
  return profile === undefined ? { profile: defaultProfile, exact: false } : { profile, exact: true };
}

function minorOf(version: string): string {
  return version.trim().replace(/^v/i, '').split('.').slice(0, 2).join('.');
}
