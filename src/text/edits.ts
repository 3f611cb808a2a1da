import { shellWord } from '../core/engine/commandLine.ts';
import type { Target } from '../core/engine/deployment.ts';
import type { LocatedDeployment, OffsetRange } from './located.ts';

export interface FlagChange {
  /** Canonical name, without dashes in front; `model` is the model. */
  readonly flag: string;
  readonly to: string | number | boolean;
}

export interface OffsetEdit {
  readonly range: OffsetRange;
  readonly newText: string;
}

/**
 * Edits that set flags of one deployment in its document's own style: the value in place where the flag is written, else a
 * new line (YAML) or argument (shell) at the end. Offsets are those of `text`; no two edits overlap; read again, the
 * document gives the new values. Of several changes to one flag the last counts.
 */
export function flagEdits(
  text: string,
  deployment: LocatedDeployment,
  changes: readonly FlagChange[],
): OffsetEdit[] {
  const edits: OffsetEdit[] = [];
  const missing: FlagChange[] = [];
  for (const change of new Map(changes.map((each) => [each.flag, each])).values()) {
    const edit = editInPlace(text, deployment, change);
    if (edit === 'missing') missing.push(change);
    else if (edit) edits.push(edit);
  }
  const { offset } = deployment.insertion;
  const newText = missing.map((change) => writtenAnew(text, deployment, change)).join('');
  if (newText !== '') edits.push({ range: { start: offset, end: offset }, newText });
  return edits;
}

/**
 * The edit that makes a comment name these GPUs: in place where one does, else a new comment line above the deployment.
 * Undefined where no comment can stand there (inside a continued line).
 */
export function targetEdit(
  text: string,
  deployment: LocatedDeployment,
  target: Target,
): OffsetEdit | undefined {
  const name = /\s/.test(target.gpu) ? `"${target.gpu}"` : target.gpu;
  const words = `gpu=${name} x${target.gpuCount}`;
  if (deployment.target) return { range: deployment.target.range, newText: words };
  const lineStart = text.lastIndexOf('\n', deployment.range.start - 1) + 1;
  if (/\\\r?\n$/.test(text.slice(0, lineStart))) return undefined;
  const indent = /^[ \t]*/.exec(text.slice(lineStart))?.[0] ?? '';
  const newText = `${indent}# loadline: ${words}${newlineOf(text)}`;
  return { range: { start: lineStart, end: lineStart }, newText };
}

function newlineOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function editInPlace(
  text: string,
  deployment: LocatedDeployment,
  { flag, to }: FlagChange,
): OffsetEdit | 'missing' | undefined {
  if (flag === 'model') {
    return deployment.model ? { range: deployment.model, newText: writeValue(deployment, to) } : 'missing';
  }
  const located = Object.hasOwn(deployment.flags, flag) ? deployment.flags[flag] : undefined;
  if (!located) return 'missing';
  if (deployment.insertion.style === 'shell')
    return shellEdit(text, deployment, located.key, located.value, flag, to);
  if (located.value) return { range: located.value, newText: writeValue(deployment, to) };
  const colon = text.indexOf(':', located.key.end);
  const at = colon < 0 ? located.key.end : colon + 1;
  return { range: { start: at, end: at }, newText: `${colon < 0 ? ':' : ''} ${writeValue(deployment, to)}` };
}

function shellEdit(
  text: string,
  deployment: LocatedDeployment,
  key: OffsetRange,
  value: OffsetRange | undefined,
  flag: string,
  to: FlagChange['to'],
): OffsetEdit {
  const whole = { start: key.start, end: value?.end ?? key.end };
  if (typeof to === 'boolean') return { range: whole, newText: switchArgument(flag, to) };
  // `--no-flag` and a bare `--flag` become `--flag value`; a value is replaced alone, so that `=` and aliases stay.
  if (!value || text.slice(key.start, key.end).startsWith('--no-')) {
    return { range: whole, newText: `--${flag} ${writeValue(deployment, to)}` };
  }
  return { range: value, newText: writeValue(deployment, to) };
}

function writtenAnew(text: string, deployment: LocatedDeployment, { flag, to }: FlagChange): string {
  const { style, indent } = deployment.insertion;
  const newline = newlineOf(text);
  if (style === 'yaml') {
    const pair = `${yamlKey(text, deployment, flag)}: ${writeValue(deployment, to)}`;
    const flow = text.charAt(deployment.range.start) === '{';
    return flow ? `, ${pair}` : `${newline}${indent}${pair}`;
  }
  const argument =
    typeof to === 'boolean' ? switchArgument(flag, to) : `--${flag} ${writeValue(deployment, to)}`;
  const severalLines = text.slice(deployment.range.start, deployment.range.end).includes('\n');
  return severalLines ? ` \\${newline}${indent}${argument}` : ` ${argument}`;
}

function switchArgument(flag: string, on: boolean): string {
  return on ? `--${flag}` : `--no-${flag}`;
}

/** Underscores where the document's other keys have them. */
function yamlKey(text: string, deployment: LocatedDeployment, flag: string): string {
  const keys = Object.values(deployment.flags).map(({ key }) => text.slice(key.start, key.end));
  const underscores = keys.filter((key) => key.includes('_')).length;
  const dashes = keys.filter((key) => key.includes('-')).length;
  return underscores > dashes ? flag.replaceAll('-', '_') : flag;
}

function writeValue(deployment: LocatedDeployment, value: FlagChange['to']): string {
  if (deployment.insertion.style === 'shell') return shellWord(String(value));
  return typeof value === 'string' ? writeYamlString(value) : String(value);
}

/** Plain where every YAML reader takes it for this very string, else quoted; JSON's quotes are YAML's. */
function writeYamlString(value: string): string {
  const plain = /^[A-Za-z/][\w./@-]*$/.test(value);
  const special = /^(?:y|yes|n|no|true|false|on|off|null|nan|inf)$/i.test(value);
  return plain && !special ? value : JSON.stringify(value);
}
