import { describe, expect, it } from 'vitest';
import {
  defaultChange,
  flagStatus,
  flagsOfRelease,
  vllmFlags,
} from '../../../src/core/engine/vllm/flags/catalogue.ts';
import { checkFlag, defaultNote } from '../../../src/core/engine/vllm/flags/check.ts';
import { RELEASES, type Release, releaseIndex } from '../../../src/core/engine/vllm/versions/releases.ts';
import { vllm } from '../../../src/core/engine/vllm/vllm.ts';
import { fixtureText } from '../core/fixtures.ts';

interface OptionStep {
  readonly since: Release;
  readonly removed?: true;
  readonly default?: string | number | boolean | null;
}

const { releases, options } = JSON.parse(fixtureText('vllm-flags/options.json')) as {
  readonly releases: readonly string[];
  readonly options: Readonly<
    Record<string, { readonly kind: string; readonly history: readonly OptionStep[] }>
  >;
};
const at = (release: Release) => releaseIndex(release);

describe('options by release', () => {
  it('are those of the recorded packages, for each of them (else: node test/tools/vllmFlags.mjs)', () => {
    expect(releases).toEqual(RELEASES);
    for (const [name, { history }] of Object.entries(options)) {
      for (const [index] of RELEASES.entries()) {
        const step = history.findLast(({ since }) => at(since) <= index);
        const status = flagStatus(name, index);
        if (step === undefined) expect(status.state, `${name} ${index}`).toBe('later');
        else if (step.removed) expect(status.state, `${name} ${index}`).toBe('removed');
        else expect(status, `${name} ${index}`).toEqual({ state: 'known', default: step.default });
      }
    }
    expect(vllmFlags).toHaveLength(Object.keys(options).length);
  });

  it('say what is gone, under what name it goes on, what came later and what was meant', () => {
    const check = (name: string, release: Release) => {
      const problem = checkFlag(name, at(release));
      return problem === undefined ? undefined : `${problem.code}: ${problem.message}`;
    };
    expect(check('max-num-seqs', '0.26.0')).toBeUndefined();
    expect(check('swap-space', '0.17.1')).toBeUndefined();
    expect(check('swap-space', '0.26.0')).toMatch(/^flag\.removed: swap-space is gone since vLLM 0\.19\.1/);
    expect(check('cuda-graph-sizes', '0.26.0')).toContain('use cudagraph-capture-sizes');
    expect(check('task', '0.26.0')).toContain('use runner');
    expect(check('kv-cache-memory-bytes', '0.9.2')).toMatch(/^flag\.later: .* came with vLLM 0\.10\.2/);
    expect(check('max-modle-len', '0.26.0')).toContain('did you mean max-model-len?');
    // What was meant is an option of that release, not one of another.
    expect(check('cuda-graph-size', '0.26.0')).not.toContain('cuda-graph-sizes');
    expect(check('toString', '0.26.0')).toMatch(/^flag\.unknown/);
  });

  it('tell where a default is new, and where the next release changes it', () => {
    expect(defaultChange('gpu-memory-utilization', at('0.21.0'))).toEqual({ before: 0.9, after: 0.92 });
    expect(defaultNote('gpu-memory-utilization', at('0.21.0'))).toContain('is 0.92 since vLLM 0.21.0');
    expect(defaultNote('gpu-memory-utilization', at('0.19.1'))).toContain('0.21.0 makes it 0.92');
    expect(defaultNote('gpu-memory-utilization', at('0.26.0'))).toBeUndefined();
    expect(defaultChange('port', at('0.26.0'))).toBeUndefined();
  });

  it('know what the server takes', () => {
    for (const name of ['host', 'port', 'api-key', 'served-model-name', 'ssl-keyfile', 'root-path']) {
      expect(flagStatus(name, at('0.26.0')).state, name).toBe('known');
    }
  });

  it('complete with kind, description, effect and the default of the version', () => {
    const of = (version: string | undefined) =>
      vllm.flagsOf(version).find(({ name }) => name === 'gpu-memory-utilization');
    expect(of('0.19.1')).toMatchObject({ kind: 'number', default: 0.9, effect: 'budget' });
    expect(of(undefined)).toMatchObject({ default: 0.92 });
    expect(flagsOfRelease(at('0.33.0')).every(({ description }) => description !== '')).toBe(true);
    expect(vllm.flagsOf('0.33.0').map(({ name }) => name)).not.toContain('swap-space');
  });
});
