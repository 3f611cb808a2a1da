import { describe, expect, it } from 'vitest';
import { readFailure, readQuestion } from '../../../src/remote/opensshWords.ts';

const shown = 'SHA256:uNiVztksCsDhcc0u9e8BrrIOaDmW3xw3EMW4tLrdX30';

describe('what ssh asks', () => {
  it.each([
    ['9.2', `ED25519 key fingerprint is ${shown}.\nThis key is not known by any other names.`],
    ['10.x', `ED25519 key fingerprint is: ${shown}\nThis key is not known by any other names.`],
  ])('about a host key, as %s words it', (_version, words) => {
    const prompt = `The authenticity of host '[10.0.0.1]:2222 ([10.0.0.1]:2222)' can't be established.\n${words}\nAre you sure you want to continue connecting (yes/no/[fingerprint])? `;
    expect(readQuestion(prompt, '')).toEqual({
      kind: 'host-key',
      name: '[10.0.0.1]:2222',
      keyType: 'ED25519',
      fingerprint: shown,
    });
  });

  it('about a host behind a proxy', () => {
    const prompt = `The authenticity of host 'gpu (<no hostip for proxy command>)' can't be established.\nECDSA key fingerprint is ${shown}.\n`;
    expect(readQuestion(prompt, '')).toMatchObject({ kind: 'host-key', name: 'gpu', keyType: 'ECDSA' });
  });

  it.each([
    [
      "Enter passphrase for key '/home/a b/.ssh/id': ",
      '',
      { kind: 'passphrase', keyFile: '/home/a b/.ssh/id' },
    ],
    ["ann@gpu's password: ", '', { kind: 'password', user: 'ann' }],
    ['(ann@gpu) One-time code: ', '', { kind: 'other', prompt: 'One-time code: ' }],
    ['Enter PIN for ED25519-SK key /k: ', '', { kind: 'other', prompt: 'Enter PIN for ED25519-SK key /k: ' }],
    [
      'Confirm user presence for key ED25519-SK SHA256:x',
      'none',
      { kind: 'notice', text: 'Confirm user presence for key ED25519-SK SHA256:x' },
    ],
  ])('%s', (prompt, hint, expected) => {
    expect(readQuestion(prompt, hint)).toEqual(expected);
  });
});

describe('why ssh gave up', () => {
  it.each([
    ['ann@gpu: Permission denied (publickey,password).', 'authentication'],
    ['Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures', 'authentication'],
    ['ssh: connect to host gpu port 22: Connection refused', 'unreachable'],
    ['ssh: Could not resolve hostname gpu: Name or service not known', 'unreachable'],
    ['ssh: connect to host gpu port 22: Connection timed out', 'timeout'],
    ['/c: line 2: Bad configuration option: x\n/c: terminating, 1 bad configuration options', 'config'],
    [
      'No ED25519 host key is known for gpu and you have requested strict checking.\nHost key verification failed.',
      'host-key-unknown',
    ],
    ['', 'unreachable'],
  ])('%s', (stderr, reason) => {
    expect(readFailure(stderr).reason).toBe(reason);
  });

  it('a changed key, with what was offered and for whom', () => {
    const stderr = `@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nThe fingerprint for the ED25519 key sent by the remote host is\n${shown}.\nOffending ED25519 key in /k:1\nHost key for [10.0.0.1]:2222 has changed and you have requested strict checking.\nHost key verification failed.`;
    expect(readFailure(stderr)).toEqual({
      reason: 'host-key-changed',
      offered: { keyType: 'ED25519', fingerprint: shown },
      hostKeyName: '[10.0.0.1]:2222',
    });
  });
});
