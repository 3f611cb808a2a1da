import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDeployments } from '../../../../src/text/deployments.ts';
import type { FlagChange } from '../../../../src/text/edits.ts';
import { flagEdits } from '../../../../src/text/edits.ts';
import type { LocatedDeployment } from '../../../../src/text/located.ts';
import { sampleDocuments } from './documents.ts';
import { edited, only, read } from './support.ts';

describe.each(sampleDocuments)('$name', ({ path, text }) => {
  it('holds one deployment of org/m, and no problem but a flag given twice', () => {
    const { deployment, problems } = only(text, path);
    expect(deployment.model).toBe('org/m');
    expect(problems.filter(({ code }) => code !== 'flag.duplicate')).toEqual([]);
  });

  it('gives exactly the edited deployment after any edits, and CRLF changes nothing', () => {
    fc.assert(
      fc.property(changes, fc.boolean(), (wanted, windows) => {
        const source = windows ? text.replaceAll('\n', '\r\n') : text;
        const before = only(source, path);
        const result = edited(source, before, ...wanted);
        const after = only(result, path);
        const flags = { ...before.deployment.flags };
        let { model } = before.deployment;
        for (const { flag, to } of wanted) {
          if (flag === 'model') model = String(to);
          else if (to === null) delete flags[flag];
          else flags[flag] = to;
        }
        expect({ ...after.deployment, flags: comparable(after) }, result).toEqual({
          ...before.deployment,
          model,
          flags: comparable({ ...before, deployment: { ...before.deployment, flags } }),
        });
        if (windows)
          expect(result.replaceAll('\r\n', ''), 'no line end of another kind').not.toMatch(/[\r\n]/);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps every byte outside the edit', () => {
    const before = only(text, path);
    const edits = flagEdits(text, before, [{ flag: 'max-model-len', to: 1024 }]);
    expect(edits).toHaveLength(1);
    for (const { range, newText } of edits) {
      const result = text.slice(0, range.start) + newText + text.slice(range.end);
      expect(result.startsWith(text.slice(0, range.start))).toBe(true);
      expect(result.endsWith(text.slice(range.end))).toBe(true);
      expect(range.end - range.start).toBeLessThanOrEqual(8);
    }
  });

  it('set and set back is the same text', () => {
    const before = only(text, path);
    const value = before.deployment.flags['max-model-len'];
    if (value === undefined) return;
    const away = edited(text, before, { flag: 'max-model-len', to: 1024 });
    const back = edited(away, only(away, path), { flag: 'max-model-len', to: Number(value) });
    expect(back).toBe(text);
  });

  it('never throws on torn text, and every place lies in it', () => {
    const junk = fc.string({
      unit: fc.constantFrom(...`"'\\{}[]:#&*!|>%@\`$()<\n\r\t -?,ax\u0000😀{{}}`),
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(30), junk, fc.boolean(), (cut, drop, added, rest) => {
        const torn = text.slice(0, cut) + added + (rest ? text.slice(cut + drop) : '');
        const found = findDeployments(torn, { path });
        for (const deployment of found?.deployments ?? []) {
          expect(
            rangesOf(deployment).filter((range) => !liesIn(torn, range)),
            torn,
          ).toEqual([]);
          for (const { range } of flagEdits(torn, deployment, [
            { flag: 'max-model-len', to: 1 },
            { flag: 'enforce-eager', to: null },
            { flag: 'max-num-seqs', to: 2 },
          ]))
            expect(liesIn(torn, range)).toBe(true);
        }
        expect((found?.problems ?? []).filter(({ range }) => !liesIn(torn, range))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('reads the same with a byte order mark', () => {
    expect(read(`\uFEFF${text}`, path).deployments.map(({ deployment }) => deployment)).toEqual(
      read(text, path).deployments.map(({ deployment }) => deployment),
    );
  });
});

/** Lists and what a chart says in its own key come back under the same names, in any order. */
function comparable({ deployment }: LocatedDeployment): Record<string, unknown> {
  return Object.fromEntries(Object.entries(deployment.flags).sort(([a], [b]) => a.localeCompare(b)));
}

function rangesOf(each: LocatedDeployment): { start: number; end: number }[] {
  return [
    each.range,
    ...(each.model ? [each.model] : []),
    ...(each.insertion ? [{ start: each.insertion.offset, end: each.insertion.offset }] : []),
    ...Object.values(each.flags).flatMap(({ key, value, whole }) => [key, whole, ...(value ? [value] : [])]),
    ...each.problems.map(({ range }) => range),
    ...(each.unresolved ?? []).map(({ range }) => range),
  ];
}

function liesIn(text: string, { start, end }: { start: number; end: number }): boolean {
  return start >= 0 && end >= start && end <= text.length;
}

const text = fc
  .string({ minLength: 1, unit: fc.constantFrom(...`abcXYZ019 "'\\:#,[]{}&*!|>%@$()<-?=./_~;`) })
  // Templates and variables in quotes are someone's own: a plain YAML value with them is rightly not known.
  .filter((value) => !/\{\{|\}\}|\$|^\s|\s$/.test(value));

const changes: fc.Arbitrary<FlagChange[]> = fc.uniqueArray(
  fc.oneof(
    fc.record({
      flag: fc.constantFrom('max-model-len', 'max-num-seqs', 'tensor-parallel-size'),
      to: fc.oneof(fc.integer({ min: 1, max: 1e6 }), fc.constant(null)),
    }),
    fc.record({
      flag: fc.constant('gpu-memory-utilization'),
      to: fc.oneof(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.constant(null)),
    }),
    fc.record({
      flag: fc.constantFrom('kv-cache-dtype', 'served-model-name'),
      to: fc.oneof(text, fc.constantFrom('no', 'fp8', 'null', '8', "it's", null)),
    }),
    fc.record({
      flag: fc.constantFrom('enforce-eager', 'enable-prefix-caching'),
      to: fc.constantFrom(true, false, null),
    }),
    fc.record({ flag: fc.constant('model'), to: fc.constantFrom('a/b', './with blanks', '/models/x') }),
  ),
  { minLength: 1, selector: ({ flag }) => flag },
);
