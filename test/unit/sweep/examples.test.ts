import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { knownModel } from '../../../src/core/model/known.ts';
import { expandSweep } from '../../../src/core/sweep/cells.ts';
import { questions } from '../../../src/core/sweep/planSchema.ts';
import { scheduleOf } from '../../../src/core/sweep/schedule.ts';
import { planContext, prepareRun } from '../../../src/protocol/runRequest.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { mustBe } from './plans.ts';

const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.sweep.yaml'));

describe('the example plans', () => {
  it('ask each of the questions', () => {
    expect(files.sort()).toEqual([...questions].map((question) => `${question}.sweep.yaml`).sort());
  });

  it.each(files)('%s is a plan without a warning that can be rehearsed within ten minutes', (file) => {
    const text = readFileSync(folder + file, 'utf8');
    const { result, problems, warnings } = parseSweepPlan(text);
    expect([...problems, ...warnings]).toEqual([]);
    const plan = mustBe(result);
    expect(`${plan.question}.sweep.yaml`).toBe(file);
    const model = knownModel(plan.model) ?? null;
    const context = mustBe(planContext(plan, { mode: 'rehearsal', model, probe: null }));
    const expanded = mustBe(expandSweep(plan, context));
    expect(scheduleOf(expanded).seconds).toBeLessThan(600);
    const { request } = mustBe(
      prepareRun({
        ...{ plan, planText: text, context, host: 'h', startedAt: new Date(0) },
        ...{ cells: expanded.cells, searches: expanded.searches, loadlineVersion: '0', gitCommit: null },
      }),
    );
    expect(request.cells.every(({ engine }) => engine.kind === 'simulated')).toBe(true);
  });
});
