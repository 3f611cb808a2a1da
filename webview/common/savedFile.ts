/** A file that the page hands to the extension: where it goes is asked there. */
export interface SavedFile {
  readonly name: string;
  readonly base64: string;
}

/** `Speed by batch (estimated)` -> `speed-by-batch-(estimated).csv`: what it is of, and that it is simulated, stays in the name. */
export function fileName(title: string, extension: 'png' | 'csv'): string {
  const plain = title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}.()]+/gu, '-')
    .replaceAll(/^[^\p{L}\p{N}]+|[-.]+$/gu, '');
  return `${plain.slice(0, 100) || 'chart'}.${extension}`;
}

/** With the mark by which spreadsheets know that it is UTF-8. */
export function savedText(name: string, text: string): SavedFile {
  const bytes = new TextEncoder().encode(`\u{feff}${text}`);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return { name, base64: btoa(binary) };
}
