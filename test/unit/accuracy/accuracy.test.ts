import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { accuracyOf, accuracyPage, KV, type MeasuredRow, summaries } from '../../tools/accuracy.ts';
import { measurements } from '../../tools/recordings.ts';
import { comparedBatches } from '../../tools/staticBatches.ts';

const root = new URL('../../../', import.meta.url);
const fixtures = fileURLToPath(new URL('test/fixtures', root));
const measured = measurements(fixtures);
const batches = comparedBatches(fixtures);
const accuracy = accuracyOf(measured, [], batches);
const recorded = (rows: readonly MeasuredRow[]) => rows.filter(({ kind }) => kind === 'recorded');
const kvOf = (rows: readonly MeasuredRow[]) => {
  const found = summaries(recorded(rows)).find(({ term }) => term === KV);
  if (found === undefined) throw new Error('nothing was compared');
  return found;
};

describe('predicted beside every real measurement', () => {
  it('covers every recorded start', () => {
    expect(accuracy.notCovered).toEqual([]);
    expect(kvOf(accuracy.rows).count).toBe(measured.filter(({ kind }) => kind === 'recorded').length);
    expect(kvOf(accuracy.rows).count).toBeGreaterThanOrEqual(12);
  });

  it('available KV cache: mean error at most 1 %, max at most 5 %', () => {
    const { mean, max } = kvOf(accuracy.rows);
    expect(mean).toBeLessThanOrEqual(0.01);
    expect(max).toBeLessThanOrEqual(0.05);
  });

  it('what other starts measured makes no start worse by more than their scatter', () => {
    expect(kvOf(accuracy.calibrated).mean).toBeLessThanOrEqual(kvOf(accuracy.rows).mean + 0.001);
    expect(kvOf(accuracy.calibrated).max).toBeLessThanOrEqual(kvOf(accuracy.rows).max + 0.005);
  });

  it('the activation peaks that others published are met within 5 %', () => {
    const published = accuracy.rows.filter(
      ({ kind, term }) => kind === 'published' && term === 'activation-peak',
    );
    expect(published.length).toBeGreaterThanOrEqual(15);
    for (const row of published) expect(Math.abs(row.relativeError), row.id).toBeLessThanOrEqual(0.05);
  });
});

describe('static batches beside what was recorded of them', () => {
  const found = summaries(accuracy.rows.filter(({ kind }) => kind === 'static batch'));

  it.each([
    ['allocated', 0.001],
    ['peak', 0.001],
    ['reserved', 0.01],
    ['used', 0.01],
  ])('%s: every batch that ended within %f', (term, most) => {
    const summary = found.find((each) => each.term === term);
    expect(summary?.count).toBe(batches.filter(({ ranOut }) => !ranOut).length);
    expect(summary?.max).toBeLessThanOrEqual(most);
  });

  it('runs out where it ran out, and nowhere else', () => {
    expect(accuracy.batches.ranOut).toBeGreaterThan(0);
    expect(accuracy.batches.right).toBe(accuracy.batches.count);
  });
});

describe('docs/accuracy.md', () => {
  const page = readFileSync(new URL('docs/accuracy.md', root), 'utf8');

  it('claims no more than is true now: `npm run accuracy` writes it again', () => {
    const [, summary = ''] = page.split('## Recorded starts: summary');
    const [, count, mean, max] =
      /^\| available KV cache \| (\d+) \| ([\d.]+) % \| ([\d.]+) % \|/m.exec(summary) ?? [];
    const now = kvOf(accuracy.rows);
    expect(Number(count)).toBeGreaterThanOrEqual(12);
    expect(100 * now.mean - Number(mean)).toBeLessThan(0.1);
    expect(100 * now.max - Number(max)).toBeLessThan(0.5);
  });

  it('has every static batch, with its figures', () => {
    for (const { id } of batches.filter(({ ranOut }) => !ranOut)) {
      for (const figure of ['allocated', 'peak', 'reserved', 'used', 'TPOT']) {
        expect(page).toContain(`| static-batch | ${id} | ${figure} |`);
      }
    }
  });

  it('names only starts that are in the repository', () => {
    const known = new Set(measured.map(({ recording, id }) => `${recording} | ${id}`));
    const named = [...page.matchAll(/^\| ((?:vllm-|published|logs)[^|]*? \| [^|]*?) \|/gm)].map(
      ([, name]) => name,
    );
    expect(named.length).toBeGreaterThan(50);
    for (const name of named) expect(known.has(name ?? ''), name).toBe(true);
  });

  it('is the same however often it is written', () => {
    expect(accuracyPage(accuracyOf(measured, [], batches))).toBe(accuracyPage(accuracy));
  });
});
