import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { BuiltCli, root } from './builtCli.ts';

let cli: BuiltCli;
beforeAll(async () => {
  cli = await BuiltCli.build();
});

const example = (name: string) => join(root, 'examples', name);

function written(name: string, text: string): string {
  writeFileSync(join(cli.folder, name), text);
  return name;
}

describe('loadline fit', () => {
  it('gives one verdict with its terms, and exits 0 where it fits', async () => {
    const { exitCode, stdout } = await cli.run(['fit', example('llama-3.1-8b.serve.yaml')]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/✔ fits: .*at 8,192 tokens/);
    expect(stdout).toMatch(/weights +15\.0 GiB.*formula/);
    expect(stdout).toContain('beyond what was asked for');
  });

  it('exits 1 as soon as one of several does not fit, and gives each a row', async () => {
    const files = ['llama-3.1-8b.serve.yaml', 'llama-3.1-8b-rtx-4090.sh', 'qwen3-30b-a3b.serve.yaml'].map(
      example,
    );
    const { exitCode, stdout } = await cli.run(['fit', ...files]);
    expect(exitCode).toBe(1);
    expect(stdout.match(/^\S*(llama|qwen).*(✔ fits|✖ does not fit|\? not known)/gm)).toHaveLength(3);
  });

  it('gives the estimates as JSON, with a fix that can be applied', async () => {
    const { exitCode, stdout, stderr } = await cli.run([
      'fit',
      '--json',
      example('llama-3.1-8b-rtx-4090.sh'),
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toBe('');
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      schema: 1,
      deployments: [
        {
          // As it was named: two folders may have files of one name.
          source: `${example('llama-3.1-8b-rtx-4090.sh')}:4`,
          engine: 'vllm',
          device: 'rtx-4090-24gb',
          model: { modelType: 'llama', parameters: 8_030_261_248 },
          verdict: { outcome: 'does-not-fit', causeFlag: 'max-model-len' },
        },
      ],
    });
    expect(document.deployments[0].verdict.fixes.length).toBeGreaterThan(0);
    expect(document.deployments[0].perRank[0].terms[0]).toHaveProperty('source');
  });

  it('answers "not known" with a warning, and exits 0', async () => {
    mkdirSync(join(cli.folder, 'bert'), { recursive: true });
    written('bert/config.json', JSON.stringify({ model_type: 'bert', architectures: ['BertModel'] }));
    const file = written('bert.serve.yaml', '# loadline: gpu=h100\n\nmodel: bert\n');
    const { exitCode, stdout, stderr } = await cli.run(['fit', file]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('? not known');
    expect(stderr).toMatch(/^warning: bert.serve.yaml:3: .*does not generate text/);
  });

  it('reads manifests, configs and scripts from stdin', () => {
    for (const name of ['llama-3.1-70b.kubernetes.yaml', 'llama-3.1-8b.serve.yaml', 'gpt2-v100.sh']) {
      const input = readFileSync(example(name));
      const { status, stdout } = spawnSync(process.execPath, [cli.program, 'fit', '-'], {
        input,
        encoding: 'utf8',
      });
      expect([status, stdout]).toEqual([0, expect.stringMatching(/^-:\d+: ✔ fits/)]);
    }
    const none = spawnSync(process.execPath, [cli.program, 'fit', '-'], { input: 'hello', encoding: 'utf8' });
    expect([none.status, none.stderr]).toEqual([2, expect.stringMatching(/^-: no deployment was found/)]);
  });

  it('warns of a flag at its place', async () => {
    const file = written('typo.serve.yaml', '# loadline: gpu=h100\nmodel: gpt2\nmax-modell-len: 512\n');
    const { stderr } = await cli.run(['fit', file]);
    expect(stderr).toMatch(
      /^warning: typo\.serve\.yaml:3:1: .*did you mean max-model-len\? \[flag\.unknown\]$/m,
    );
  });

  it('takes a deployment from options, flags as vLLM spells and reads them', async () => {
    const argv = [
      'fit',
      '--json',
      '--model',
      'meta-llama/Llama-3.1-8B-Instruct',
      '--gpu',
      'NVIDIA H200',
      '--set',
      'max_model_len=8k',
      '--set',
      'enforce-eager',
      '--batch',
      '4',
      '--input',
      '100',
      '--output',
      '10',
    ];
    const { exitCode, stdout } = await cli.run(argv);
    expect(exitCode).toBe(0);
    const [deployment] = JSON.parse(stdout).deployments;
    expect(deployment.resolved).toMatchObject({ 'max-model-len': 8000, 'enforce-eager': true });
    expect(deployment.speed).toMatchObject({ batch: 4, inputTokens: 100, outputTokens: 10 });
  });

  it('lets --set stand over what a file says', async () => {
    const { exitCode, stdout } = await cli.run([
      'fit',
      '--set',
      'max-model-len=4096',
      example('llama-3.1-8b-rtx-4090.sh'),
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('at 4,096 tokens');
  });

  it('of a model_type that nobody knows is not known, with the reason', async () => {
    mkdirSync(join(cli.folder, 'martian'), { recursive: true });
    written('martian/config.json', JSON.stringify({ model_type: 'martian', hidden_size: 64 }));
    const { exitCode, stdout, stderr } = await cli.run(['fit', '--model', 'martian', '--gpu', 'h100']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('? not known');
    expect(stderr).toContain('"martian" is not covered yet');
  });

  it.each([
    [['--model', 'gpt2', '--gpu', 'h1000'], /^--gpu: The GPU "h1000" is not known\. Did you mean h100\?/],
    [['--model', 'no-such-model', '--gpu', 'h100'], /^--model: "no-such-model" is not a shipped model/],
    [['--model', 'gpt2'], /--gpu is missing/],
    [['--model', 'gpt2', '--gpu', 'h100', '--set', 'max-model-len=lots'], /^--set: .*"lots"/],
    [['--model', 'gpt2', '--gpu', 'h100', '--gpu-count', '0'], /^--gpu-count: a whole number/],
    [['--model', 'gpt2', '--gpu', 'h100', '--engine', 'vlm'], /^--engine: "vlm" is not covered yet/],
    [['--modle', 'gpt2'], /there is no option --modle\. Did you mean --model\?/],
    [['no-such-file.yaml'], /^no-such-file\.yaml: there is no such file/],
    [[], /give files, or --model and --gpu/],
  ])('exits 2 for %j and says what to do', async (argv, message) => {
    const { exitCode, stdout, stderr } = await cli.run(['fit', ...argv]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
  });

  it('takes a value that no engine takes for bad input, at its place', async () => {
    const option = ['--set', 'gpu-memory-utilization=1.5'];
    const { exitCode, stdout, stderr } = await cli.run([
      'fit',
      '--model',
      'gpt2',
      '--gpu',
      'h100',
      ...option,
    ]);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('? not known');
    expect(stderr).toMatch(/^--set: gpu-memory-utilization must be .* but is 1\.5\. \[flag\.bad-value\]$/m);
    const file = written('share.yaml', '# loadline: gpu=h100\nmodel: gpt2\ngpu-memory-utilization: 1.5\n');
    const ofFile = await cli.run(['fit', file]);
    expect(ofFile.exitCode).toBe(2);
    expect(ofFile.stderr).toMatch(/^share\.yaml:3:25: gpu-memory-utilization must be /m);
  });

  it('names each warning once', async () => {
    const { stderr } = await cli.run([
      'fit',
      '--model',
      'gpt2',
      '--gpu',
      'h100',
      '--engine-version',
      '0.34.0',
    ]);
    expect(stderr).toMatch(/^warning: command line: vLLM 0\.34\.0 is newer/);
    mkdirSync(join(cli.folder, 'odd'), { recursive: true });
    const config = { model_type: 'odd', hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4 };
    written('odd/config.json', JSON.stringify({ ...config, intermediate_size: 128, vocab_size: 1000 }));
    const odd = await cli.run(['fit', '--model', join(cli.folder, 'odd'), '--gpu', 'h100']);
    expect(odd.stderr.match(/model\.generic/g)).toHaveLength(1);
  });

  it('places bad input in a file at its line and column, and still judges the other files', async () => {
    const torn = written('torn.yaml', 'model: gpt2\nmax-model-len: [1,\ngpu-memory-utilization: 0.9\n');
    const noGpu = written('no-gpu.yaml', 'model: gpt2\nmax-model-len: 1024\n');
    const wrongGpu = written('wrong-gpu.yaml', '# loadline: gpu=h900\nmodel: gpt2\nmax-model-len: 1024\n');
    const { exitCode, stdout, stderr } = await cli.run([
      'fit',
      torn,
      noGpu,
      wrongGpu,
      example('llama-3.1-8b.serve.yaml'),
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^torn\.yaml:\d+:\d+: .*\[yaml\.torn\]$/m);
    expect(stderr).toMatch(/^no-gpu\.yaml:1:1: No GPU is named.*\[gpu\.not-chosen\]$/m);
    expect(stderr).toMatch(/^wrong-gpu\.yaml:1:13: The GPU "h900" is not known/m);
    expect(stdout).toContain('✔ fits');
  });
});

describe('loadline', () => {
  it('says its commands, its version and what is near to a mistyped one', async () => {
    expect(await cli.run(['help'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Exit codes'),
    });
    expect(await cli.run(['sweep', '--help'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('--rehearse'),
    });
    expect((await cli.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await cli.run(['swep'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Did you mean sweep?'),
    });
  });
});
