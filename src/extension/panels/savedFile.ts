/** A chart or its data, as a page hands it over. */
export interface SavedFile {
  readonly name: string;
  readonly base64: string;
}

/** A chart of a large screen takes a tenth of it. */
const mostCharacters = 32 * 1024 * 1024;

/** A page is untrusted input: a plain name of a kind that panels draw, and not without end. undefined: it is none. */
export function savedFileOf({ name, base64 }: Readonly<Record<string, unknown>>): SavedFile | undefined {
  return typeof name === 'string' &&
    /^[\p{L}\p{N}][\p{L}\p{N} ._()-]{0,120}\.(png|csv)$/u.test(name) &&
    typeof base64 === 'string' &&
    base64.length <= mostCharacters
    ? { name, base64 }
    : undefined;
}
