import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../../src/core/model/parse.ts';
import { fixtureLines } from './fixtures.ts';

interface Row {
  readonly id: string;
  readonly model_type: string;
  readonly config: Record<string, unknown>;
}

const rows = ['parameters/released.jsonl', 'parameters/more.jsonl'].flatMap(
  (path) => fixtureLines(path) as Row[],
);
const onePerFamily = [...new Map(rows.map((row) => [row.model_type, row])).values()];
const hostile: readonly unknown[] = [
  undefined,
  null,
  -1,
  0,
  0.5,
  1e308,
  Number.NaN,
  'x',
  '',
  [],
  [1e9],
  ['x'],
  {},
  { a: 1 },
  true,
  false,
];

/** The same config with one field of it, however deep, replaced; each field by some of the values, all of them over a family's fields. */
function* replaced(config: Record<string, unknown>): Generator<Record<string, unknown>> {
  for (const [position, [name, value]] of Object.entries(config).entries()) {
    for (const bad of hostile.filter((_, index) => (index + position) % 5 === 0)) {
      yield { ...config, [name]: bad };
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const inner of replaced(value as Record<string, unknown>)) yield { ...config, [name]: inner };
    }
  }
}

describe('every family, with any one field hostile', () => {
  it.each(onePerFamily.map((row) => [row.model_type, row] as const))(
    '%s is sized or refused by name',
    (_, row) => {
      for (const config of replaced(row.config)) {
        const result = parseModelConfig(config, { id: row.id, source: 'test' });
        if (!result.ok) {
          expect(result.problems.length).toBeGreaterThan(0);
          continue;
        }
        const { parameters, layers, outerWeights } = result.value;
        const counts = [...layers.flatMap(({ weights }) => weights), ...outerWeights].map(
          ({ count }) => count,
        );
        const wrong = counts.find((count) => !Number.isSafeInteger(count) || count < 0);
        expect(wrong).toBeUndefined();
        expect(Number.isSafeInteger(parameters.total)).toBe(true);
      }
    },
  );
});
