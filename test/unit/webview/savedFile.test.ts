import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { savedFileOf } from '../../../src/extension/panels/savedFile.ts';
import { fileName, savedText } from '../../../webview/common/savedFile.ts';

describe('a file that a panel saves', () => {
  it('is named after its title, simulated or not', () => {
    expect(fileName('Speed by batch (estimated)', 'csv')).toBe('speed-by-batch-(estimated).csv');
    expect(fileName('Durchsatz: größer', 'png')).toBe('durchsatz-größer.png');
    expect(fileName('../..', 'png')).toBe('chart.png');
  });

  it('is taken by the extension whatever its title', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (title, text) => {
        const file = savedText(fileName(title, 'csv'), text);
        expect(savedFileOf({ ...file })).toEqual(file);
        const decoded = new TextDecoder().decode(Uint8Array.from(atob(file.base64), (c) => c.charCodeAt(0)));
        expect(decoded).toBe(new TextDecoder().decode(new TextEncoder().encode(text)));
      }),
    );
  });

  it.each([
    { name: '../../.bashrc', base64: '' },
    { name: 'a/b.png', base64: '' },
    { name: 'x.sh', base64: '' },
    { name: '.png', base64: '' },
    { name: 'x.png' },
    { name: 7, base64: '' },
  ])('is refused where it is none: %j', (message) => {
    expect(savedFileOf(message)).toBeUndefined();
  });
});
