import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDeployments } from '../../../src/text/deployments.ts';
import { type FlagChange, flagEdits } from '../../../src/text/edits.ts';
import type { LocatedDeployment } from '../../../src/text/located.ts';

function deploymentOf(text: string, path: string): LocatedDeployment {
  const deployment = findDeployments(text, { path })?.deployments[0];
  if (!deployment) throw new Error(`no deployment in ${text}`);
  return deployment;
}

function edited(text: string, path: string, ...changes: FlagChange[]): string {
  return flagEdits(text, deploymentOf(text, path), changes)
    .toSorted((a, b) => b.range.start - a.range.start)
    .reduce(
      (sofar, { range, newText }) => sofar.slice(0, range.start) + newText + sofar.slice(range.end),
      text,
    );
}

const shorter: FlagChange = { flag: 'max-model-len', to: 1024 };

describe('flagEdits in YAML', () => {
  it.each([
    [
      'replaces a value and leaves the comment',
      'model: m\nmax-model-len: 8k # long\n',
      'model: m\nmax-model-len: 1024 # long\n',
    ],
    ['fills an empty value', 'model: m\nmax-model-len:\n', 'model: m\nmax-model-len: 1024\n'],
    ['adds a line', 'model: m\nmax-num-seqs: 1\n', 'model: m\nmax-num-seqs: 1\nmax-model-len: 1024\n'],
    [
      'adds a line behind a comment',
      'model: m\nmax-num-seqs: 1 # x\n# end\n',
      'model: m\nmax-num-seqs: 1 # x\nmax-model-len: 1024\n# end\n',
    ],
    [
      'writes underscores among underscores',
      'model: m\nmax_num_seqs: 1',
      'model: m\nmax_num_seqs: 1\nmax_model_len: 1024',
    ],
    [
      'keeps the indent',
      '  model: m\n  max-num-seqs: 1\n',
      '  model: m\n  max-num-seqs: 1\n  max-model-len: 1024\n',
    ],
    [
      'keeps CRLF',
      'model: m\r\nmax-num-seqs: 1\r\n',
      'model: m\r\nmax-num-seqs: 1\r\nmax-model-len: 1024\r\n',
    ],
    [
      'adds behind a block',
      'model: m\nmax-num-seqs: 1\nhf-overrides:\n  a: 1\n\n',
      'model: m\nmax-num-seqs: 1\nhf-overrides:\n  a: 1\nmax-model-len: 1024\n\n',
    ],
  ])('%s', (_, before, after) => {
    expect(edited(before, 'a.yaml', shorter)).toBe(after);
  });
});

describe('flagEdits in a shell script', () => {
  it.each([
    [
      'replaces a value',
      'vllm serve m --max-model-len 8k --port 1',
      'vllm serve m --max-model-len 1024 --port 1',
    ],
    ['replaces a value behind =', 'vllm serve m --max_model_len="8k"', 'vllm serve m --max_model_len=1024'],
    ['adds an argument', 'vllm serve m # why\n', 'vllm serve m --max-model-len 1024 # why\n'],
    [
      'adds an argument before a redirection',
      'vllm serve m >log &',
      'vllm serve m --max-model-len 1024 >log &',
    ],
    [
      'adds a line among lines',
      'vllm serve m \\\n    --port 1\n',
      'vllm serve m \\\n    --port 1 \\\n    --max-model-len 1024\n',
    ],
    [
      'adds a line with CRLF',
      'vllm serve m \\\r\n  --port 1\r\n',
      'vllm serve m \\\r\n  --port 1 \\\r\n  --max-model-len 1024\r\n',
    ],
    [
      'changes the last of two',
      'vllm serve m --max-model-len 1 --max-model-len 2',
      'vllm serve m --max-model-len 1 --max-model-len 1024',
    ],
  ])('%s', (_, before, after) => {
    expect(edited(before, 'a.sh', shorter)).toBe(after);
  });

  it('turns switches on and off', () => {
    expect(edited('vllm serve m --enforce-eager', 'a.sh', { flag: 'enforce-eager', to: false })).toBe(
      'vllm serve m --no-enforce-eager',
    );
    expect(edited('vllm serve m --no-enforce-eager', 'a.sh', { flag: 'enforce-eager', to: true })).toBe(
      'vllm serve m --enforce-eager',
    );
    expect(edited('vllm serve m', 'a.sh', { flag: 'enforce-eager', to: true })).toBe(
      'vllm serve m --enforce-eager',
    );
  });

  it('replaces the model', () => {
    expect(edited('vllm serve "a/b" --port 1', 'a.sh', { flag: 'model', to: 'c/d' })).toBe(
      'vllm serve c/d --port 1',
    );
  });
});

it.each([
  ['a.yaml', 'model: m\nmax-num-seqs: 1\n', 'model: m\nmax-num-seqs: 1\nconstructor: x\n'],
  ['a.sh', 'vllm serve m --port 1\n', 'vllm serve m --port 1 --constructor x\n'],
])('adds a flag whose name every object has: %s', (path, before, after) => {
  expect(edited(before, path, { flag: 'constructor', to: 'x' })).toBe(after);
});

describe('edited and read again', () => {
  const changes = fc.uniqueArray(
    fc.oneof(
      fc.record({
        flag: fc.constantFrom('max-model-len', 'max-num-seqs', 'tensor-parallel-size'),
        to: fc.integer({ min: 1, max: 1e6 }),
      }),
      fc.record({
        flag: fc.constant('gpu-memory-utilization'),
        to: fc.double({ min: 0.01, max: 1, noNaN: true }),
      }),
      fc.record({
        flag: fc.constantFrom('kv-cache-dtype', 'served-model-name'),
        to: fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('no', 'fp8', 'null', '8', "it's")),
      }),
      fc.record({ flag: fc.constantFrom('enforce-eager', 'enable-prefix-caching'), to: fc.boolean() }),
      fc.record({
        flag: fc.constant('model'),
        to: fc.constantFrom('a/b', './folder with blanks', '/models/x'),
      }),
    ),
    { minLength: 1, selector: ({ flag }) => flag },
  );
  const documents = fc.constantFrom(
    ['a.yaml', 'model: m\nmax-model-len: 1\n'],
    ['a.yaml', '# c\r\nmodel: m\r\nmax_num_seqs: "1" # c\r\nenforce_eager: false'],
    [
      'a.yaml',
      'model: m\nserved-model-name: >-\n  folded\n  text\nmax-num-seqs:\ngpu-memory-utilization: 0.5\n',
    ],
    ['a.sh', 'vllm serve m'],
    [
      'a.sh',
      '#!/bin/sh\r\nexec vllm serve m \\\r\n  --max-model-len=8K \\\r\n  --served-model-name x \\\r\n  -tp 2 --enforce-eager >log\r\n',
    ],
    ['a.sh', "python -m vllm.entrypoints.openai.api_server --model 'm' --no-enable-prefix-caching # c\n"],
  );

  it('gives exactly the values that were set', () => {
    fc.assert(
      fc.property(documents, changes, ([path = '', text = ''], wanted) => {
        // `$` and braces are for shells and templates: such a string is rightly read as not known in YAML.
        fc.pre(wanted.every(({ to }) => typeof to !== 'string' || !/[${]|^-/.test(to)));
        const before = deploymentOf(text, path);
        const after = deploymentOf(edited(text, path, ...wanted), path);
        for (const { flag, to } of wanted) {
          expect(flag === 'model' ? after.deployment.model : after.deployment.flags[flag]).toEqual(to);
        }
        const untouched = Object.entries(before.deployment.flags).filter(([flag]) =>
          wanted.every((each) => each.flag !== flag),
        );
        for (const [flag, value] of untouched) expect(after.deployment.flags[flag]).toEqual(value);
        expect(after.problems).toEqual([]);
      }),
    );
  });
});
