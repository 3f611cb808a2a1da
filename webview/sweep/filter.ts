/** `oom`, `max-model-len=8192`, `ttft-p95<500`: every word must hold. */
import { type CellFigures, standingWords } from './cellFigures.ts';
import type { Dimension } from './dimensions.ts';
import { isMetricId } from './metrics.ts';

export type CellTest = (one: CellFigures) => boolean;

const comparison = /^([\w-]+)(<=|>=|<|>|=|!=)(.+)$/;

const holds: Readonly<Record<string, (value: number, than: number) => boolean>> = {
  '<': (value, than) => value < than,
  '>': (value, than) => value > than,
  '<=': (value, than) => value <= than,
  '>=': (value, than) => value >= than,
};

export function cellFilter(text: string, dimensions: readonly Dimension[]): CellTest {
  const tests = text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => wordTest(word.toLowerCase(), dimensions));
  return (one) => tests.every((test) => test(one));
}

function wordTest(word: string, dimensions: readonly Dimension[]): CellTest {
  const [, name = '', operator = '', wanted = ''] = comparison.exec(word) ?? [];
  const read = name === '' ? undefined : valueReader(name, dimensions);
  if (read !== undefined && wanted !== '') {
    if (operator === '=' || operator === '!=') {
      const isEqual = (value: number | string | undefined) =>
        value !== undefined && (String(value).toLowerCase() === wanted || Number(value) === Number(wanted));
      return (one) => isEqual(read(one)) === (operator === '=');
    }
    const test = holds[operator];
    const than = Number(wanted);
    if (test !== undefined && !Number.isNaN(than))
      return (one) => {
        const value = read(one);
        return typeof value === 'number' && test(value, than);
      };
  }
  return (one) => searched(one).includes(word);
}

function valueReader(
  name: string,
  dimensions: readonly Dimension[],
): ((one: CellFigures) => number | string | undefined) | undefined {
  if (isMetricId(name)) return (one) => one.figure(name)?.mean;
  const dimension = dimensions.find(
    ({ id, label }) => id.toLowerCase() === name || label.toLowerCase() === name || id === `flag:${name}`,
  );
  return dimension === undefined ? undefined : ({ cell }) => dimension.of(cell);
}

function searched(one: CellFigures): string {
  const { cell } = one;
  return [cell.label, one.group, standingWords(one), cell.failure?.message ?? '', cell.why?.bound ?? '']
    .join(' ')
    .toLowerCase();
}
