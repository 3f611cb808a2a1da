import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type ForeignInput, readForeign } from '../../../src/core/foreign/foreign.ts';
import type { LoadResult } from '../../../src/core/sweep/loadResult.ts';
import type { CellResult, RunResults } from '../../../src/core/sweep/run.ts';

const folder = fileURLToPath(new URL('../../fixtures/foreign', import.meta.url));

/** A file as it would be given by its name. */
export function file(name: string, text: string | object, found = false): ForeignInput {
  return { name, text: typeof text === 'string' ? text : JSON.stringify(text), found };
}

/** The recorded files of a tool, as of a folder. */
export function recorded(tool: string): readonly ForeignInput[] {
  return readdirSync(`${folder}/${tool}`).map((name) => ({
    name: `${tool}/${name}`,
    text: readFileSync(`${folder}/${tool}/${name}`, 'utf8'),
    found: true,
  }));
}

export function theRun(files: readonly ForeignInput[]): RunResults {
  const read = readForeign(files);
  expect(read.ok ? [] : read.problems).toEqual([]);
  const runs = read.ok ? read.value : [];
  expect(runs).toHaveLength(1);
  return runs[0] as RunResults;
}

export function theTrial(run: RunResults): LoadResult {
  const trial = run.cells[0]?.trials[0];
  if (trial === undefined) throw new Error('no trial');
  return trial;
}

export function cellWith(run: RunResults, concurrency: number): CellResult {
  const cell = run.cells.find((one) => one.concurrency === concurrency);
  if (cell === undefined) throw new Error(`no cell at ${concurrency}`);
  return cell;
}

export function problemsOf(files: readonly ForeignInput[]): readonly string[] {
  const read = readForeign(files);
  return read.ok ? [] : read.problems.map(({ path = [], message }) => `${path.join(' > ')}: ${message}`);
}
