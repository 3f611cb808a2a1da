import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote, quoteCommand } from '../../../src/remote/quote.ts';

/** Shells that a login may have. sh and bash are on every Linux; of the others, those that are here. */
const shells = ['sh', 'bash', 'dash', 'zsh', 'fish', 'tcsh'].filter(
  (shell) => spawnSync(shell, ['-c', 'true']).status === 0,
);

/** What the shell makes of the words: each argument followed by NUL. */
function wordsThrough(shell: string, words: readonly string[]): string[] {
  const { stdout, stderr } = spawnSync(shell, ['-c', quoteCommand(['printf', '%s\\0', ...words])], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.split('\0').slice(0, -1);
}

const hostile = [
  '',
  ' ',
  "'",
  "it's",
  "''",
  '"',
  '\\',
  'ends in \\',
  '\\\\n',
  "\\'",
  '$HOME',
  '$(touch /tmp/loadline-must-not-exist)',
  '`id`',
  '!!',
  'a!b',
  '-n',
  '--option=value',
  '-oProxyCommand=x',
  'if',
  'A=b',
  '~',
  '~root',
  '*',
  '?[a-z]{x,y}',
  '#comment',
  '; rm -rf x',
  '&& x || y | z > w < v &',
  '\t tab',
  '(x)',
  '%1 ^a^b^',
  'grüße 日本語 🚢',
];
const unprintable = ['one\ntwo', '\n', '\r\n', '\u0001\u001b[31m', '\u00a0'];

describe('quote', () => {
  it('finds the shells that every host has', () => {
    expect(shells).toEqual(expect.arrayContaining(['sh', 'bash']));
  });

  it.each(shells)('%s gets hostile words as they are', (shell) => {
    expect(wordsThrough(shell, hostile)).toEqual(hostile);
  });

  // csh ends a quoted word at a newline, whatever is done about it.
  it.each(shells.filter((shell) => shell !== 'tcsh'))('%s gets newlines and control characters', (shell) => {
    expect(wordsThrough(shell, unprintable)).toEqual(unprintable);
  });

  it.each(['sh', 'bash'])('%s gets any words at all', (shell) => {
    const character = fc.oneof(
      fc.constantFrom(...'\'"\\$`!\n\t ;&|<>()[]{}*?~#=%-'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    );
    const word = fc
      .array(character, { maxLength: 30 })
      .map((characters) => characters.join('').replaceAll('\0', ''));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
        expect(wordsThrough(shell, words)).toEqual(words);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses what no command can hold', () => {
    expect(() => quote('a\0b')).toThrow(RangeError);
    expect(() => quoteCommand([])).toThrow(RangeError);
  });
});
