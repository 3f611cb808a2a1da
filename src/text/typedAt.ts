/** What is being typed at a place of a document: for completion. By the text before the cursor, since what is typed is torn. */
import type { LocatedDeployment, OffsetRange } from './located.ts';

export type TypedPlace =
  /** A word of a `# loadline:` comment. */
  | { readonly kind: 'directive'; readonly word: OffsetRange }
  /** An option's name. With `--`, where it is an argument; `word` has them too. */
  | {
      readonly kind: 'flag';
      readonly deployment: LocatedDeployment;
      readonly word: OffsetRange;
      readonly style: 'yaml' | 'json' | 'shell' | 'items';
      /** True where a value, or the sign before one, stands behind it already. */
      readonly hasValue: boolean;
    }
  /** An option's value; `flag` as written, dashes and all. */
  | {
      readonly kind: 'value';
      readonly deployment: LocatedDeployment;
      readonly word: OffsetRange;
      readonly flag: string;
    };

const directiveWord = /(?:(?<=loadline:)|(?<=loadline:.*[\s"']))[^\s"']*$/;

/** How far back an option may stand from the cursor. */
const longestLook = 400;

export function typedAt(
  text: string,
  deployments: readonly LocatedDeployment[],
  offset: number,
): TypedPlace | undefined {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const line = text.slice(lineStart, offset);
  if (/(?:^|[ \t])#[ \t]*loadline:[^\r\n]*$/.test(line)) {
    return { kind: 'directive', word: wordAround(text, offset, directiveWord, /^[^\s"']*/) };
  }
  if (/(?:^|\s)#/.test(line)) return undefined;
  const deployment = deployments.findLast((each) => reaches(text, each, offset));
  if (!deployment) return undefined;
  const [first] = Object.values(deployment.flags);
  const style = (deployment.insertion?.writing ?? first?.writing)?.style;
  if (style === 'yaml') return inMapping(text, deployment, offset, line);
  if (style === 'json') return inJson(text, deployment, offset);
  return style && inArguments(text, deployment, offset, style);
}

/** In the deployment, or right behind it: a word that is not part of it yet. A command of a script ends with its line. */
function reaches(text: string, { range, insertion }: LocatedDeployment, offset: number): boolean {
  if (offset < range.start) return false;
  if (offset <= range.end) return true;
  const behind = text.slice(range.end, offset);
  if (behind.length >= longestLook) return false;
  const { style, quoting } = insertion?.writing ?? {};
  return style === 'shell' && quoting === 'none'
    ? /^(?:[ \t]|\\\r?\n)*["']?[\w.=-]*$/.test(behind)
    : /^["']?[\s\\,]*(?:-[ \t]+)?["']?[\w.-]*(?::[ \t]*\S*)?$/.test(behind);
}

function inMapping(
  text: string,
  deployment: LocatedDeployment,
  offset: number,
  line: string,
): TypedPlace | undefined {
  const [, indent, , key, value] = /^([ \t]*)(["']?)([\w.-]*)\2(?:[ \t]*:[ \t]+(\S*))?$/.exec(line) ?? [];
  if (indent === undefined || key === undefined) return undefined;
  const [any] = Object.values(deployment.flags);
  const known = any?.key.start ?? deployment.range.start;
  if (known - (text.lastIndexOf('\n', known - 1) + 1) !== indent.length) return undefined;
  if (value !== undefined) {
    return { kind: 'value', deployment, flag: key, word: wordAround(text, offset, /\S*$/, /^[\w.-]*/) };
  }
  const word = wordAround(text, offset, /[\w-]*$/, /^[\w-]*/);
  const hasValue = /^["']?[ \t]*:/.test(text.slice(word.end, word.end + 40));
  return { kind: 'flag', deployment, style: 'yaml', word, hasValue };
}

function inJson(text: string, deployment: LocatedDeployment, offset: number): TypedPlace | undefined {
  const before = text.slice(Math.max(deployment.range.start, offset - longestLook), offset);
  const flag = /"([\w-]+)"\s*:\s*"?[\w.-]*$/.exec(before)?.[1];
  const word = wordAround(text, offset, /[\w.-]*$/, /^[\w.-]*/);
  if (flag) return { kind: 'value', deployment, flag, word };
  if (!/[{,]\s*"[\w-]*$/.test(before)) return undefined;
  const hasValue = /^"\s*:/.test(text.slice(word.end, word.end + 40));
  return { kind: 'flag', deployment, style: 'json', word, hasValue };
}

/** Between an option and its value: `=`, a blank, the end of a continued line, or the next item of a list. */
const toValue =
  /(?:^|[\s"',[])(--?[A-Za-z][\w.-]*)(?:=|[ \t]+["']?|[ \t]*\\\r?\n[ \t]*|["']?(?:\s*,\s*|\s*\n[ \t]*-[ \t]+)["']?)[\w.]*$/;

function inArguments(
  text: string,
  deployment: LocatedDeployment,
  offset: number,
  style: 'shell' | 'items',
): TypedPlace | undefined {
  const before = text.slice(Math.max(deployment.range.start, offset - longestLook), offset);
  if (/(?:^|[\s"',[])--[\w-]*$/.test(before)) {
    const word = wordAround(text, offset, /[\w-]*$/, /^[\w-]*/);
    const hasValue = /^(?:=|[ \t]+[\w.])/.test(text.slice(word.end, word.end + 40));
    return { kind: 'flag', deployment, style, word, hasValue };
  }
  const flag = toValue.exec(before)?.[1];
  if (flag === undefined) return undefined;
  return { kind: 'value', deployment, flag, word: wordAround(text, offset, /[\w.]*$/, /^[\w.]*/) };
}

function wordAround(text: string, offset: number, before: RegExp, behind: RegExp): OffsetRange {
  const left = before.exec(text.slice(Math.max(0, offset - longestLook), offset))?.[0].length ?? 0;
  const right = behind.exec(text.slice(offset, offset + longestLook))?.[0].length ?? 0;
  return { start: offset - left, end: offset + right };
}
