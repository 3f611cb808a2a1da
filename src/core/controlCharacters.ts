/** Text without control characters but tab and newline: a terminal obeys the others, so what a host says could write to it at will. */
export function withoutControlCharacters(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]/gu, '');
}
