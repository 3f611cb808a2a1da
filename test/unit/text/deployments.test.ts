import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDeployments } from '../../../src/text/deployments.ts';
import type { LocatedDeployment, OffsetRange } from '../../../src/text/located.ts';
import { estimateBlocker, unreadArguments } from '../../../src/text/unresolved.ts';

const slice = (text: string, range: OffsetRange | undefined) => range && text.slice(range.start, range.end);

function read(text: string, path: string) {
  const found = findDeployments(text, { path });
  if (!found) throw new Error('not recognised');
  return found;
}

function only(text: string, path: string): LocatedDeployment {
  const { deployments } = read(text, path);
  expect(deployments).toHaveLength(1);
  const [deployment] = deployments;
  if (!deployment) throw new Error('no deployment');
  return deployment;
}

const yaml = (text: string) => only(text, 'serve.yaml');
const shell = (text: string) => only(text, 'serve.sh');

describe('vLLM --config YAML', () => {
  it('reads model and flags in dash and underscore form, with their places', () => {
    const text =
      'model: meta-llama/Llama-3.1-8B-Instruct\nmax_model_len: 8k\ngpu-memory-utilization: 0.9\nenforce-eager: true\n';
    const { deployment, flags, model, range, problems } = yaml(text);
    expect(deployment).toEqual({
      engine: 'vllm',
      entrypoint: 'serve',
      model: 'meta-llama/Llama-3.1-8B-Instruct',
      flags: { 'max-model-len': 8000, 'gpu-memory-utilization': 0.9, 'enforce-eager': true },
    });
    expect(slice(text, model)).toBe('meta-llama/Llama-3.1-8B-Instruct');
    expect(slice(text, flags['max-model-len']?.key)).toBe('max_model_len');
    expect(slice(text, flags['max-model-len']?.value)).toBe('8k');
    expect(slice(text, range)).toBe(text.trimEnd());
    expect(problems).toEqual([]);
  });

  it.each([
    ['8192', 8192],
    ['8k', 8000],
    ['8K', 8192],
    ['"8K"', 8192],
    ['25.6k', 25600],
    ['8_192', 8192],
    ['auto', -1],
    ['-1', -1],
  ])('takes max-model-len %s as vLLM does', (written, value) => {
    expect(yaml(`model: m\nmax-model-len: ${written}\n`).deployment.flags['max-model-len']).toBe(value);
  });

  it.each([
    ['max-model-len', '1e3', 'flag.not-a-number'],
    ['max-model-len', '8kk', 'flag.not-a-number'],
    ['max-model-len', '1.5K', 'flag.decimal-with-binary-suffix'],
    ['max-num-seqs', '8k', 'flag.not-a-number'],
    ['gpu-memory-utilization', 'most', 'flag.not-a-number'],
    ['enforce-eager', '"yes"', 'flag.takes-no-value'],
  ])('marks the value of %s: %s and keeps the estimate back', (flag, written, code) => {
    const text = `model: m\nmax-logprobs: 1\ntrust-remote-code: on\n${flag}: ${written}\n`;
    const found = yaml(text);
    expect(found.problems.map((problem) => [problem.code, slice(text, problem.range)])).toEqual([
      [code, written],
    ]);
    expect(estimateBlocker(found)?.path).toEqual(['flags', flag]);
    expect(found.deployment.flags['trust-remote-code']).toBe(true);
  });

  it('lets the last of a repeated key win, whatever its spelling, and marks the first', () => {
    const text = 'model: m\nmax-model-len: 1024\nmax_model_len: 2048\n';
    const { deployment, problems, flags } = yaml(text);
    expect(deployment.flags['max-model-len']).toBe(2048);
    expect(slice(text, flags['max-model-len']?.value)).toBe('2048');
    expect(problems.map(({ code, range }) => [code, slice(text, range)])).toEqual([
      ['flag.duplicate', 'max-model-len'],
    ]);
  });

  it('takes names that every object has for flags like any other', () => {
    const text = 'model: m\nmax-model-len: 1\nconstructor: 1\nvalueOf: [a, b]\ntoString:\n';
    const { deployment, flags, problems } = yaml(text);
    expect(problems).toEqual([]);
    expect(deployment.flags).toEqual({ 'max-model-len': 1, constructor: '1', valueOf: ['a', 'b'] });
    expect(Object.keys(flags)).toEqual(['max-model-len', 'constructor', 'valueOf', 'toString']);
    expect(yaml(`${text}toString: c\n`).problems.map(({ code }) => code)).toEqual(['flag.duplicate']);
  });

  it('reads lists, nested maps, aliases and nothing', () => {
    const text =
      'model: &m org/m\ntokenizer: *m\nmax-num-seqs:\ncudagraph-capture-sizes: [1, 2, 4]\ncompilation-config:\n  level: 3\nmax-model-len: 1\n';
    const { deployment, flags } = yaml(text);
    expect(deployment.flags).toEqual({
      tokenizer: 'org/m',
      'cudagraph-capture-sizes': ['1', '2', '4'],
      'compilation-config': '{"level":3}',
      'max-model-len': 1,
    });
    expect(flags['max-num-seqs']).toBeDefined();
  });

  it('leaves templated values alone: no number, no problem', () => {
    const found = yaml('model: "{{ .Values.model }}"\nmax-model-len: "$LEN"\nmax-num-seqs: 4\n');
    expect(found.deployment.model).toBeUndefined();
    expect(found.deployment.flags).toEqual({ 'max-num-seqs': 4 });
    expect(found.problems).toEqual([]);
    expect(estimateBlocker(found)?.code).toBe('deployment.expanded-later');
  });

  it.each([
    ['lists', '['.repeat(20_000)],
    ['maps', `${'{a: '.repeat(20_000)}${'}'.repeat(20_000)}`],
    ['lists by indent', `${'- '.repeat(20_000)}1`],
  ])('says that %s are nested too deeply', (_, nested) => {
    const { problems } = read(`model: m\nmax-model-len: 1\nhf-overrides:\n  ${nested}\n`, 'serve.yaml');
    expect(problems).toMatchObject([
      { code: 'yaml.torn', message: expect.stringContaining('(it is nested too deeply)') },
    ]);
  });

  it('says where torn YAML is torn and keeps what could be read', () => {
    const text = 'model: org/m\nmax-model-len: 1024\nserved-model-name: "half\nmax-num-seqs: 8\n';
    const { deployments, problems } = read(text, 'serve.yaml');
    expect(deployments[0]?.deployment.model).toBe('org/m');
    expect(deployments[0]?.deployment.flags['max-model-len']).toBe(1024);
    expect(problems.map(({ code }) => code)).toEqual(['yaml.torn']);
  });

  it('reads CRLF with true offsets', () => {
    const text = '# loadline: gpu=h200 x2 engine=0.26.0\r\nmodel: org/m\r\nmax-model-len: 4096\r\n';
    const { flags, target, deployment, model } = yaml(text);
    expect(slice(text, model)).toBe('org/m');
    expect(slice(text, flags['max-model-len']?.value)).toBe('4096');
    expect(target).toMatchObject({ gpu: 'h200', gpuCount: 2 });
    expect(slice(text, target?.range)).toBe('gpu=h200 x2');
    expect(deployment.engineVersion).toBe('0.26.0');
  });
});

describe('launches in shell scripts', () => {
  it('reads vllm serve over several lines', () => {
    const text =
      '#!/bin/sh\nset -e\nvllm serve meta-llama/Llama-3.1-8B-Instruct \\\n  --max-model-len 131072 \\\n  -tp=2 --enforce-eager # why\n';
    const { deployment, flags, model, range } = shell(text);
    expect(deployment).toEqual({
      engine: 'vllm',
      entrypoint: 'serve',
      model: 'meta-llama/Llama-3.1-8B-Instruct',
      flags: { 'max-model-len': 131072, 'tensor-parallel-size': 2, 'enforce-eager': true },
    });
    expect(slice(text, model)).toBe('meta-llama/Llama-3.1-8B-Instruct');
    expect(slice(text, flags['tensor-parallel-size']?.key)).toBe('-tp');
    expect(slice(text, flags['tensor-parallel-size']?.value)).toBe('2');
    expect(text.slice(range.start)).toMatch(/^vllm serve/);
    expect(text.slice(0, range.end)).toMatch(/--enforce-eager$/);
  });

  it.each([
    ['env prefix and exec', 'A=1 B="x y" exec vllm serve org/m --max-num-seqs 4'],
    ['a path', '/opt/venv/bin/vllm serve org/m --max-num-seqs 4'],
    ['a path with a variable', '"$VENV/bin/vllm" serve org/m --max-num-seqs 4'],
    ['the model behind the flags', 'vllm serve --max-num-seqs 4 org/m'],
    ['the model behind a switch', 'vllm serve --max-num-seqs=4 --enforce-eager --no-enforce-eager org/m'],
    ['the module', 'python3 -m vllm.entrypoints.openai.api_server --model org/m --max-num-seqs 4'],
    ['a launcher', 'nohup srun --gpus 1 vllm serve org/m --max_num_seqs 4 >log 2>&1 &'],
    ['a keyword', 'if true; then vllm serve org/m --max-num-seqs 4; fi'],
    ['a quoted number', 'vllm serve org/m --max-num-seqs "4"'],
  ])('reads %s', (_, text) => {
    const { deployment } = shell(`#!/bin/bash\n${text}\n`);
    expect(deployment.model).toBe('org/m');
    expect(deployment.flags['max-num-seqs']).toBe(4);
  });

  it.each([
    ['text that is only printed', 'echo vllm serve org/m'],
    ['heredocs', 'cat <<EOF\nvllm serve org/m\nEOF'],
    ['comments', '# vllm serve org/m'],
  ])('finds no launch in %s', (_, text) => {
    expect(read(`#!/bin/sh\n${text}\n`, 'serve.sh').deployments).toEqual([]);
  });

  it('finds every launch of a file', () => {
    const text = 'vllm serve a/a --port 1 &\nvllm serve b/b --port 2\n';
    expect(read(text, 'x.sh').deployments.map(({ deployment }) => deployment.model)).toEqual(['a/a', 'b/b']);
  });

  it('knows switches turned off, negative numbers, attached and dotted values, lists and JSON', () => {
    const text = `vllm serve m --no-enable-prefix-caching --max-model-len -1 -O3 --compilation-config.level 3 --served-model-name a b --hf-overrides '{"a": 1}'\n`;
    expect(shell(text).deployment.flags).toEqual({
      'enable-prefix-caching': false,
      'max-model-len': -1,
      'optimization-level': '3',
      'compilation-config.level': '3',
      'served-model-name': ['a', 'b'],
      'hf-overrides': '{"a": 1}',
    });
  });

  it.each([
    ['the model', 'vllm serve "$MODEL" --max-model-len 1024', 'model'],
    ['a flag that counts', 'vllm serve m --max-model-len $LEN', 'flags'],
    ['a part of a word', 'vllm serve m --max-model-len=$((2 * 1024))', 'flags'],
  ])('keeps the estimate back where only a run can say %s, and marks nothing', (_, text, root) => {
    const found = shell(text);
    expect(estimateBlocker(found)).toMatchObject({ code: 'deployment.expanded-later' });
    expect(estimateBlocker(found)?.path?.[0]).toBe(root);
    expect(found.problems).toEqual([]);
    expect(found.deployment.flags['max-model-len']).not.toBe(0);
  });

  it('estimates beside unknown words that do not count', () => {
    const text = 'vllm serve m --api-key $KEY --max-num-seqs 8 "$@"';
    const found = shell(text);
    expect(estimateBlocker(found)).toBeUndefined();
    expect(unreadArguments(found).map((part) => part.text)).toEqual(['"$@"']);
    expect(found.deployment.flags).toEqual({ 'max-num-seqs': 8 });
  });

  it('says that flags stand in another file', () => {
    expect(estimateBlocker(shell('vllm serve --config serve.yaml'))?.message).toContain('serve.yaml');
  });

  it.each([
    ['vllm serve m --max-model-len 8kk', 'flag.not-a-number', '8kk'],
    ['vllm serve m --max-model-len --enforce-eager', 'flag.no-value', '--max-model-len'],
    ['vllm serve m --enforce-eager true', 'flag.takes-no-value', 'true'],
    ['vllm serve m --port 1 --port 2', 'flag.duplicate', '--port'],
  ])('marks its place: %s', (text, code, place) => {
    expect(shell(text).problems.map((problem) => [problem.code, slice(text, problem.range)])).toEqual([
      [code, place],
    ]);
  });
});

describe('# loadline: comments', () => {
  it('holds for the block it stands in, and at the head for the file', () => {
    const text = [
      '#!/bin/sh',
      '# loadline: gpu=h100 engine=0.26.0',
      '',
      'vllm serve a/a',
      '',
      '# loadline: gpu="NVIDIA L4" x4',
      'vllm serve b/b',
    ].join('\n');
    const targets = read(text, 'x.sh').deployments.map(({ target, deployment }) => [
      target?.gpu,
      target?.gpuCount,
      deployment.engineVersion,
    ]);
    expect(targets).toEqual([
      ['h100', 1, '0.26.0'],
      ['NVIDIA L4', 4, '0.26.0'],
    ]);
  });

  it('may stand behind the last line', () => {
    expect(shell('vllm serve m \\\n --port 1 # loadline: gpu=l4\n').target?.gpu).toBe('l4');
  });

  it.each([
    ['engine=0.26.0', '0.26.0'],
    ['engine=v0.26.0', 'v0.26.0'],
    ['engine=vllm@0.26.0', '0.26.0'],
    ['engine=vLLM', undefined],
    ['engine=static-batch@4.45', undefined],
  ])('%s over vllm serve is its version %s', (body, version) => {
    const found = shell(`# loadline: ${body}\nvllm serve m\n`);
    expect(found.deployment).toMatchObject({ engine: 'vllm', model: 'm' });
    expect(found.deployment.engineVersion).toBe(version);
    expect(read(`# loadline: ${body}\nvllm serve m\n`, 'x.sh').problems).toEqual([]);
  });

  it.each([
    ['engine=statik-batch', 'Did you mean static-batch?'],
    ['engine=vlm@0.26.0', 'Did you mean vllm?'],
    ['engine=something-else', 'There is vllm, static-batch.'],
    ['engine=vllm@newest', 'write engine=vllm@'],
  ])('says what is meant by %s', (body, hint) => {
    const { deployments, problems } = read(`# loadline: ${body} gpu=h200\nvllm serve m\n`, 'x.sh');
    expect(problems).toMatchObject([{ code: 'directive.unknown-engine' }]);
    expect(problems[0]?.message).toContain(hint);
    expect(deployments[0]?.target?.gpu).toBe('h200');
    expect(deployments[0]?.deployment.engineVersion).toBeUndefined();
  });

  it('names the model of a YAML file that has none, where it can be edited', () => {
    const text = '# loadline: model=org/m\nmax-model-len: 8192\nmax-num-seqs: 4\n';
    const found = yaml(text);
    expect(found.deployment.model).toBe('org/m');
    expect(slice(text, found.model)).toBe('org/m');
    expect(yaml(`${text}model: org/own\n`).deployment.model).toBe('org/own');
  });

  it.each([
    ['gpu=h200 2x', '2x'],
    ['gpus=h200', 'gpus=h200'],
    ['x2', 'x2'],
  ])('marks what it does not understand in "%s"', (body, place) => {
    const text = `# loadline: ${body}\nvllm serve m\n`;
    expect(read(text, 'x.sh').problems.map(({ range }) => slice(text, range))).toEqual([place]);
  });
});

describe('what is none of our business', () => {
  it.each([
    ['compose.yaml', 'services:\n  vllm:\n    image: nginx\nmodel: x\nmax-model-len: 1\n'],
    ['pod.yaml', 'apiVersion: v1\nkind: Pod\nmodel: x\nmax-model-len: 1\n'],
    ['train.yaml', 'model: x\nlearning_rate: 0.1\nseed: 1\n'],
    ['chat.sweep.yaml', 'name: x\nmodel: m\nmax-model-len: 1\n'],
    ['build.sh', 'echo hello\n'],
    ['notes.md', 'vllm serve org/m\n'],
    ['empty.yaml', ''],
  ])('%s', (path, text) => {
    expect(findDeployments(text, { path })).toBeUndefined();
  });

  it('goes by the language too, for documents that have no file yet', () => {
    expect(
      findDeployments('vllm serve m', { path: 'Untitled-1', languageId: 'shellscript' })?.deployments,
    ).toHaveLength(1);
    expect(
      findDeployments('model: m\nmax-num-seqs: 1', { path: 'Untitled-1', languageId: 'yaml' })?.deployments,
    ).toHaveLength(1);
  });
});

describe('any text', () => {
  const documents = [
    '# loadline: gpu=h200 x2\nmodel: &a org/m # why\nmax_model_len: 8K\ncompilation-config: {level: 3, "x": [1, *a]}\nserved-model-name: >-\n  folded\n  text\nenforce-eager: yes\n',
    '#!/bin/bash\r\n# loadline: gpu=l4\r\nA="$(cat <<E\r\nx\r\nE\r\n)" exec vllm serve "org/m" \\\r\n  --max-model-len=8K -tp 2 \\\r\n  --hf-overrides \'{"a": "b"}\' "$@" 2>&1 | tee log\r\n',
  ];
  const mutations = fc.record({
    document: fc.constantFrom(...documents),
    cut: fc.nat(300),
    drop: fc.nat(20),
    junk: fc.string({ unit: fc.constantFrom(...`"'\\{}[]:#&*!|>%@\`$()<\n\r\t -?,ax`), maxLength: 4 }),
  });

  it('never throws, and every place lies in the text', () => {
    fc.assert(
      fc.property(mutations, fc.boolean(), ({ document, cut, drop, junk }, rest) => {
        const text = document.slice(0, cut) + junk + (rest ? document.slice(cut + drop) : '');
        for (const path of ['a.yaml', 'a.sh']) {
          const found = findDeployments(text, { path });
          const ranges = [
            ...(found?.problems ?? []).map(({ range }) => range),
            ...(found?.deployments ?? []).flatMap((each) => [
              each.range,
              ...(each.insertion ? [{ start: each.insertion.offset, end: each.insertion.offset }] : []),
              ...Object.values(each.flags).flatMap(({ key, value }) => (value ? [key, value] : [key])),
              ...each.problems.map(({ range }) => range),
              ...(each.unresolved ?? []).map(({ range }) => range),
            ]),
          ];
          for (const { start, end } of ranges) {
            expect(start).toBeGreaterThanOrEqual(0);
            expect(end).toBeGreaterThanOrEqual(start);
            expect(end).toBeLessThanOrEqual(text.length);
          }
        }
      }),
      { numRuns: 1500 },
    );
  });
});
