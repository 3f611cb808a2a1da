import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { BuiltCli } from './builtCli.ts';

let cli: BuiltCli;
beforeAll(async () => {
  cli = await BuiltCli.build();
});

const load = ['--model', 'meta-llama/Llama-3.1-8B-Instruct', '--input', '1024', '--output', '256'];

describe('loadline rank', () => {
  it('gives GPUs and instances, the cheapest first, with bands and where the price is from', async () => {
    const { exitCode, stdout } = await cli.run(['rank', ...load, '--rate', '10', '--slo-tpot-ms', '40']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/10 requests\/s, 1,024 tokens in, 256 out, TPOT ≤ 40 ms/);
    expect(stdout).toMatch(/^GPU .*\$\/1M out/m);
    expect(stdout).toMatch(/^AWS p5\.4xlarge .*us-east-1/m);
    expect(stdout).toMatch(/^H100 SXM 80 GB .*\d \(\d+ to \d+\)/m);
  });

  it('ranks by your own prices, as JSON', async () => {
    writeFileSync(join(cli.folder, 'prices.json'), '{"4090": 0.4, "h100": 40}');
    const argv = [
      'rank',
      ...load,
      '--concurrency',
      '8',
      '--prices',
      'prices.json',
      '--gpu',
      '4090',
      '--gpu',
      'h100',
    ];
    const { exitCode, stdout } = await cli.run([...argv, '--json']);
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    const gpus = document.rows.filter((row: { kind: string }) => row.kind === 'gpu');
    expect(document.schema).toBe(1);
    expect(gpus.map((row: { id: string }) => row.id)).toEqual(['rtx-4090-24gb', 'h100-sxm-80gb']);
    expect(gpus[0].priceSource).toBe('your price');
  });

  it('exits 1 where nothing carries the load, with the reasons', async () => {
    const { exitCode, stdout } = await cli.run(['rank', ...load, '--rate', '1', '--slo-tpot-ms', '0.01']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/B200, 8 GPUs: ✖ too slow: TPOT .* wanted/);
  });

  it.each([
    [['rank', ...load], /--rate .* or --concurrency/],
    [['rank', ...load, '--rate', '1', '--concurrency', '2'], /one of them/],
    [['rank', ...load, '--rate', '-1'], /--rate/],
    [['rank', ...load, '--rate', '1e999'], /--rate: a number above 0/],
    [['rank', '--model', 'x', '--rate', '1'], /--input and --output/],
    [['rank', ...load, '--rate', '1', '--gpu', 'h1000'], /--gpu.*Did you mean h100\?/],
    [['rank', ...load, '--rate', '1', '--prices', 'none.json'], /--prices: none\.json/],
    [['rank', ...load, '--rate', '1', '--set', '=4'], /--set/],
    [['rank', 'file.yaml'], /takes no files/],
  ])('%j is bad input', async (argv, said) => {
    const { exitCode, stderr } = await cli.run(argv);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(said);
  });
});
