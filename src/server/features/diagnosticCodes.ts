import { DiagnosticSeverity } from 'vscode-languageserver';

export const doesNotFitCode = 'verdict.does-not-fit';
export const tightCode = 'verdict.tight';
export const sharedGpuCode = 'gpu.shared';
export const defaultChangedCode = 'flag.default-changed';

const { Error: error, Warning: warning, Information: information, Hint: hint } = DiagnosticSeverity;

/**
 * Every code that a diagnostic may bear, stable for settings and searches, with its weight. Errors keep the engine from starting.
 * Each is explained in docs/diagnostics.md (a test holds the two together).
 */
export const diagnosticCodes: Readonly<Record<string, DiagnosticSeverity>> = {
  [doesNotFitCode]: error,
  [tightCode]: warning,
  [sharedGpuCode]: error,
  'gpu.unknown': warning,
  'flag.not-a-number': error,
  'flag.decimal-with-binary-suffix': error,
  'flag.takes-no-value': error,
  'flag.bad-value': error,
  'flag.no-value': error,
  'flag.value-not-covered': warning,
  'flag.unknown': error,
  'flag.removed': error,
  'flag.renamed': error,
  'flag.later': error,
  'flag.duplicate': warning,
  'flag.contradiction': warning,
  'flag.no-effect': information,
  'flag.slow-on-device': information,
  [defaultChangedCode]: hint,
  'directive.unknown-word': warning,
  'directive.count-without-gpu': warning,
  'directive.unknown-engine': warning,
  'triton.instances': information,
  // YAML's own tools mark it; here it only says what it means for the estimate.
  'yaml.torn': information,
  'document.too-long': information,
  'checkpoint.missing-file': warning,
  'checkpoint.truncated': warning,
  'checkpoint.bad-header': warning,
  'checkpoint.bad-index': warning,
  'checkpoint.bad-gguf': warning,
  'checkpoint.duplicate-tensor': warning,
  'checkpoint.which-gguf': warning,
  'hub.not-found': warning,
  'hub.no-revision': warning,
  'hub.gated': warning,
  'hub.token-refused': warning,
  'hub.no-config': warning,
};

const docs = 'https://github.com/loadline/loadline/blob/main/docs/diagnostics.md';

/** Where a code is explained; undefined for one that is not listed. */
export function docsOf(code: string): string | undefined {
  return Object.hasOwn(diagnosticCodes, code) ? `${docs}#${anchorOf(code)}` : undefined;
}

/** As GitHub makes it of a heading: `flag.bad-value` -> `flagbad-value`. */
export function anchorOf(code: string): string {
  return code.toLowerCase().replace(/[^\w-]/g, '');
}
