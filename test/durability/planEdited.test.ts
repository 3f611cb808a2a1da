/** A plan that is edited while its run goes on: the run stays that of the plan it started with, also when it is resumed. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunResults } from '../../src/core/sweep/run.ts';
import { BuiltCli } from '../cli/builtCli.ts';
import { waitFor } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { plans } from './rehearsals.ts';

let cli: BuiltCli;
beforeAll(async () => {
  cli = await BuiltCli.build();
});
afterAll(async () => {
  for (const { pid } of await processesOf(cli.home)) process.kill(pid, 'SIGKILL');
});

it('goes on with the plan that it started with, says so, and the changed one is another run', async () => {
  const plan = join(cli.folder, 'grid.sweep.yaml');
  // Long enough to be cancelled in its midst.
  const before = plans.grid.replace('loopback', 'this-machine').replace('requests: 40', 'requests: 140');
  const after = before.replace('[2, 4, 8]', '[2, 16]');
  writeFileSync(plan, before);
  const started = await cli.run(['sweep', 'grid.sweep.yaml', '--rehearse', '--detach']);
  expect(started.stderr).toContain('started on this-machine');
  writeFileSync(plan, after);
  expect((await cli.run(['cancel'])).exitCode).toBe(0);

  const resumed = await cli.run(['resume', '--json']);
  expect(resumed.stderr).toContain(
    'grid.sweep.yaml was changed since: the run goes on with the plan that it started with.',
  );
  const results = JSON.parse(resumed.stdout) as RunResults;
  expect(results.cells.map(({ concurrency, state }) => [concurrency, state])).toEqual(
    [2, 4, 8, 2, 4, 8].map((concurrency) => [concurrency, 'done']),
  );
  const runs = join(cli.folder, '.loadline', 'runs');
  const [run = ''] = readdirSync(runs);
  expect(readFileSync(join(runs, run, 'plan.yaml'), 'utf8')).toBe(before);

  const changed = await cli.run(['sweep', 'grid.sweep.yaml', '--rehearse', '--json']);
  const other = JSON.parse(changed.stdout) as RunResults;
  expect(other.run).not.toBe(run);
  // The same point has the same id in both; what was measured for one is not taken for the other.
  const ids = new Set(results.cells.map(({ cell }) => cell));
  expect(other.cells.map(({ cell, concurrency }) => [concurrency, ids.has(cell)])).toEqual(
    [2, 16, 2, 16].map((concurrency) => [concurrency, concurrency === 2]),
  );
  await waitFor(async () => (await processesOf(cli.home)).length === 0, 'no process to be left');
});
