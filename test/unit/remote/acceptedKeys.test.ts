import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { acceptedKeys } from '../../../src/remote/acceptedKeys.ts';
import { parseDestination, sshArguments } from '../../../src/remote/destination.ts';
import { TrustStore } from '../../../src/remote/trustStore.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';

const fingerprint = `SHA256:${'A'.repeat(43)}`;

it('keys accepted for a host are found by its alias, shown, and forgotten; those of others stay', async () => {
  const folder = temporaryFolder('accepted-keys');
  const config = join(folder, 'config');
  await writeFile(config, 'Host gpu\n  HostName gpu.invalid\n  Port 2222\n');
  const trustStoreFile = join(folder, 'keys.json');
  const store = new TrustStore(trustStoreFile);
  await store.add('gpu.invalid', 2222, 'ssh-ed25519', fingerprint);
  await store.add('other.invalid', 22, 'ssh-ed25519', fingerprint);
  const options = { environment: { ...process.env, LOADLINE_SSH_CONFIG: config }, trustStoreFile };
  const found = await acceptedKeys('gpu', options);
  expect(found).toMatchObject({
    place: 'gpu.invalid:2222',
    keys: [{ keyType: 'ssh-ed25519', fingerprint }],
  });
  expect(await found.forget()).toBe(true);
  expect((await acceptedKeys('gpu', options)).keys).toEqual([]);
  expect(await store.keysFor('other.invalid', 22)).toHaveLength(1);
});

it('ssh is given words that mean one host and nothing else', () => {
  const words = (name: string) => sshArguments(parseDestination(name), {});
  expect(words('gpu')).toEqual(['--', 'gpu']);
  expect(words('me@[fe80::1]:2222')).toEqual(['-l', 'me', '-p', '2222', '--', 'fe80::1']);
  for (const name of ['-oProxyCommand=x', 'a;b', 'a b', '$(x)', '-l@x']) expect(() => words(name)).toThrow();
});
