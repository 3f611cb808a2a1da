import { cp, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RunResults } from '../../src/core/sweep/run.ts';
import { recordedRun, recordedRunsFolder } from '../tools/recordedRuns.ts';
import { BuiltCli, root } from './builtCli.ts';

let cli: BuiltCli;
const fixtures = join(root, 'test', 'fixtures');

beforeAll(async () => {
  cli = await BuiltCli.build();
});

describe('loadline report', () => {
  it('keeps what the host said last of a run that was cut off, until its journal goes on', async () => {
    const run = 'cut-off';
    const folder = join(cli.folder, '.loadline', 'runs', run);
    await mkdir(folder, { recursive: true });
    await cp(join(fixtures, recordedRunsFolder, 'memory-limit'), folder, { recursive: true });
    const said = await recordedRun(fixtures, 'memory-limit');
    const results = join(folder, 'results.json');
    await writeFile(results, JSON.stringify(said));
    const again = async () => {
      expect(await cli.run(['report', run])).toMatchObject({ exitCode: 0 });
      return JSON.parse(await readFile(results, 'utf8')) as RunResults;
    };
    expect(await again()).toMatchObject({ outcome: 'interrupted', answer: said.answer });
    expect(await again()).toMatchObject({ outcome: 'interrupted' });
    const later = new Date(Date.now() + 60_000);
    await utimes(join(folder, 'journal.jsonl'), later, later);
    expect(await again()).toMatchObject({ outcome: 'running', answer: null });
  });
});
