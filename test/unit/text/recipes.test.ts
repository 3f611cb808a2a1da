import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDevice } from '../../../src/core/device/catalogue.ts';
import type { Deployment } from '../../../src/core/engine/deployment.ts';
import { knownModel } from '../../../src/core/model/known.ts';
import { expandSweep } from '../../../src/core/sweep/cells.ts';
import { scheduleOf } from '../../../src/core/sweep/schedule.ts';
import { planContext, prepareRun } from '../../../src/protocol/runRequest.ts';
import { type RecipeInput, recipePlan, sourceOf } from '../../../src/text/recipes/recipe.ts';
import { recipes } from '../../../src/text/recipes/recipes.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { mustBe } from '../sweep/plans.ts';

const deployment: Deployment = {
  engine: 'vllm',
  engineVersion: '0.26.0',
  entrypoint: 'serve',
  model: 'meta-llama/Llama-3.1-8B-Instruct',
  flags: { 'max-model-len': 8192, 'gpu-memory-utilization': 0.92, port: 8000, 'hf-token': 'hf_abc' },
  environment: { VLLM_USE_V1: '1', HF_TOKEN: 'hf_abc' },
};
const input: RecipeInput = {
  source: 'serve.yaml',
  name: 'serve-sweep',
  deployment,
  gpu: 'h200-sxm-141gb',
  gpuCount: 1,
  contextTokens: 8192,
  hosts: ['this-machine'],
};

describe.each(recipes)('the recipe $question', (recipe) => {
  const text = recipePlan(recipe, input);
  const parsed = parseSweepPlan(text);

  it('names the file that it was made from, to be found again', () => {
    expect(sourceOf(text)).toBe('serve.yaml');
    expect(sourceOf(recipePlan(recipe, { ...input, source: 'my serve.v2.sh' }))).toBe('my serve.v2.sh');
    expect(sourceOf('# Made from ../x/serve.yaml. The lines above the first key')).toBeUndefined();
    expect(sourceOf('name: a\n')).toBeUndefined();
  });

  it('is a plan for the deployment without a problem or a warning', () => {
    expect(parsed.problems).toEqual([]);
    expect(parsed.warnings).toEqual([]);
    const plan = mustBe(parsed.result);
    expect(plan).toMatchObject({
      name: 'serve-sweep',
      question: recipe.question,
      gpu: 'h200-sxm-141gb',
      model: 'meta-llama/Llama-3.1-8B-Instruct',
      engine: { name: 'vllm', version: '0.26.0', environment: { VLLM_USE_V1: '1' } },
    });
    expect(plan.deployment.flags['max-model-len']).toBe(8192);
    expect(plan.deployment.flags).not.toHaveProperty('port');
    expect(text).not.toContain('hf_abc');
    expect(text).toMatch(/^# .*\?$/m);
  });

  it('rehearses', () => {
    const plan = mustBe(parsed.result);
    const model = knownModel(plan.model) ?? null;
    const context = mustBe(planContext(plan, { mode: 'rehearsal', model, probe: null }));
    expect(context.device).toEqual(findDevice('h200-sxm-141gb'));
    const { cells, searches } = mustBe(expandSweep(plan, context));
    const { request } = mustBe(
      prepareRun({
        ...{ plan, planText: text, cells, searches, context, host: 'this-machine' },
        ...{ startedAt: new Date(0), loadlineVersion: '0', gitCommit: null },
      }),
    );
    expect(request.simulated).toBe(true);
    expect(request.cells.length).toBeGreaterThan(2);
    for (const { engine } of request.cells) expect(engine.kind).toBe('simulated');
    const { starts, startsUnordered } = scheduleOf({ cells, searches, starts: new Map() });
    expect(starts).toBeLessThanOrEqual(startsUnordered);
  });

  it('stays a plan where the context is short, and where there is no deployment at all', () => {
    const short = { ...deployment, flags: { 'max-model-len': 512 } };
    for (const other of [
      { ...input, deployment: short, contextTokens: 512 },
      { ...input, deployment: null, gpu: null, contextTokens: null },
    ]) {
      const plan = mustBe(parseSweepPlan(recipePlan(recipe, other)).result);
      const model = knownModel(plan.model) ?? null;
      const context = mustBe(planContext(plan, { mode: 'rehearsal', model, probe: null }));
      expect(expandSweep(plan, context).ok).toBe(true);
    }
  });
});

it('whatever a flag or a variable of the deployment holds, the plan holds it too, on its line', () => {
  const [recipe] = recipes;
  if (recipe === undefined) throw new Error('no recipe');
  fc.assert(
    fc.property(fc.string(), fc.string(), (value, variable) => {
      const text = recipePlan(recipe, {
        ...input,
        deployment: { ...deployment, flags: { 'chat-template': value }, environment: { A: variable } },
      });
      const plan = mustBe(parseSweepPlan(text).result);
      expect(plan.deployment.flags).toEqual({ 'chat-template': value });
      expect(plan.engine.environment).toEqual({ A: variable });
    }),
  );
});

it('says the GPUs of CUDA_VISIBLE_DEVICES as a plan says them', () => {
  const chat = recipes.find(({ question }) => question === 'chat') ?? expect.fail('no recipe for chat');
  const planOf = (devices: string, gpuCount = 1) =>
    recipePlan(chat, {
      ...input,
      gpuCount,
      deployment: { ...deployment, environment: { CUDA_VISIBLE_DEVICES: devices } },
    });
  expect(mustBe(parseSweepPlan(planOf('3')).result)).toMatchObject({
    gpuIndices: [3],
    engine: { environment: {} },
  });
  expect(mustBe(parseSweepPlan(planOf('2, 5', 2)).result).gpuIndices).toEqual([2, 5]);
  for (const other of ['GPU-1a2b', '', '0,1', '-1'])
    expect(mustBe(parseSweepPlan(planOf(other)).result).gpuIndices, other).toBeUndefined();
});
