import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDeployments } from '../../../../src/text/deployments.ts';
import type { FlagChange } from '../../../../src/text/edits.ts';
import { estimateBlocker, unreadArguments } from '../../../../src/text/unresolved.ts';
import { edited, only, places, read, slice } from './support.ts';

const directive = '# loadline: engine=static-batch gpu=h200';
const script = (...lines: string[]) => `#!/bin/sh\n${directive}\n${lines.join('\n')}\n`;

const samples = [
  {
    name: 'python over several lines',
    path: 'run.sh',
    text: script(
      'exec python generate.py \\',
      '  --model org/m \\',
      '  --batch_size 32 \\',
      '  --load_in_8bit True \\',
      '  --prompts p.jsonl # ours',
    ),
  },
  {
    name: 'accelerate with dashes and joined values',
    path: 'run.sh',
    text: script('accelerate launch --num_processes 1 eval.py --model=org/m --batch-size=32 --load-in-8bit'),
  },
  {
    name: 'deepspeed, which splits layers over its GPUs',
    path: 'run.sh',
    text: script('deepspeed --num_gpus 4 infer.py --model_name_or_path org/m --batch_size 32 --load_in_8bit'),
  },
  {
    name: "Triton's python backend",
    path: 'repo/llm/config.pbtxt',
    text: [
      'name: "llm"',
      'backend: "python"',
      '# loadline: engine=static-batch gpu=h200 model=org/m',
      'max_batch_size: 32  # ours',
      'parameters { key: "load_in_8bit" value: { string_value: "true" } }',
      'parameters {',
      '  key: "max_new_tokens"',
      '  value: { string_value: "64" }',
      '}',
      '',
    ].join('\n'),
  },
];

describe.each(samples)('$name', ({ path, text }) => {
  it('is one deployment of org/m without a problem', () => {
    const { deployment, problems } = only(text, path);
    expect(deployment).toMatchObject({
      engine: 'static-batch',
      model: 'org/m',
      flags: { 'batch-size': 32, 'load-in-8bit': true },
    });
    expect(problems).toEqual([]);
  });

  it('gives exactly the edited deployment after any edits of what is written', () => {
    fc.assert(
      fc.property(changes, fc.boolean(), (wanted, windows) => {
        const source = windows ? text.replaceAll('\n', '\r\n') : text;
        const before = only(source, path);
        const flags = { ...before.deployment.flags };
        let { model } = before.deployment;
        const possible = wanted.filter(({ flag }) => flag === 'model' || before.insertion || flag in flags);
        const result = edited(source, before, ...possible);
        const after = only(result, path);
        for (const { flag, to } of possible) {
          if (flag === 'model') model = String(to);
          else if (to === null) delete flags[flag];
          else flags[flag] = to;
        }
        const switchedOff = (all: object) => ({ 'load-in-8bit': false, ...all });
        expect({ ...after.deployment, flags: switchedOff(after.deployment.flags) }, result).toEqual({
          ...before.deployment,
          model,
          flags: switchedOff(flags),
        });
      }),
      { numRuns: 150 },
    );
  });

  it('set and set back is the same text', () => {
    const away = edited(text, only(text, path), { flag: 'batch-size', to: 7 });
    expect(edited(away, only(away, path), { flag: 'batch-size', to: 32 })).toBe(text);
  });

  it('never throws on torn text, and every place lies in it', () => {
    const junk = fc.string({ unit: fc.constantFrom(...`"'\\{}[]:#@=\n\r -`), maxLength: 6 });
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(30), junk, (cut, drop, added) => {
        const torn = text.slice(0, cut) + added + text.slice(cut + drop);
        const found = findDeployments(torn, { path });
        for (const { range, flags, model, problems } of found?.deployments ?? []) {
          const all = [range, ...(model ? [model] : []), ...problems.map((each) => each.range)];
          for (const { start, end } of [...all, ...Object.values(flags).map(({ whole }) => whole)]) {
            expect(start >= 0 && end >= start && end <= torn.length, torn).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

const changes: fc.Arbitrary<FlagChange[]> = fc
  .uniqueArray(
    fc.oneof(
      fc.record({
        flag: fc.constantFrom('batch-size', 'max-new-tokens', 'prompt-length'),
        to: fc.oneof(fc.integer({ min: 1, max: 1e6 }), fc.constant(null)),
      }),
      fc.record({ flag: fc.constant('load-in-8bit'), to: fc.constantFrom(true, false, null) }),
      fc.record({ flag: fc.constant('dtype'), to: fc.constantFrom('float16', 'bfloat16', null) }),
      fc.record({ flag: fc.constant('model'), to: fc.constantFrom('a/b', './with blanks', '/models/x') }),
    ),
    { minLength: 1, selector: ({ flag }) => flag },
  )
  .map((all) => all.filter(({ flag, to }) => !(flag === 'batch-size' && to === null)));

describe('programs that a comment gives an engine', () => {
  it('are read by the table of the engine, and their own options are let be', () => {
    const text = script(
      'python3 generate.py --model org/m --batch_size 32 --max_new_tokens 64 --torch_dtype bfloat16 \\',
      '  --load_in_4bit --temperature 0.7 --config x.yaml --out "$DIR/out.json" --gpu-memory-utilization 0.9',
    );
    const found = only(text, 'run.sh');
    expect(found.deployment.flags).toEqual({
      'batch-size': 32,
      'max-new-tokens': 64,
      dtype: 'bfloat16',
      'load-in-4bit': true,
    });
    expect(found.problems).toEqual([]);
    expect(estimateBlocker(found)).toBeUndefined();
    expect(unreadArguments(found)).toEqual([]);
    expect(places(text, found)).toMatchObject({ 'batch-size': '32', dtype: 'bfloat16' });
  });

  it('keep the estimate back where only a run can say the batch', () => {
    const found = only(script('python generate.py --model org/m --batch_size $BATCH'), 'run.sh');
    expect(estimateBlocker(found)).toMatchObject({ path: ['flags', 'batch-size'] });
  });

  it('take the model of the comment where they name none, or one that only a run can say', () => {
    const text = (more: string) =>
      `# loadline: engine=static-batch model="org/m" gpu=h200\npython generate.py --batch_size 4 ${more}\n`;
    for (const more of ['', '--model $MODEL']) {
      const found = only(text(more), 'run.sh');
      expect(found.deployment.model).toBe('org/m');
      expect(slice(text(more), found.model)).toBe('"org/m"');
      expect(estimateBlocker(found)).toBeUndefined();
    }
    expect(only(text('--model org/other'), 'run.sh').deployment.model).toBe('org/other');
  });

  it.each([
    [
      'what sets them up',
      'python setup.py install\npython -m pip install x --dtype y\necho generate.py --batch_size 3',
    ],
    ['other programs', 'cp generate.py /x\ncurl --batch_size 3 host'],
  ])('are not %s', (_, lines) => {
    expect(read(script(lines), 'run.sh').deployments).toEqual([]);
  });

  it('are none of our business without the comment', () => {
    const text = 'python generate.py --model org/m --batch_size 4\n';
    expect(findDeployments(text, { path: 'run.sh' })).toBeUndefined();
    expect(findDeployments(`# loadline: gpu=h200\n${text}`, { path: 'run.sh' })).toBeUndefined();
    expect(findDeployments('backend: "python"\n', { path: 'config.pbtxt' })).toBeUndefined();
  });

  it('stand beside servers, which are what they are', () => {
    const text = `${script('vllm serve a/a --max-model-len 8', 'python x.py --model b/b --batch_size 2')}`;
    expect(
      read(text, 'run.sh').deployments.map(({ deployment }) => [deployment.engine, deployment.model]),
    ).toEqual([
      ['vllm', 'a/a'],
      ['static-batch', 'b/b'],
    ]);
  });

  it('of DeepSpeed need the GPUs of its launcher', () => {
    const text = script('deepspeed --num_gpus 4 infer.py --model org/m --batch_size 2');
    const found = only(text, 'run.sh');
    expect(found.deployment.flags).toEqual({ 'tensor-parallel-size': 4, 'batch-size': 2 });
    expect(found.target).toMatchObject({ gpu: 'h200', gpuCount: 4 });
    expect(edited(text, found, { flag: 'tensor-parallel-size', to: 2 })).toContain('--num_gpus 2 infer.py');
    const told = only(text.replace('--batch_size 2', '--tp_size 2'), 'run.sh');
    expect(told.deployment.flags).toEqual({ 'tensor-parallel-size': 2 });
    expect(told.problems).toEqual([]);
  });

  it('get new options as they spell theirs', () => {
    const wanted = { flag: 'load-in-4bit', to: true };
    const of = (line: string) => edited(script(line), only(script(line), 'run.sh'), wanted).split('\n')[2];
    expect(of('python x.py --model m --batch_size 2')).toMatch(/ --load_in_4bit$/);
    expect(of('python x.py --model m --batch-size 2')).toMatch(/ --load-in-4bit$/);
  });
});

describe("Triton's python backend", () => {
  const text = (more: string) =>
    `backend: "python"\n# loadline: engine=static-batch model=m gpu=l4\n${more}\n`;

  it('takes one request at a time where max_batch_size is 0, and what is edited is that number', () => {
    const found = only(text('max_batch_size: 0'), 'config.pbtxt');
    expect(found.deployment.flags).toEqual({ 'batch-size': 1 });
    expect(edited(text('max_batch_size: 0'), found, { flag: 'batch-size', to: 8 })).toBe(
      text('max_batch_size: 8'),
    );
  });

  it('has the GPUs of its instance group, and copies are said', () => {
    const group = 'instance_group [{ count: 2 kind: KIND_MODEL gpus: [ 0, 1 ] }]';
    const found = only(text(group), 'config.pbtxt');
    expect(found.target).toMatchObject({ gpu: 'l4', gpuCount: 2 });
    expect(found.problems.map(({ code, range }) => [code, slice(text(group), range)])).toEqual([
      ['triton.instances', 'count: 2'],
    ]);
  });

  it('writes nothing for what the file does not hold', () => {
    const found = only(text('max_batch_size: 4'), 'config.pbtxt');
    expect(edited(text('max_batch_size: 4'), found, { flag: 'load-in-4bit', to: true })).toBe(
      text('max_batch_size: 4'),
    );
  });
});
