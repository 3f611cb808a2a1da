import type { RemoteLog } from './host.ts';

/** What looks like a secret in free text: tokens by their shape, values by the name before them. */
const secrets: readonly { readonly pattern: RegExp; readonly replacement: string }[] = [
  { pattern: /\bhf_[A-Za-z0-9]{6,}/g, replacement: 'hf_***' },
  { pattern: /\bsk-[A-Za-z0-9_-]{16,}/g, replacement: 'sk-***' },
  { pattern: /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+/gi, replacement: '$1 ***' },
  {
    pattern:
      /\b([\w-]*(?:password|passphrase|secret|token|api[-_]?key)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|\S+)/gi,
    replacement: '$1***',
  },
  {
    pattern: /(--[\w-]*(?:password|passphrase|secret|token|api[-_]?key)\s+)("[^"]*"|'[^']*'|\S+)/gi,
    replacement: '$1***',
  },
  {
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    replacement: '*** private key ***',
  },
];

/** Text with everything that looks like a secret replaced. For log lines and for what a host printed to stderr. */
export function redact(text: string): string {
  return secrets.reduce((result, { pattern, replacement }) => result.replace(pattern, replacement), text);
}

export function redactingLog(log: RemoteLog): RemoteLog {
  return {
    info: (message) => log.info(redact(message)),
    warn: (message) => log.warn(redact(message)),
    error: (message) => log.error(redact(message)),
  };
}
