import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { BuiltCli, root } from './builtCli.ts';

let cli: BuiltCli;
const fixture = (name: string) => join(root, 'test/fixtures/foreign', name);

beforeAll(async () => {
  cli = await BuiltCli.build();
});

describe('loadline import', () => {
  it('makes a run of each tool’s files, with a report, and the same one when asked again', async () => {
    const once = await cli.run(['import', fixture('aiperf'), fixture('guidellm/benchmarks.json'), '--json']);
    expect(once.stderr).toBe('');
    expect(once.exitCode).toBe(0);
    const runs = JSON.parse(once.stdout) as {
      run: string;
      origin: { tool: string };
      cells: { label: string }[];
    }[];
    expect(runs.map(({ origin, cells }) => [origin.tool, cells.map(({ label }) => label)])).toEqual([
      ['aiperf', ['concurrency 32']],
      ['guidellm', ['concurrency 32']],
    ]);
    const again = await cli.run(['import', fixture('aiperf'), fixture('guidellm/benchmarks.json'), '--json']);
    expect(again.stdout).toBe(once.stdout);
    for (const { run } of runs) {
      const folder = join(cli.folder, '.loadline', 'runs', run);
      expect(JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')).run).toBe(run);
      const html = readFileSync(join(folder, `${run}-report.html`), 'utf8');
      expect(html).toContain('concurrency 32');
      expect(html).toContain('cannot certify are left out');
      expect(html).not.toContain('journal.jsonl');
    }
  });

  it('is a run like ours to `report`', async () => {
    const { stdout } = await cli.run(['import', fixture('inference-perf'), '--json']);
    const [{ run }] = JSON.parse(stdout) as [{ run: string }];
    const report = await cli.run(['report', run, '--format', 'md', '--output', '-']);
    expect(report.exitCode).toBe(0);
    expect(await cli.run(['report', run, '--calibrate'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('measured no engine of ours'),
    });
    expect(report.stdout).toContain('aggregates of inference-perf itself');
    expect(report.stdout).not.toContain('## Plan');
  });

  it('prints the cells, and what the words of the tool mean on stderr', async () => {
    const { stdout, stderr } = await cli.run(['import', '--dry-run', fixture('vllm-bench-serve-failures')]);
    expect(stdout).toMatch(/^concurrency 32 .*15\/241/m);
    expect(stderr).toContain('241 of 256 requests failed');
    expect(existsSync(join(cli.folder, '.loadline', 'runs', '20261121T134121Z'))).toBe(false);
  });

  it('says of each file why it cannot be used, and writes nothing', async () => {
    const torn = join(cli.folder, 'torn.json');
    writeFileSync(torn, readFileSync(fixture('vllm-bench-serve/result.json'), 'utf8').slice(0, 3000));
    const result = await cli.run(['import', 'torn.json', 'package.json', 'missing.json']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('missing.json: There is no such file. [foreign.unreadable]');
    const without = await cli.run(['import', 'torn.json', 'package.json']);
    expect(without.exitCode).toBe(2);
    expect(without.stderr).toMatch(/torn\.json: The JSON ends in the middle \(line 1, column 3001\)/);
    expect(without.stderr).toMatch(/package\.json: This is no result .*Known are: vllm bench serve/);
    expect((await cli.run(['import'])).stderr).toMatch(/give result files or folders/);
  });
});
