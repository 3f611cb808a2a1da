/** A value that JSON can hold. */
export type Content =
  | string
  | number
  | boolean
  | null
  | readonly Content[]
  | { readonly [key: string]: Content };

/**
 * 16 hexadecimal digits (FNV-1a, 64 bits) of a value's content. The order of keys does not count; that of lists does.
 * Stable for ever: cells are recognised by it in later runs.
 */
export function contentHash(content: Content): string {
  const text = canonicalJson(content);
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    hash = mixed(mixed(hash, unit & 0xff), unit >> 8);
  }
  return hash.toString(16).padStart(16, '0');
}

function mixed(hash: bigint, byte: number): bigint {
  return ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
}

/** JSON with the keys of every object sorted. */
export function canonicalJson(content: Content): string {
  if (Array.isArray(content)) return `[${content.map(canonicalJson).join(',')}]`;
  if (typeof content !== 'object' || content === null) return JSON.stringify(content);
  const entries = Object.entries(content as { readonly [key: string]: Content });
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${canonicalJson(value)}`).join(',')}}`;
}
