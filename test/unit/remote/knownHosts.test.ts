import { createHash, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fingerprint,
  HostKnowledge,
  knownHostsName,
  matchesHost,
  parseKnownHosts,
} from '../../../src/remote/knownHosts.ts';

/** A public key in wire form: made up, as its numbers do not matter here. */
function key(type: string, seed: string): Buffer {
  const part = (data: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, data.length]), data]);
  return Buffer.concat([part(Buffer.from(type)), part(createHash('sha256').update(seed).digest())]);
}

const ed25519 = key('ssh-ed25519', 'one');
const otherEd25519 = key('ssh-ed25519', 'two');
const rsa = key('ssh-rsa', 'one');
const negotiable = new Set(['ssh-ed25519', 'ssh-rsa']);
const line = (names: string, blob: Buffer, marker = '') =>
  `${marker}${names} ${blob.toString('latin1', 4, 4 + (blob[3] ?? 0))} ${blob.toString('base64')} a comment`;

function hashed(name: string): string {
  const salt = randomBytes(20);
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

function judge(
  text: string,
  blob: Buffer,
  name = 'gpu-01',
  accepted: { keyType: string; fingerprint: string }[] = [],
) {
  const kept = accepted.map((one) => ({ ...one, place: 'store' }));
  return new HostKnowledge(parseKnownHosts(text, 'kh'), name, kept).judge(blob, negotiable);
}

describe('known_hosts', () => {
  it('knows a key by name, among others, in any place of the file', () => {
    const text = `# hosts\n\n${line('other', otherEd25519)}\r\n${line('gpu-01,10.0.0.1', ed25519)}\n`;
    expect(judge(text, ed25519)).toEqual({ kind: 'known', place: 'kh:4' });
    expect(judge(text, ed25519, '10.0.0.1').kind).toBe('known');
    expect(judge(text, ed25519, 'gpu-02').kind).toBe('unknown');
  });

  it('shows both fingerprints of a changed key', () => {
    expect(judge(line('gpu-01', ed25519), otherEd25519)).toEqual({
      kind: 'changed',
      known: [{ keyType: 'ssh-ed25519', fingerprint: fingerprint(ed25519), place: 'kh:1' }],
    });
  });

  it('takes a host that no longer shows its known type for a changed one', () => {
    expect(judge(line('gpu-01', ed25519), rsa).kind).toBe('changed');
  });

  it('cannot say so of a type that it could not have asked for', () => {
    expect(judge(line('gpu-01', key('sk-ssh-ed25519@openssh.com', 'x')), rsa).kind).toBe('unknown');
  });

  it('refuses a revoked key, also where another line knows it', () => {
    const text = `${line('gpu-01', ed25519)}\n${line('*', ed25519, '@revoked ')}\n`;
    expect(judge(text, ed25519)).toEqual({ kind: 'revoked', place: 'kh:2' });
    expect(
      judge(text, ed25519, 'gpu-01', [{ keyType: 'ssh-ed25519', fingerprint: fingerprint(ed25519) }]).kind,
    ).toBe('revoked');
  });

  it('reports a certificate authority and takes it for no key', () => {
    expect(judge(line('*.cluster', ed25519, '@cert-authority '), ed25519, 'a.cluster')).toEqual({
      kind: 'unknown',
      certificateAuthority: 'kh:1',
    });
  });

  it('matches hashed names and only those', () => {
    expect(judge(line(hashed('gpu-01'), ed25519), ed25519).kind).toBe('known');
    expect(judge(line(hashed('gpu-02'), ed25519), ed25519).kind).toBe('unknown');
    expect(judge(line('|1|c2FsdA==', ed25519), ed25519).kind).toBe('unknown');
    expect(judge(line('|2|c2FsdA==|aGFzaA==', ed25519), ed25519).kind).toBe('unknown');
  });

  it.each([
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'example.com', false],
    ['gpu-?', 'gpu-1', true],
    ['gpu-?', 'gpu-12', false],
    ['*,!gpu-01', 'gpu-01', false],
    ['!gpu-01,*', 'gpu-02', true],
    ['!gpu-02', 'gpu-01', false],
    ['GPU-01', 'gpu-01', true],
    ['a.b', 'axb', false],
    ['[gpu-01]:2222', '[gpu-01]:2222', true],
    ['gpu-01', '[gpu-01]:2222', false],
  ])('pattern %s against %s: %s', (patterns, name, expected) => {
    expect(matchesHost(patterns, name)).toBe(expected);
  });

  it('names a host with its port where that is not 22', () => {
    expect(knownHostsName('GPU-01', 22)).toBe('gpu-01');
    expect(knownHostsName('gpu-01', 2222)).toBe('[gpu-01]:2222');
  });

  it('never trusts a line that is not whole', () => {
    const whole = line('gpu-01', ed25519).replace(' a comment', '');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
        expect(judge(whole.slice(0, length), ed25519).kind).not.toBe('known');
      }),
    );
  });

  it('asks first for the types that it knows, and not for revoked ones', () => {
    const text = [line('gpu-01', rsa), line('gpu-01', ed25519), line('gpu-01', ed25519, '@revoked ')].join(
      '\n',
    );
    expect(new HostKnowledge(parseKnownHosts(text, 'kh'), 'gpu-01', []).keyTypes).toEqual(['ssh-rsa']);
  });
});
