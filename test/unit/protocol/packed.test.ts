import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packed, unpacked } from '../../../src/protocol/packed.ts';
import { memoryLimitResults, runResults } from '../../webview/examples.ts';

describe('packed values', () => {
  it('are what JSON would make of them, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.anything({ withNullPrototype: false })), (values) => {
        const json = JSON.parse(JSON.stringify(values)) as unknown;
        expect(unpacked(packed(values))).toEqual(json);
      }),
    );
  });

  it('keep names that objects themselves have, and numbers and words that look like kinds', () => {
    const odd = JSON.parse('[{"__proto__":{"a":1},"constructor":"object"},["array","null",0,[]],{}]');
    const again = unpacked(packed(odd));
    expect(JSON.stringify(again)).toBe(JSON.stringify(odd));
    expect(Object.getPrototypeOf(again[0])).toBe(Object.prototype);
  });

  it('of cells are a good deal smaller than their JSON', () => {
    const cells = [...runResults().cells, ...memoryLimitResults().cells];
    const many = Array.from({ length: 50 }, () => cells).flat();
    expect(unpacked(packed(many))).toEqual(JSON.parse(JSON.stringify(many)));
    expect(packed(many).length).toBeLessThan(0.55 * JSON.stringify(many).length);
  });
});
