import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../../src/core/model/parse.ts';
import { fixtureLines } from './fixtures.ts';

const identity = { id: 'test', source: 'test' };
const configs = ['parameters/released.jsonl', 'parameters/more.jsonl'].flatMap((path) =>
  (fixtureLines(path) as { config: Record<string, unknown> }[]).map(({ config }) => config),
);

/** Every path to a value of a configuration, two levels deep. */
function paths(config: Record<string, unknown>): (readonly [string] | readonly [string, string])[] {
  return Object.entries(config).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? [[name] as const, ...Object.keys(value).map((inner) => [name, inner] as const)]
      : [[name] as const],
  );
}

function withValue(
  config: Record<string, unknown>,
  path: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const [name = '', inner] = path;
  if (inner === undefined) return { ...config, [name]: value };
  return { ...config, [name]: { ...(config[name] as object), [inner]: value } };
}

const hostile: readonly unknown[] = [
  1e308,
  -1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  0,
  0.5,
  2 ** 53,
  '4096',
  '',
  null,
  true,
  [],
  [null],
  [-1, 1e308],
  ['sliding_attention'],
  {},
  { full_attention: 1 },
  { toString: false },
  'constructor',
];

describe('a hostile value anywhere in the configuration of any family', () => {
  it('makes a problem, or facts with exact whole counts, and never an exception', () => {
    const anywhere = fc.constantFrom(...configs).chain((config) =>
      fc.record({
        config: fc.constant(config),
        path: fc.constantFrom(...paths(config)),
        value: fc.oneof(fc.constantFrom(...hostile), fc.jsonValue()),
      }),
    );
    fc.assert(
      fc.property(anywhere, ({ config, path, value }) => {
        const result = parseModelConfig(withValue(config, path, value), identity);
        if (!result.ok) {
          expect(result.problems.length).toBeGreaterThan(0);
          return;
        }
        const { parameters, layers, maxPositionEmbeddings, rotarySize } = result.value;
        for (const count of Object.values(parameters)) {
          expect(Number.isSafeInteger(count) && count >= 0, path.join('.')).toBe(true);
        }
        expect(layers.length).toBeGreaterThan(0);
        expect(maxPositionEmbeddings).toBeGreaterThan(0);
        expect(Number.isFinite(rotarySize)).toBe(true);
      }),
      { numRuns: 4000 },
    );
  });

  it('names the layer count that no model has, in every family', () => {
    for (const config of configs) {
      const name = ['num_hidden_layers', 'n_layer', 'n_layers'].find((key) => Object.hasOwn(config, key));
      if (name === undefined || typeof config[name] !== 'number') continue;
      const result = parseModelConfig({ ...config, [name]: 1e308 }, identity);
      expect(result.ok, `${String(config['model_type'])}`).toBe(false);
    }
  });
});
