import type { Target } from '../core/engine/deployment.ts';
import type { Insertion, LocatedDeployment, LocatedFlag, OffsetRange } from './located.ts';
import { removals } from './removals.ts';
import { type FlagTo, inShell, itemText, ownOption, pairKey, pairValue, textWithin } from './written.ts';

export interface FlagChange {
  /** Canonical name, without dashes in front; `model` is the model. */
  readonly flag: string;
  /** null takes the flag out, wherever it is written. */
  readonly to: FlagTo | null;
}

export interface OffsetEdit {
  readonly range: OffsetRange;
  readonly newText: string;
}

/**
 * Edits that set flags of one deployment in its document's own style: the value in place where the flag is written, else
 * anew behind the last: a line (YAML), an argument (shell), an item (a list of arguments). Offsets are those of `text`; no two
 * edits overlap; read again, the document gives the new values. Of several changes to one flag the last counts. Empty where the
 * document holds no flags.
 */
export function flagEdits(
  text: string,
  deployment: LocatedDeployment,
  changes: readonly FlagChange[],
): OffsetEdit[] {
  const edits: OffsetEdit[] = [];
  const removed: LocatedFlag[] = [];
  const missing: { flag: string; to: FlagTo }[] = [];
  for (const { flag, to } of new Map(changes.map((each) => [each.flag, each])).values()) {
    const located = locatedFlag(deployment, flag);
    if (to === null || isBareOwn(located, to)) {
      if (located) removed.push(located);
    } else if (located) edits.push(insideDefault(text, located, to) ?? editInPlace(text, located, flag, to));
    else if (to !== false || !deployment.insertion?.writing.ownProgram) missing.push({ flag, to });
  }
  edits.push(...removals(text, deployment, removed).map((range) => ({ range, newText: '' })));
  const { insertion } = deployment;
  if (insertion && missing.length > 0) {
    const newTexts = missing.map(({ flag, to }) => writtenAnew(text, deployment, insertion, flag, to));
    const { offset, prefix = '' } = insertion;
    edits.push({ range: { start: offset, end: offset }, newText: prefix + newTexts.join('') });
  }
  return edits;
}

/**
 * The edit that makes a comment name these GPUs: in place where one does, else a new comment line above the deployment.
 * Undefined where no comment can stand there (inside a continued line, in JSON).
 */
export function targetEdit(
  text: string,
  deployment: LocatedDeployment,
  target: Target,
): OffsetEdit | undefined {
  const name = /\s/.test(target.gpu) ? `"${target.gpu}"` : target.gpu;
  const words = `gpu=${name} x${target.gpuCount}`;
  if (deployment.target) return { range: deployment.target.range, newText: words };
  const at = deployment.commentAt;
  if (at === undefined) return undefined;
  const indent = /^[ \t]*/.exec(text.slice(at))?.[0] ?? '';
  const newText = `${indent}# loadline: ${words}${text.includes('\r\n') ? '\r\n' : '\n'}`;
  return { range: { start: at, end: at }, newText };
}

/**
 * The edits that give a deployment so many GPUs where the document itself counts them (`nvidia.com/gpu: 1`, `--gpus 2`, compose's
 * `count`). Undefined where it counts none; empty where it names the very GPUs, or writes the number in another way.
 */
export function gpuCountEdits(
  text: string,
  { hint }: LocatedDeployment,
  gpuCount: number,
): OffsetEdit[] | undefined {
  if (!hint?.gpuCount) return undefined;
  const { count, range, again } = hint.gpuCount;
  const edits = [range, ...(again ? [again] : [])].map(({ start, end }) => {
    const [, before, digits] = /^((?:--gpus=)?["']?)(\d+)["']?$/.exec(text.slice(start, end)) ?? [];
    if (before === undefined || digits === undefined || Number(digits) !== count) return undefined;
    const at = start + before.length;
    return { range: { start: at, end: at + digits.length }, newText: String(gpuCount) };
  });
  return edits.every((edit) => edit !== undefined) ? edits : [];
}

/** A switch of the user's own program goes off by being left out. */
function isBareOwn(located: LocatedFlag | undefined, to: FlagTo): boolean {
  return to === false && located?.writing.ownProgram === true && located.value === undefined;
}

function locatedFlag(deployment: LocatedDeployment, flag: string): LocatedFlag | undefined {
  if (flag !== 'model') return Object.hasOwn(deployment.flags, flag) ? deployment.flags[flag] : undefined;
  const { model, modelWriting } = deployment;
  return model && modelWriting && { key: model, value: model, whole: model, writing: modelWriting };
}

/** `${LENGTH:-8192}` keeps its variable: what is edited is the default. */
function insideDefault(text: string, { value, writing }: LocatedFlag, to: FlagTo): OffsetEdit | undefined {
  if (!value || writing.style === 'yaml' || writing.style === 'json' || !/^[\w./-]+$/.test(String(to)))
    return undefined;
  const written = text.slice(value.start, value.end);
  const [, opening, fallback = ''] = /^(["']?\$\{\w+:?-)([^{}$]*)\}["']?$/.exec(written) ?? [];
  if (opening === undefined || typeof to === 'boolean') return undefined;
  const start = value.start + opening.length;
  return { range: { start, end: start + fallback.length }, newText: String(to) };
}

function editInPlace(text: string, located: LocatedFlag, flag: string, to: FlagTo): OffsetEdit {
  const { key, value, whole, writing } = located;
  if (writing.style === 'yaml' || writing.style === 'json') {
    if (value) return { range: value, newText: pairValue(writing, to) };
    const colon = text.indexOf(':', key.end);
    const at = colon < 0 ? key.end : colon + 1;
    return { range: { start: at, end: at }, newText: `${colon < 0 ? ':' : ''} ${pairValue(writing, to)}` };
  }
  const isModel = flag === 'model';
  if (writing.style === 'shell') {
    if (typeof to === 'boolean') {
      if (value && writing.ownProgram) return { range: value, newText: to ? 'True' : 'False' };
      return {
        range: whole,
        newText: writing.ownProgram ? text.slice(key.start, key.end) : switchArgument(flag, to),
      };
    }
    // `--no-flag` and a bare `--flag` become `--flag value`; a value is replaced alone, so that `=` and aliases stay.
    if (value && (isModel || !isNegated(text, key)) && !(looksLikeFlag(to) && !isJoined(text, value))) {
      return { range: value, newText: inShell(writing, String(to)) };
    }
    return {
      range: whole,
      newText: flagInShell(
        writing,
        writing.ownProgram ? text.slice(key.start, key.end).replace(/^-+/, '') : flag,
        to,
      ),
    };
  }
  if (typeof to === 'boolean') {
    return value
      ? { range: whole, newText: itemText(writing, switchArgument(flag, to)) }
      : { range: key, newText: switchArgument(flag, to) };
  }
  const joined =
    value !== undefined && value.start > whole.start && value.end <= whole.end && isJoined(text, value);
  if (value && !joined && (isModel || (!isNegated(text, key) && !looksLikeFlag(to)))) {
    return { range: value, newText: itemText(writing, String(to)) };
  }
  if (value && joined) {
    const inner = textWithin(writing, String(to));
    if (inner !== undefined) return { range: value, newText: inner };
    return {
      range: whole,
      newText: itemText(
        writing,
        text.slice(key.start, key.end) + text.slice(key.end, value.start) + String(to),
      ),
    };
  }
  return { range: whole, newText: itemText(writing, `--${flag}=${to}`) };
}

/** Whether a value stands behind `=` in its word. */
function isJoined(text: string, value: OffsetRange): boolean {
  return text.charAt(value.start - 1) === '=';
}

function isNegated(text: string, key: OffsetRange): boolean {
  return text.slice(key.start, key.end).startsWith('--no-');
}

/** A word that argparse would take for the next flag. */
function looksLikeFlag(to: FlagTo): boolean {
  return typeof to === 'string' && /^-(?!\d+$)/.test(to);
}

function writtenAnew(
  text: string,
  deployment: LocatedDeployment,
  { writing, separator }: Insertion,
  flag: string,
  to: FlagTo,
): string {
  if (writing.style === 'yaml' || writing.style === 'json') {
    return `${separator}${pairKey(text, deployment, writing, flag)}: ${pairValue(writing, to)}`;
  }
  if (writing.style === 'shell') {
    const name = writing.ownProgram ? ownOption(text, deployment, flag) : flag;
    return separator + (typeof to === 'boolean' ? switchArgument(name, to) : flagInShell(writing, name, to));
  }
  if (typeof to === 'boolean') return separator + itemText(writing, switchArgument(flag, to));
  if (looksLikeFlag(to) || joinsValues(text, deployment)) {
    return separator + itemText(writing, `--${flag}=${to}`);
  }
  return separator + itemText(writing, `--${flag}`) + separator + itemText(writing, String(to));
}

/** Most of this document's flags are written as `--flag=value`. */
function joinsValues(text: string, { flags }: LocatedDeployment): boolean {
  const values = Object.values(flags).flatMap(({ value, writing }) =>
    value && writing.style === 'items' ? [isJoined(text, value)] : [],
  );
  return values.filter(Boolean).length * 2 > values.length;
}

function flagInShell(writing: LocatedFlag['writing'], flag: string, to: FlagTo): string {
  return `--${flag}${looksLikeFlag(to) ? '=' : ' '}${inShell(writing, String(to))}`;
}

function switchArgument(flag: string, on: boolean): string {
  return on ? `--${flag}` : `--no-${flag}`;
}
