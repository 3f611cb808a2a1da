/**
 * A word as a shell must be given it to see exactly that word. The only way for anything to reach a shell.
 *
 * POSIX single quotes; what single quotes do not keep in every login shell stands outside them behind a backslash:
 * the quote itself, `\` (fish reads it inside single quotes) and `!` (csh does). A newline is kept by every shell but csh.
 * Throws RangeError for NUL, which no argument can hold.
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw new RangeError('A command word cannot contain NUL.');
  return `'${word.replace(/['\\!]/g, (character) => `'\\${character}'`)}'`;
}

/** One command line: every word quoted, the first one too (a bare `if` or `A=b` would be read as something else). */
export function quoteCommand(argv: readonly string[]): string {
  if (argv.length === 0) throw new RangeError('A command needs at least one word.');
  return argv.map(quote).join(' ');
}
