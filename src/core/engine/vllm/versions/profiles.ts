import { peakOf } from './peaks.ts';
import type { VllmProfile } from './profile.ts';
import {
  DEFAULT_RELEASE,
  matchRelease,
  RELEASES,
  type Release,
  type ReleaseMatch,
  releaseIndex,
  releaseName,
} from './releases.ts';

/**
 * The accounting of one release, as the sum of dated changes. Each was found by reading the packages: engine/arg_utils.py,
 * v1/worker/gpu_worker.py, v1/worker/utils.py, utils/mem_utils.py, envs.py, v1/core/kv_cache_utils.py, config/vllm.py.
 */
function profileAt(release: number): VllmProfile {
  const since = (first: Release) => release >= releaseIndex(first);
  return {
    version: releaseName(release),
    release,
    gpuMemoryUtilization: since('0.21.0') ? 0.92 : 0.9,
    blockSize: 16,
    roundsRequestUp: since('0.15.1'),
    charging: since('0.27.1') ? 'consumed' : 'profiled',
    // The snapshot moved behind the start of the distributed environment.
    ncclCharged: !since('0.11.2'),
    inFlight: since('0.26.0') ? 'concurrent-steps' : 'one-step',
    largestCapture: { blackwell: since('0.28.0') ? 1024 : 512, others: 512 },
    // V1 has estimated them since 0.17, and charged them since 0.21; V2's estimate was 0 until 0.29.
    graphsCharged: (runner) => (runner === 'V2' ? since('0.29.0') : runner === 'V1' && since('0.21.0')),
    peak: (runner) => peakOf(release, runner),
  };
}

const profiles: readonly VllmProfile[] = RELEASES.map((_, index) => profileAt(index));

export const defaultProfile: VllmProfile = profileAt(releaseIndex(DEFAULT_RELEASE));

/** Oldest first. */
export const supportedVllmVersions: readonly string[] = RELEASES;

/** The profile that stands for a version, and how the two relate. */
export function profileOf(version: string | undefined): { profile: VllmProfile; match: ReleaseMatch } {
  const match = matchRelease(version);
  return { profile: profiles[match.release] ?? defaultProfile, match };
}
