/**
 * Runs over a real sshd whose parts are killed at random moments, again and again: each comes to what an undisturbed one comes to,
 * and leaves no process. `LOADLINE_SEED=n LOADLINE_ROUNDS=m` play others, `LOADLINE_ROUND=k` one of them alone.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuiltCli } from '../cli/builtCli.ts';
import { buildAgent } from '../remote/support.ts';
import { startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';
import { type BlowName, chooseBlows } from './blows.ts';
import { type PlanName, plans } from './rehearsals.ts';
import { type Outcome, type Place, playRound } from './round.ts';
import { Seeded } from './seeded.ts';

const seed = Number(process.env['LOADLINE_SEED'] ?? 20261125);
const rounds = Number(process.env['LOADLINE_ROUNDS'] ?? 50);
const only = process.env['LOADLINE_ROUND'];
/** Runs at the same time, each on a host of its own: much of a run is waiting. */
const placesAtOnce = 4;

function differences(found: Outcome, expected: Outcome | undefined): string[] {
  const cells = Object.keys({ ...expected?.cells, ...found.cells }).filter(
    (cell) => found.cells[cell] !== expected?.cells[cell],
  );
  const said = cells.map((cell) => `${cell}: ${found.cells[cell]} instead of ${expected?.cells[cell]}`);
  const [searches, wanted] = [JSON.stringify(found.searches), JSON.stringify(expected?.searches)];
  return searches === wanted ? said : [...said, `${searches} instead of ${wanted}`];
}

describe(`runs that are struck at random (seed ${seed})`, () => {
  const places: Place[] = [];
  const undisturbed = new Map<PlanName, Outcome>();

  beforeAll(async () => {
    const cli = await BuiltCli.build();
    const archive = buildAgent();
    for (let index = 0; index < placesAtOnce; index++) {
      const sshd = await startLoopbackSshd({ alias: `host-${index}` });
      places.push({ sshd, cli, archive, workspace: temporaryFolder('workspace') });
    }
    const [first] = places;
    if (first === undefined) throw new Error('no place');
    for (const plan of Object.keys(plans) as PlanName[])
      undisturbed.set(plan, await playRound(first, { run: `undisturbed-${plan}`, plan, blows: [] }));
  });
  afterAll(async () => {
    for (const { sshd } of places) {
      for (const { pid } of await processesOf(sshd.home)) process.kill(pid, 'SIGKILL');
      await sshd.stop();
    }
  });

  it('come to the same results, and leave nothing', async () => {
    const struck = new Map<BlowName, number>();
    const failures: string[] = [];
    const open = Array.from({ length: rounds }, (_, index) => index).filter(
      (index) => only === undefined || index === Number(only),
    );
    const play = async (place: Place): Promise<void> => {
      for (let index = open.shift(); index !== undefined; index = open.shift()) {
        const plan: PlanName = index % 2 === 0 ? 'grid' : 'search';
        const expected = undisturbed.get(plan);
        const blows = chooseBlows(new Seeded(seed * 1000 + index), expected?.records ?? 1);
        for (const { name } of blows) struck.set(name, (struck.get(name) ?? 0) + 1);
        const words = `round ${index} (${plan}; ${blows.map(({ name, records, cutsDeep }) => `${name}${name === 'reboot' && cutsDeep ? ' with a deep cut' : ''} after ${records}`).join(', ')})`;
        try {
          const outcome = await playRound(place, { run: `round-${index}`, plan, blows });
          failures.push(...differences(outcome, expected).map((difference) => `${words}: ${difference}`));
        } catch (error) {
          failures.push(`${words}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    };
    await Promise.all(places.map(play));
    console.log(
      `seed ${seed}, ${rounds} rounds: ${[...struck].map(([name, count]) => `${name} ${count}`).join(', ')}`,
    );
    expect(failures).toEqual([]);
  });
});
