import type { YAMLError } from 'yaml';

/** The parser's words that only those who know the grammar of YAML understand. */
const plainWords: Readonly<Record<string, string>> = {
  'Nested mappings are not allowed in compact mappings':
    'a key stands below or beside a value: is the indentation right?',
  'Implicit keys need to be on a single line':
    'a line is no key with its value: is a colon missing, or the indentation wrong?',
  'Implicit map keys need to be followed by map values': 'a key has no colon',
};

/** Why YAML cannot be read, in words without a full stop, a place or a picture of the line. */
export function yamlErrorText({ code, message }: YAMLError): string {
  // The parser runs out of stack and passes on what the engine says of that.
  if (code === 'RESOURCE_EXHAUSTION') return 'it is nested too deeply';
  const words = (message.split('\n', 1)[0] ?? '')
    .replace(/ at line \d+, column \d+:?$/, '')
    .replace(/[.:]$/, '');
  return plainWords[words] ?? words;
}
