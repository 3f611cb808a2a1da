import { describe, expect, it } from 'vitest';
import { redact, redactingLog } from '../../../src/remote/redact.ts';

describe('redact', () => {
  it.each([
    ['HF_TOKEN=hf_abcdefghijklmnop', 'hf_abcdefghijklmnop'],
    ['found hf_abcdefghijklmnop in the config', 'hf_abcdefghijklmnop'],
    ['Authorization: Bearer abc.def-ghi', 'abc.def-ghi'],
    ['--api-key "my secret words"', 'my secret words'],
    ["{'password': 'hunter2'}", 'hunter2'],
    ['VLLM_API_KEY=abc123', 'abc123'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----', 'BBBB'],
  ])('takes the secret out of %j', (text, secret) => {
    expect(redact(text)).not.toContain(secret);
    const lines: string[] = [];
    const log = redactingLog({
      info: (line) => lines.push(line),
      warn: (line) => lines.push(line),
      error: (line) => lines.push(line),
    });
    for (const level of ['info', 'warn', 'error'] as const) log[level](text);
    expect(lines.join()).not.toContain(secret);
  });

  it.each([
    'max_num_batched_tokens=2048',
    'KV cache size: 919,952 tokens',
    'SHA256:abcdef',
    '/home/ann/.ssh/id_ed25519',
  ])('leaves %j as it is', (text) => {
    expect(redact(text)).toBe(text);
  });
});
