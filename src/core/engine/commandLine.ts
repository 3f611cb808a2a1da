/** Command lines as text. The words themselves: serverLaunches.ts. */

/** A command line to read, or to paste into a POSIX shell: quoted only where it must be. What is run goes through src/remote/quote.ts. */
export function commandText(argv: readonly string[]): string {
  return argv.map(shellWord).join(' ');
}

/** A word as one would type it into a POSIX shell: bare where that is safe, else in single quotes. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
