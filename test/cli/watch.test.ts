import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readRecording } from '../../src/protocol/telemetryRecording.ts';
import { BuiltCli } from './builtCli.ts';

let cli: BuiltCli;
beforeAll(async () => {
  cli = await BuiltCli.build();
});

const recorded = ['--device', 'recorded:h200-2026-11-static-batch', '--interval', '50', '--seconds', '1'];

describe('loadline watch', () => {
  it('prints a line a GPU and sample, and says that the device is a recording', async () => {
    const { exitCode, stdout } = await cli.run(['watch', ...recorded]);
    expect(exitCode).toBe(0);
    const [head, ...lines] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^this-machine: .*H200.* \(a recording, not this host: recorded:/);
    // Of twenty: what a busy machine misses is a line of its own.
    const shown = lines.filter((line) => / GPU 0: memory [\d.]+ \wi?B of 140 GiB, /.test(line));
    expect(shown.length).toBeGreaterThan(1);
  });

  it('records what it prints in a file that reads as a recording, and touches none that is there', async () => {
    const watched = await cli.run(['watch', ...recorded, '--json', '--record', 'seen.jsonl']);
    expect(watched.exitCode).toBe(0);
    const recording = readRecording(readFileSync(join(cli.folder, 'seen.jsonl'), 'utf8'));
    expect(recording.notes).toEqual([]);
    expect(recording.from.host).toBe('this-machine');
    const printed = watched.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(recording.lines).toEqual(printed);
    const samples = printed.filter(({ type }) => type === 'telemetry').length;
    expect(watched.stderr).toContain(`${samples} samples were recorded in `);

    const again = await cli.run(['watch', ...recorded, '--record', 'seen.jsonl']);
    expect(again.exitCode).toBe(3);
    expect(again.stderr).toContain('seen.jsonl');
  });

  it('prints CSV with a header', async () => {
    const { stdout } = await cli.run(['watch', ...recorded, '--csv']);
    const rows = stdout.trimEnd().split('\n');
    expect(rows[0]).toMatch(/^time,host,gpu,name,source,memoryUsedBytes,.*,gap$/);
    expect(rows.length).toBeGreaterThan(2);
    // The words of a gap, of a busy machine, hold commas and are quoted.
    const cells = (row: string) => row.replaceAll(/"[^"]*"/g, '').split(',').length;
    for (const row of rows) expect(cells(row)).toBe(cells(rows[0] ?? ''));
  });

  it('says why there are no rows where there is no GPU', async () => {
    const { stdout, stderr } = await cli.run(['watch', '--csv', '--seconds', '1']);
    const gpus = stdout.trimEnd().split('\n').length - 1;
    expect(gpus > 0 || stderr.includes('this-machine: no GPU that its driver shows')).toBe(true);
  });

  it('samples as the study did, where it is told to', async () => {
    const { stdout } = await cli.run([
      'watch',
      ...recorded.slice(0, 2),
      '--seconds',
      '1',
      '--study',
      '--json',
    ]);
    const [header] = stdout.split('\n');
    const { method, intervalMs } = JSON.parse(header ?? '');
    expect([method.mode, Math.round(intervalMs)]).toEqual(['study', 167]);
  });

  it('takes one form at a time', async () => {
    const { exitCode, stderr } = await cli.run(['watch', '--csv', '--json']);
    expect([exitCode, stderr.includes('--json or --csv')]).toEqual([2, true]);
  });
});
