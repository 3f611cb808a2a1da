import { describe, expect, it } from 'vitest';
import { profileOf, supportedVllmVersions } from '../../../src/core/engine/vllm/versions/profiles.ts';
import { matchRelease, RELEASES, releaseName } from '../../../src/core/engine/vllm/versions/releases.ts';

const matched = (version: string | undefined) => {
  const { release, relation } = matchRelease(version);
  return [releaseName(release), relation];
};

describe('the release whose facts stand for a version', () => {
  it.each([
    [undefined, '0.26.0', 'exact'],
    ['0.26.0', '0.26.0', 'exact'],
    ['v0.26.0', '0.26.0', 'exact'],
    ['0.26', '0.26.0', 'exact'],
    ['0.27', '0.27.1', 'exact'],
    ['0.8.5', '0.8.5.post1', 'exact'],
    ['0.10.2+cu128', '0.10.2', 'exact'],
    ['0.10.1+cu128', '0.9.2', 'between'],
    ['v0.10.1rc1', '0.9.2', 'between'],
    ['0.26.0rc2', '0.25.1', 'between'],
    ['0.26.1', '0.26.0', 'between'],
    ['0.27.0', '0.26.0', 'between'],
    ['0.20.0', '0.19.1', 'between'],
    ['0.34.0', '0.33.0', 'newer'],
    ['1.2.3', '0.33.0', 'newer'],
    ['0.33.1.dev17+gabcdef', '0.33.0', 'newer'],
    ['0.5.4', '0.6.6.post1', 'older'],
    ['latest', '0.33.0', 'moving'],
    ['nightly-2026-11-20', '0.33.0', 'moving'],
    ['my-build', '0.26.0', 'unreadable'],
    ['', '0.26.0', 'unreadable'],
  ])('%s: %s, %s', (version, release, relation) => {
    expect(matched(version)).toEqual([release, relation]);
  });

  it('is itself for each of them', () => {
    for (const release of RELEASES) expect(matched(release)).toEqual([release, 'exact']);
    expect(supportedVllmVersions).toHaveLength(22);
  });
});

describe('dated accounting', () => {
  const at = (version: string) => profileOf(version).profile;

  it('raises the default share of memory with 0.21', () => {
    expect(at('0.19.1').gpuMemoryUtilization).toBe(0.9);
    expect(at('0.21.0').gpuMemoryUtilization).toBe(0.92);
  });

  it('charges graphs on V1 from 0.21, and on V2 from 0.29', () => {
    const charged = (version: string) => [at(version).graphsCharged('V1'), at(version).graphsCharged('V2')];
    expect(charged('0.19.1')).toEqual([false, false]);
    expect(charged('0.21.0')).toEqual([true, false]);
    expect(charged('0.28.0')).toEqual([true, false]);
    expect(charged('0.29.0')).toEqual([true, true]);
  });

  it('lightens the sampler with 0.17 and with the V2 runner, and adds a pass with 0.33', () => {
    const logit = (version: string, runner: 'V0' | 'V1' | 'V2') =>
      at(version).peak(runner).samplerBytesPerLogit;
    expect(logit('0.15.1', 'V1')).toBe(38);
    expect(logit('0.17.1', 'V1')).toBe(14);
    expect(logit('0.26.0', 'V2')).toBe(2);
    expect(logit('0.33.0', 'V2')).toBeGreaterThan(2);
    expect(logit('0.6.6.post1', 'V0')).toBe(38);
  });

  it('charges what is allocated after loading from 0.27.1 on', () => {
    expect(at('0.26.0').charging).toBe('profiled');
    expect(at('0.27.1').charging).toBe('consumed');
  });
});
