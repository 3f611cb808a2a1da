/** A plan that was edited after its run started: the run goes on with the one that it started with. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSweepPlan } from '../text/sweepPlan.ts';
import { type RunPlace, readTextFile } from './runPlaces.ts';

/** Plan files of these folders that have the name of the run's plan and another text. None where the run's is not here. */
export async function changedPlans(
  { directory }: RunPlace,
  folders: readonly string[],
): Promise<readonly string[]> {
  const started = await readTextFile(join(directory, 'plan.yaml'));
  const name = started === undefined ? undefined : nameOf(started);
  if (name === undefined) return [];
  const found: string[] = [];
  for (const folder of new Set(folders)) {
    const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.sweep.yaml'));
    for (const file of files.map((one) => join(folder, one))) {
      const text = await readTextFile(file);
      if (text !== undefined && text !== started && nameOf(text) === name) found.push(file);
    }
  }
  return found;
}

function nameOf(text: string): string | undefined {
  const { result } = parseSweepPlan(text);
  return result.ok ? result.value.name : undefined;
}
