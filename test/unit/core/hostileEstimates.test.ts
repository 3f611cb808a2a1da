import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allDevices } from '../../../src/core/device/catalogue.ts';
import type { Deployment, FlagValue } from '../../../src/core/engine/deployment.ts';
import { engineNames, findEngine } from '../../../src/core/engine/engines.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { estimateSensitivity } from '../../../src/core/estimate/sensitivity.ts';
import type { DeploymentEstimate, EstimateRequest } from '../../../src/core/estimate/types.ts';
import { parseModelConfig } from '../../../src/core/model/parse.ts';
import { fixtureLines } from './fixtures.ts';

type Config = Record<string, unknown>;
const configs = ['parameters/released.jsonl', 'parameters/more.jsonl'].flatMap((path) =>
  (fixtureLines(path) as { config: Config }[]).map(({ config }) => config),
);

const GONE = Symbol('field that is left out');
const hostile = fc.constantFrom<unknown>(
  GONE,
  null,
  -1,
  0,
  1,
  0.5,
  7,
  1e6,
  2 ** 53,
  1e308,
  -1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  '4096',
  'constructor',
  true,
  [],
  [1e9, -1],
  {},
  JSON.parse('{"__proto__": {"hidden_size": 1}}'),
);

/** A real config with up to three fields, at either level, replaced or left out. */
const config = fc
  .tuple(fc.constantFrom(...configs), fc.array(fc.tuple(fc.nat(), fc.nat(), hostile), { maxLength: 3 }))
  .map(([real, edits]) => edits.reduce(edited, real));

function edited(real: Config, [at, within, value]: readonly [number, number, unknown]): Config {
  const names = Object.keys(real);
  const name = names[at % Math.max(1, names.length)];
  if (name === undefined) return real;
  const inner = real[name];
  if (typeof inner === 'object' && inner !== null && !Array.isArray(inner) && within % 4 > 0) {
    return { ...real, [name]: edited(inner as Config, [within, at, value]) };
  }
  const { [name]: _, ...others } = real;
  return value === GONE ? others : { ...others, [name]: value };
}

const flagValue = fc.oneof(
  fc.constantFrom<FlagValue>(0, 1, 2, 3, 8, 16, 256, 4096, 131_072, 2 ** 40, 1e308, -1, 0.5, 0.95),
  fc.constantFrom<FlagValue>('auto', 'fp8', '8k', '{}', '[]', 'x', true, false),
  fc.constantFrom<FlagValue>('bfloat16', 'float32', 'bitsandbytes', '{"method": "ngram"}'),
);

const request = fc
  .record({
    config,
    engine: fc.constantFrom(...engineNames()),
    version: fc.option(
      fc.constantFrom('0.6.0', '0.8.5', '0.11.0', '0.26.0', '0.33.0', '4.40', 'nightly', '9'.repeat(400)),
      { nil: undefined },
    ),
    entrypoint: fc.constantFrom<Deployment['entrypoint']>('serve', 'llm'),
    device: fc.constantFrom(...allDevices()),
    gpuCount: fc.constantFrom(1, 2, 8, 64),
    choices: fc.array(fc.tuple(fc.nat(), flagValue), { maxLength: 5 }),
    load: fc.option(
      fc.record({
        batch: fc.constantFrom(1, 32, 2 ** 40),
        inputTokens: fc.constantFrom(1, 1024, 2 ** 40),
        outputTokens: fc.constantFrom(1, 128, 2 ** 40),
      }),
      { nil: undefined },
    ),
    weightsBytes: fc.option(fc.constantFrom(1, 1e9, 2 ** 52), { nil: undefined }),
    cudaTotalBytes: fc.option(fc.constantFrom(1, 1e9, 2 ** 52), { nil: undefined }),
    freeBytes: fc.option(fc.constantFrom(0, 1e9, 2 ** 40), { nil: undefined }),
  })
  .map((drawn) => {
    const parsed = parseModelConfig(drawn.config, { id: 'test', source: 'test' });
    if (!parsed.ok) return undefined;
    const { load, weightsBytes, cudaTotalBytes, freeBytes, version } = drawn;
    const effective = findEngine(drawn.engine)?.flags.filter(({ effect }) => effect !== undefined) ?? [];
    const flags = Object.fromEntries(
      drawn.choices.map(([at, value]) => [effective[at % effective.length]?.name ?? 'dtype', value]),
    );
    const made: EstimateRequest = {
      source: 'test',
      deployment: {
        engine: drawn.engine,
        entrypoint: drawn.entrypoint,
        flags,
        ...(version === undefined ? {} : { engineVersion: version }),
      },
      model: parsed.value,
      device: drawn.device,
      gpuCount: drawn.gpuCount,
      ...(load === undefined ? {} : { load }),
      ...(weightsBytes === undefined ? {} : { weightsBytes }),
      ...(cudaTotalBytes === undefined ? {} : { cudaTotalBytes }),
      ...(freeBytes === undefined ? {} : { freeBytes }),
    };
    return made;
  });

/** Paths of numbers that are none, however deep. */
function unfit(value: unknown, path: string): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} = ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => unfit(inner, `${path}.${name}`));
}

function checked(one: DeploymentEstimate, made: EstimateRequest): void {
  // What was written comes back as it was written, an absurd number too.
  const { resolved: _, perRank, ...figures } = one;
  expect(unfit({ ...figures, rank: perRank[0] }, 'estimate')).toEqual([]);
  // Ranks of a stage are all alike.
  const distinct = [...new Map(perRank.map((rank) => [rank.terms, rank])).values()];
  for (const { terms, totalBytes } of distinct) {
    expect(totalBytes).toBeGreaterThanOrEqual(0);
    for (const { id, bytes, lowBytes, highBytes, formula, source } of terms) {
      expect(lowBytes, `${id}: low`).toBeGreaterThanOrEqual(0);
      expect(lowBytes, `${id}: low`).toBeLessThanOrEqual(bytes);
      expect(bytes, `${id}: high`).toBeLessThanOrEqual(highBytes);
      expect(`${formula} ${source}`, id).not.toMatch(/NaN|Infinity|undefined/);
    }
  }
  const { speed, kv, verdict } = one;
  for (const [low, high] of Object.values(speed.bands)) expect(low).toBeLessThanOrEqual(high);
  expect(speed.ttftMs).toBeGreaterThan(0);
  expect(speed.tpotMs).toBeGreaterThan(0);
  for (const count of [kv.tokens, kv.numBlocks, kv.maxConcurrency, kv.largestMaxModelLen]) {
    expect(count).toBeGreaterThanOrEqual(0);
  }
  expect(verdict.reason).not.toMatch(/NaN|Infinity|undefined/);
  expect(verdict.reason.length).toBeGreaterThan(0);
  const obstacle = findEngine(made.deployment.engine)?.evaluate(made).obstacle;
  const expected =
    obstacle === undefined
      ? ['fits', 'tight']
      : obstacle.kind === 'flag-value'
        ? ['unknown']
        : ['does-not-fit'];
  expect(expected).toContain(verdict.outcome);
}

describe('an estimate of any configuration, with any flags, on any GPU', () => {
  it('has finite numbers within their bands and a verdict that follows from the checks', () => {
    fc.assert(
      fc.property(request, (made) => {
        if (made === undefined) return;
        checked(estimate(made), made);
      }),
      { numRuns: 1000 },
    );
  });

  it('and so has every edit that is proposed and every sensitivity', () => {
    fc.assert(
      fc.property(request, (made) => {
        if (made === undefined) return;
        for (const { flag, to, effect } of estimate(made).verdict.fixes) {
          const flags = { ...made.deployment.flags, [flag]: to };
          expect(effect).not.toMatch(/NaN|Infinity|undefined/);
          const after = { ...made, gpuCount: 64, deployment: { ...made.deployment, flags } };
          checked(estimate(after), after);
        }
        expect(unfit(estimateSensitivity(made), 'sensitivity')).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
