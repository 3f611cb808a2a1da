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

  it('drops entries that are not whole, and nothing else', async () => {
    const trust = store();
    await trust.add('gpu-01', 22, 'ssh-ed25519', fingerprint('a'));
    const document = JSON.parse(readFileSync(trust.file, 'utf8'));
    document.keys.push(
      { ...document.keys[0], fingerprint: 'SHA256:short' },
      { host: 'gpu-01', port: 22 },
      null,
    );
    writeFileSync(trust.file, JSON.stringify(document));
    expect(await trust.keysFor('gpu-01', 22)).toHaveLength(1);
  });

  it('refuses a file that is torn', async () => {
    const trust = store();
    await trust.add('gpu-01', 22, 'ssh-ed25519', fingerprint('a'));
    const text = readFileSync(trust.file, 'utf8');
    writeFileSync(trust.file, text.slice(0, text.length / 2));
    await expect(trust.keysFor('gpu-01', 22)).rejects.toThrow();
    await expect(trust.add('gpu-02', 22, 'ssh-ed25519', fingerprint('b'))).rejects.toThrow();
  });
});
