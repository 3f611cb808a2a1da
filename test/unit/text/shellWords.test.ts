import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../../src/core/engine/commandLine.ts';
import { splitCommands } from '../../../src/text/shellWords.ts';

/** Words of each command; an unknown one is shown as it is written, in angle brackets. */
function words(text: string): string[][] {
  return splitCommands(text).map((command) =>
    command.words.map((word) =>
      word.unknown ? `<${text.slice(word.range.start, word.range.end)}>` : word.value,
    ),
  );
}

describe('splitCommands', () => {
  it.each([
    ['plain words', 'vllm serve m --port 80', [['vllm', 'serve', 'm', '--port', '80']]],
    ['quotes and escapes', `a 'b c' "d \\"e" f\\ g h"i"'j'`, [['a', 'b c', 'd "e', 'f g', 'hij']]],
    ['empty words', `a '' ""`, [['a', '', '']]],
    ['continuations', 'a \\\n  b \\\r\n  c\\\nd', [['a', 'b', 'cd']]],
    [
      'CRLF',
      'a b\r\nc d\r\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['comments', '# a b\nc # d\ne#f', [['c'], ['e#f']]],
    ['a comment behind a continuation ends the command', 'a \\\n # b\nc', [['a'], ['c']]],
    ['operators', 'a && b || c; d | e & (f)', [['a'], ['b'], ['c'], ['d'], ['e'], ['f']]],
    ['redirections', 'a >out 2>&1 b <in 2>>err &>all', [['a', 'b']]],
    ['heredocs', 'cat <<EOF >x\nvllm serve m\nEOF\nb', [['cat'], ['b']]],
    ['heredocs with tabs and quotes', "cat <<-'END' c\n\ta\n\tEND\nb", [['cat', 'c'], ['b']]],
    ['here strings', 'a <<< "b c" d', [['a', 'd']]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: shell text
    ['variables', 'a $B "${C:-d e}" f$1 "$@"', [['a', '<$B>', '<"${C:-d e}">', '<f$1>', '<"$@">']]],
    [
      'substitutions',
      'a $(b "c)" d) `e f` $((1 << 2)) g',
      [['a', '<$(b "c)" d)>', '<`e f`>', '<$((1 << 2))>', 'g']],
    ],
    ['an apostrophe in a comment of a substitution', "a $(b # don't\n) c", [['a', "<$(b # don't\n)>", 'c']]],
    ['arithmetic is no heredoc', '(( x << 2 ))\na', [['a']]],
    ['a lone dollar', 'a $ "b$" $/', [['a', '$', 'b$', '$/']]],
    ['patterns', 'a *.json {b,c} {d} e?', [['a', '<*.json>', '<{b,c}>', '{d}', '<e?>']]],
    ['quoted JSON', `a '{"level": [3, 4]}'`, [['a', '{"level": [3, 4]}']]],
    ['an unclosed quote', 'a "b c', [['a', '<"b c>']]],
    ['assignments', 'A=1 B="2 3" c', [['A=1', 'B=2 3', 'c']]],
  ])('%s', (_, text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it('leaves the continuation out of the word before it', () => {
    const text = 'a --len 8192\\\n  --b';
    const word = splitCommands(text)[0]?.words[2];
    expect(word && text.slice(word.range.start, word.range.end)).toBe('8192');
  });

  const anyWord = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...`a'"\\$\`{}*#\n\r -=é😀`) }),
  );

  it('reads back every word that shellWord wrote', () => {
    fc.assert(
      fc.property(fc.array(anyWord, { minLength: 1 }), (values) => {
        expect(words(values.map(shellWord).join(' '))).toEqual([values]);
      }),
    );
  });

  it('reads words in double quotes back, split by continuations', () => {
    const written = (value: string) => `"${value.replace(/[\\$`"]/g, '\\$&')}"`;
    fc.assert(
      fc.property(fc.array(anyWord, { minLength: 1 }), fc.constantFrom('\n', '\r\n'), (values, newline) => {
        expect(words(values.map(written).join(` \\${newline}\t`))).toEqual([values]);
      }),
    );
  });

  const scripts = fc.string({
    unit: fc.constantFrom(
      ...'ab \'"\\\n\r$(){}`<>|&;#=-E',
      'vllm serve ',
      '<<E',
      '\\\n',
      '\\\r\n',
      '${',
      '$(',
    ),
    maxLength: 60,
  });

  it('never throws; words lie in order inside the text and their offsets point at their own characters', () => {
    fc.assert(
      fc.property(scripts, (text) => {
        let before = 0;
        for (const command of splitCommands(text)) {
          expect(command.words.length).toBeGreaterThan(0);
          for (const word of command.words) {
            expect(word.range.start).toBeGreaterThanOrEqual(before);
            expect(word.range.end).toBeGreaterThan(word.range.start);
            expect(word.range.end).toBeLessThanOrEqual(text.length);
            expect([...word.offsets].map((offset) => text.charAt(offset)).join('')).toBe(word.value);
            expect(word.offsets.every((at) => at >= word.range.start && at < word.range.end)).toBe(true);
            before = word.range.end;
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
