import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { BuiltCli, root } from './builtCli.ts';

let cli: BuiltCli;
const fixture = (name: string) => join(root, 'test/fixtures/logs', name);

beforeAll(async () => {
  cli = await BuiltCli.build();
  const model = join(cli.folder, 'llama-3.1-8b');
  mkdirSync(model, { recursive: true });
  copyFileSync(
    join(root, 'test/fixtures/vllm-0.26-h200/models/llama-3.1-8b.json'),
    join(model, 'config.json'),
  );
  writeFileSync(
    join(cli.folder, 'serve.yaml'),
    '# loadline: gpu=h200\nmodel: ./llama-3.1-8b\nmax-model-len: 8192\nmax-num-batched-tokens: 16384\n',
  );
});

describe('loadline log', () => {
  it('prints an array with a record a start, over all files', async () => {
    const { exitCode, stdout, stderr } = await cli.run([
      'log',
      '--json',
      fixture('vllm-0.26-h200-llama31-8b.log'),
      fixture('composed-vllm-compose-restarts.log'),
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const records = JSON.parse(stdout) as Record<string, unknown>[];
    expect(records.map(({ outcome, kvTokens, line }) => [outcome, kvTokens, line])).toEqual([
      ['started', 914304, 17],
      ['refused', null, 1],
      ['started', 62816, 2],
      ['unknown', null, 11],
    ]);
    expect(stdout).not.toContain('not-for-logs');
  });

  it('shows a table to people, with what ended a start', async () => {
    const { stdout } = await cli.run(['log', fixture('composed-vllm-0.13.0-sampler-oom.log')]);
    expect(stdout).toContain('out of memory: sampler-warmup-oom at warm-up (line 12)');
    expect(stdout).toContain('156,400');
  });

  it('puts what is predicted beside what was measured', async () => {
    const { exitCode, stdout, stderr } = await cli.run([
      'log',
      fixture('vllm-0.26-h200-llama31-8b.log'),
      '--against',
      'serve.yaml',
      '--json',
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const [record] = JSON.parse(stdout) as {
      predicted: { rows: { term: string; measured: number; relativeError: number }[] };
    }[];
    const kv = record?.predicted.rows.find(({ term }) => term === 'available KV cache');
    expect(kv?.measured).toBeCloseTo(111.61, 2);
    expect(Math.abs(kv?.relativeError ?? 1)).toBeLessThan(0.01);
  });

  it('says which file it cannot read, and which has no start in it', async () => {
    const missing = await cli.run(['log', 'nowhere.log']);
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toContain('nowhere.log: ');
    writeFileSync(join(cli.folder, 'other.log'), 'nothing of an engine\n');
    const empty = await cli.run(['log', '--json', 'other.log']);
    expect([empty.exitCode, JSON.parse(empty.stdout)]).toEqual([0, []]);
    expect(empty.stderr).toContain('other.log: no start of an engine');
    expect((await cli.run(['log', '.'])).exitCode).toBe(2);
  });
});

describe('loadline log --calibrate', () => {
  it('corrects the next estimate, shows the error before and after, and is undone by one command', async () => {
    const kvOf = async (...more: string[]) => {
      const { stdout } = await cli.run(['fit', 'serve.yaml', '--json', ...more]);
      const document = JSON.parse(stdout) as { deployments: { perRank: { availableKvBytes: number }[] }[] };
      return document.deployments[0]?.perRank[0]?.availableKvBytes ?? 0;
    };
    const before = await kvOf('--engine-version', '0.26.0');
    const args = ['log', fixture('vllm-0.26-h200-llama31-8b.log'), '--against', 'serve.yaml', '--calibrate'];
    const { exitCode, stdout, stderr } = await cli.run(args);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('loadline calibration --undo');
    expect(stdout).toMatch(/term .*error .*calibrated/);
    const measured = 111.61 * 2 ** 30;
    const after = await kvOf('--engine-version', '0.26.0');
    expect(Math.abs(after - measured)).toBeLessThanOrEqual(Math.abs(before - measured));
    expect(Math.abs(after - measured)).toBeLessThan(0.03 * 2 ** 30);
    expect(await kvOf('--engine-version', '0.26.0', '--uncalibrated')).toBe(before);
    expect((await cli.run(['calibration'])).stdout).toContain('activation-peak');
    expect((await cli.run(['calibration', '--undo'])).exitCode).toBe(0);
    expect(await kvOf('--engine-version', '0.26.0')).toBe(before);
    expect((await cli.run(['calibration', '--undo'])).exitCode).toBe(2);
  });

  it('learns nothing from the log of another deployment, and says what is different', async () => {
    writeFileSync(
      join(cli.folder, 'other.yaml'),
      '# loadline: gpu=h200\nmodel: ./llama-3.1-8b\nmax-num-batched-tokens: 2048\nmax-model-len: 4096\n',
    );
    const log = fixture('vllm-0.26-h200-llama31-8b.log');
    const { exitCode, stderr } = await cli.run(['log', log, '--against', 'other.yaml', '--calibrate']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('the engine ran with max-model-len 8192, other.yaml means 4096');
    expect(stderr).toContain('of a deployment with another max-num-batched-tokens; left out');
  });

  it('learns nothing from the log of another GPU', async () => {
    writeFileSync(
      join(cli.folder, 'l4.yaml'),
      '# loadline: gpu=l4\nmodel: ./llama-3.1-8b\nmax-model-len: 8192\n',
    );
    const log = fixture('vllm-0.26-h200-llama31-8b.log');
    const { exitCode, stderr } = await cli.run(['log', log, '--against', 'l4.yaml', '--calibrate']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/the engine ran with gpu of 140 GiB, l4\.yaml means l4-24gb of 2\d\.\d GiB/);
    expect(stderr).toContain('of a deployment with another gpu; left out');
  });

  it('learns nothing from the log of another model', async () => {
    writeFileSync(
      join(cli.folder, 'llama.yaml'),
      '# loadline: gpu=h100\nmodel: meta-llama/Llama-3.1-8B-Instruct\n',
    );
    const log = fixture('composed-vllm-0.10.2.log');
    const { exitCode, stderr } = await cli.run(['log', log, '--against', 'llama.yaml', '--calibrate']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      'ran with model Qwen/Qwen3-8B, llama.yaml means meta-llama/Llama-3.1-8B-Instruct',
    );
    expect(stderr).toContain('of a deployment with another model; left out');
  });
});
