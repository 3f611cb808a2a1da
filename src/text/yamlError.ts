import type { YAMLError } from 'yaml';

/** Why YAML cannot be read, in words without a full stop, a place or a picture of the line. */
export function yamlErrorText({ code, message }: YAMLError): string {
  // The parser runs out of stack and passes on what the engine says of that.
  if (code === 'RESOURCE_EXHAUSTION') return 'it is nested too deeply';
  return (message.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '').replace(/[.:]$/, '');
}
