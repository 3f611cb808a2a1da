import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TrustStore } from '../../../src/remote/trustStore.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';

const fingerprint = (letter: string) => `SHA256:${letter.repeat(43)}`;
const store = () => new TrustStore(join(temporaryFolder('trust'), 'deep', 'host-keys.json'));

describe('TrustStore', () => {
  it('keeps one key for each algorithm of a host and port', async () => {
    const trust = store();
    await trust.add('GPU-01', 22, 'ssh-ed25519', fingerprint('a'));
    await trust.add('gpu-01', 22, 'ssh-ed25519', fingerprint('b'));
    await trust.add('gpu-01', 22, 'ssh-rsa', fingerprint('c'));
    await trust.add('gpu-01', 2222, 'ssh-ed25519', fingerprint('d'));
    const keys = await trust.keysFor('Gpu-01', 22);
    expect(keys.map((key) => key.fingerprint)).toEqual([fingerprint('b'), fingerprint('c')]);
  });

  it('forgets a host and leaves the others', async () => {
    const trust = store();
    await trust.add('gpu-01', 22, 'ssh-ed25519', fingerprint('a'));
    await trust.add('gpu-02', 22, 'ssh-ed25519', fingerprint('b'));
    expect(await trust.forget('gpu-01', 22)).toBe(true);
    expect(await trust.forget('gpu-01', 22)).toBe(false);
    expect(await trust.keysFor('gpu-01', 22)).toEqual([]);
    expect(await trust.keysFor('gpu-02', 22)).toHaveLength(1);
  });

  it.each<[string, (document: { schema?: unknown; keys?: unknown[] }) => void, string]>([
    ['an entry without a key', ({ keys }) => keys?.push({ host: 'gpu-01', port: 22 }), 'entry 2'],
    ['an entry that is none', ({ keys }) => keys?.unshift(null), 'entry 1'],
    [
      'a fingerprint that is cut off',
      ({ keys }) => Object.assign(keys?.[0] ?? {}, { fingerprint: 'SHA256:short' }),
      'entry 1',
    ],
    ['another schema', (document) => Object.assign(document, { schema: 2 }), 'schema is 2'],
    ['no schema', (document) => delete document.schema, 'schema is not given'],
    ['no keys', (document) => delete document.keys, 'no list of keys'],
  ])('refuses a file with %s, and says which and what to do', async (_what, damage, said) => {
    const trust = store();
    await trust.add('gpu-01', 22, 'ssh-ed25519', fingerprint('a'));
    const document = JSON.parse(readFileSync(trust.file, 'utf8'));
    damage(document);
    const text = JSON.stringify(document);
    writeFileSync(trust.file, text);
    for (const ask of [
      () => trust.keysFor('gpu-01', 22),
      () => trust.keysFor('gpu-02', 22),
      () => trust.add('gpu-02', 22, 'ssh-ed25519', fingerprint('b')),
      () => trust.forget('gpu-01', 22),
    ]) {
      const error: unknown = await ask().then(
        () => 'it was read',
        (reason) => reason,
      );
      expect(String(error)).toContain(said);
      expect(String(error)).toContain(trust.file);
      expect(String(error)).toContain('or remove it');
    }
    expect(readFileSync(trust.file, 'utf8')).toBe(text);
  });

  it('refuses a file that is torn', async () => {
    const trust = store();
    await trust.add('gpu-01', 22, 'ssh-ed25519', fingerprint('a'));
    const text = readFileSync(trust.file, 'utf8');
    writeFileSync(trust.file, text.slice(0, text.length / 2));
    await expect(trust.keysFor('gpu-01', 22)).rejects.toThrow(trust.file);
    await expect(trust.add('gpu-02', 22, 'ssh-ed25519', fingerprint('b'))).rejects.toThrow('or remove it');
  });
});
