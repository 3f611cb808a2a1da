import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { BuiltCli } from './builtCli.ts';

let cli: BuiltCli;
beforeAll(async () => {
  cli = await BuiltCli.build();
});

const llama = 'meta-llama/Llama-3.1-8B-Instruct';

async function fitted(lines: readonly unknown[], more: readonly string[] = []) {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  writeFileSync(join(cli.folder, 'requests.jsonl'), `${text}\n`);
  const { exitCode, stdout, stderr } = await cli.run(['fit', '--requests', 'requests.jsonl', ...more]);
  const results = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return { exitCode, stderr, results };
}

describe('loadline fit --requests', () => {
  it('gives the result of each line as the same options would alone', async () => {
    const { exitCode, results, stderr } = await fitted([
      {
        model: llama,
        gpu: 'h200',
        gpuCount: 2,
        engine: 'vllm',
        'engine-version': '0.26.0',
        entrypoint: 'llm',
        set: { 'max-model-len': '8k', tensor_parallel_size: 2, 'enforce-eager': true },
        batch: 4,
        input: 100,
        output: 10,
        weights_bytes: 16_060_522_496,
        'cuda-total-bytes': 150_000_000_000,
      },
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const alone = await cli.run([
      ...['fit', '--json', '--model', llama, '--gpu', 'h200', '--gpu-count', '2', '--engine', 'vllm'],
      ...['--engine-version', '0.26.0', '--entrypoint', 'llm', '--set', 'max-model-len=8k'],
      ...['--set', 'tensor-parallel-size=2', '--set', 'enforce-eager', '--batch', '4', '--input', '100'],
      ...['--output', '10', '--weights-bytes', '16060522496', '--cuda-total-bytes', '150000000000'],
    ]);
    const document = JSON.parse(alone.stdout);
    document.deployments[0].source = 'line 1';
    expect(results).toEqual([{ line: 1, ...document }]);
  });

  it('puts the error of a line in its place, goes on, and exits 2', async () => {
    const { exitCode, results, stderr } = await fitted([
      { model: llama, gpu: 'h100' },
      '{"model": "gpt2", "gpu": ',
      '',
      { model: 'gpt2', gpu: 'h1000' },
      { model: 'no-such-model', gpu: 'h100' },
      { modle: 'gpt2', gpu: 'h100' },
      { model: 'gpt2' },
      { model: 'gpt2', gpu: 'h100', 'gpu-count': 0 },
      { model: 'gpt2', gpu: 'h100', engine: 'vlm' },
      { model: 'gpt2', gpu: 'h100', set: { 'max-model-len': 'lots' } },
      { model: 'gpt2', gpu: 'h100', gpuCount: 1, gpu_count: 2 },
      [1, 2],
      { model: 'gpt2', gpu: 'l4' },
    ]);
    expect(exitCode).toBe(2);
    expect(results.map(({ line, error }) => [line, error?.code])).toEqual([
      [1, undefined],
      [2, 'request.torn'],
      [4, 'gpu.unknown'],
      [5, 'model.not-found'],
      [6, 'request.unknown-key'],
      [7, 'gpu.not-chosen'],
      [8, 'request.bad-value'],
      [9, 'engine.not-covered'],
      [10, 'flag.not-a-number'],
      [11, 'request.duplicate-key'],
      [12, 'request.not-an-object'],
      [13, undefined],
    ]);
    expect(results[4].error.message).toContain('Did you mean model?');
    expect(results.at(-1).deployments[0].verdict.outcome).toBe('fits');
    expect(stderr).toBe(
      "requests.jsonl: 10 of 12 requests could not be used; the error stands in each one's place.\n",
    );
  });

  it('exits 1 where one does not fit, and 0 where all do or are not known', async () => {
    const small = { model: 'gpt2', gpu: 'h100' };
    mkdirSync(join(cli.folder, 'bert'), { recursive: true });
    writeFileSync(join(cli.folder, 'bert', 'config.json'), JSON.stringify({ model_type: 'bert' }));
    const known = await fitted([small, { model: 'bert', gpu: 'h100' }]);
    expect(known.exitCode).toBe(0);
    expect(known.results[1].deployments[0].verdict.outcome).toBe('unknown');
    expect((await fitted([small, { model: llama, gpu: 't4' }])).exitCode).toBe(1);
  });

  it('takes what a line leaves out from the options beside it', async () => {
    const { results } = await fitted(
      [{}, { gpu: 'h200', set: { 'max-model-len': 4096 } }],
      ['--model', llama, '--gpu', 'h100', '--set', 'max-model-len=8192'],
    );
    expect(results.map(({ deployments: [one] }) => [one.device, one.kv.maxModelLen])).toEqual([
      ['h100-sxm-80gb', 8192],
      ['h200-sxm-141gb', 4096],
    ]);
  });

  it('takes a config.json in the request, and static batches', async () => {
    const config = {
      model_type: 'llama',
      hidden_size: 6656,
      intermediate_size: 17_920,
      num_hidden_layers: 60,
      num_attention_heads: 52,
      vocab_size: 32_000,
      max_position_embeddings: 2048,
      torch_dtype: 'bfloat16',
    };
    const one = { engine: 'static-batch', gpu: 'h200', input: 512, output: 64, config };
    const { exitCode, results } = await fitted([
      { ...one, batch: 32 },
      { ...one, set: { 'batch-size': 64 } },
    ]);
    expect(exitCode).toBe(1);
    const deployments = results.map(({ deployments: [deployment] }) => deployment);
    expect(deployments.map(({ verdict }) => verdict.outcome)).toEqual(['fits', 'does-not-fit']);
    expect(deployments[0].model.parameters).toBe(32_528_943_616);
    expect(deployments[1].kv.maxBatch).toBeLessThan(64);
  });

  it('reads a long line and many lines as it reads few', async () => {
    const many = Array.from({ length: 3000 }, (_, index) => ({
      model: llama,
      gpu: 'h100',
      set: { 'max-model-len': 1024 + index },
    }));
    const { exitCode, results } = await fitted([
      ...many,
      `"${'x'.repeat(5_000_000)}"`,
      { model: 'gpt2', gpu: 'l4' },
    ]);
    expect(exitCode).toBe(2);
    expect(results).toHaveLength(3002);
    expect(results[2999].deployments[0].kv.maxModelLen).toBe(4023);
    expect(results[3000]).toMatchObject({ line: 3001, error: { code: 'request.too-long' } });
    expect(results[3001].line).toBe(3002);
  });

  it('takes no files beside it, and says of a file that is not there so', async () => {
    expect(await cli.run(['fit', '--requests', 'no.jsonl'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/^no\.jsonl: there is no such file/),
    });
    expect((await cli.run(['fit', 'a.yaml', '--requests', 'no.jsonl'])).stderr).toContain('not both');
  });
});
