/** Quick fixes of an option's name, of options that are there in vain, and of GPUs that are not known. */
import type { CodeAction, Diagnostic, TextEdit } from 'vscode-languageserver';
import { closest } from '../../core/closest.ts';
import { closestDeviceName } from '../../core/device/catalogue.ts';
import type { Engine, FlagReplacement } from '../../core/engine/engine.ts';
import { findEngine } from '../../core/engine/engines.ts';
import { flagEdits } from '../../text/edits.ts';
import type { LocatedDeployment } from '../../text/located.ts';
import type { AnalysedDeployment, DocumentAnalysis } from '../documentAnalysis.ts';
import { messages } from '../messages.ts';
import { flagPlace, rangeIn, rangesTouch } from '../places.ts';
import { quickFix, textEdits } from './quickFix.ts';

/** Marks of options that may as well go. */
const removable = new Set([
  'flag.unknown',
  'flag.removed',
  'flag.renamed',
  'flag.later',
  'flag.no-effect',
  'flag.contradiction',
]);

export function flagFixes(
  analysis: DocumentAnalysis,
  deployment: AnalysedDeployment,
  marked: readonly Diagnostic[],
): CodeAction[] {
  const { snapshot } = analysis;
  const { located } = deployment;
  const engine = findEngine(located.deployment.engine);
  if (!engine) return [];
  return Object.keys(located.flags).flatMap((flag) => {
    const place = flagPlace(snapshot, located, flag);
    if (!place) return [];
    const at = rangeIn(snapshot, place);
    const own = marked.filter(({ code, range }) => removable.has(String(code)) && rangesTouch(range, at));
    return [
      ...own.flatMap((diagnostic) => {
        const better = renamed(analysis, deployment, engine, flag, String(diagnostic.code));
        const gone = textEdits(analysis, deployment, [{ flag, to: null }]);
        return [
          ...(better
            ? [quickFix(analysis, messages.replaceBy(better.name), diagnostic, better.edits, true)]
            : []),
          ...(gone.length > 0 ? [quickFix(analysis, messages.removeFlag(flag), diagnostic, gone)] : []),
        ];
      }),
      ...withoutEarlier(analysis, located, flag, marked),
    ];
  });
}

/** Under the name that it has at this version, or that was meant. */
function renamed(
  analysis: DocumentAnalysis,
  deployment: AnalysedDeployment,
  engine: Engine,
  flag: string,
  code: string,
): { readonly name: string; readonly edits: TextEdit[] } | undefined {
  const { snapshot } = analysis;
  const { located, estimate } = deployment;
  const key = located.flags[flag]?.key;
  const version = 'engineVersion' in estimate ? estimate.engineVersion : located.deployment.engineVersion;
  const instead =
    code === 'flag.unknown' ? meantFlag(engine, flag, version) : engine.replacementOf(flag, version);
  if (!key || !instead || Object.hasOwn(located.flags, instead.flag)) return undefined;
  if (instead.value !== undefined) {
    const changes = [
      { flag, to: null },
      { flag: instead.flag, to: instead.value },
    ];
    return { name: `--${instead.flag} ${instead.value}`, edits: textEdits(analysis, deployment, changes) };
  }
  const written = snapshot.getText(rangeIn(snapshot, key));
  const name = written.includes('_') ? instead.flag.replaceAll('-', '_') : instead.flag;
  const newText = (/^-*/.exec(written)?.[0] ?? '') + name;
  return { name: newText, edits: [{ range: rangeIn(snapshot, key), newText }] };
}

function meantFlag(engine: Engine, flag: string, version: string | undefined): FlagReplacement | undefined {
  const names = engine.flagsOf(version).map(({ name }) => name);
  const meant = closest(flag, names);
  return meant === undefined ? undefined : { flag: meant };
}

/** The writings of a flag that the last one overrides. */
function withoutEarlier(
  analysis: DocumentAnalysis,
  located: LocatedDeployment,
  flag: string,
  marked: readonly Diagnostic[],
): CodeAction[] {
  const { snapshot } = analysis;
  const place = located.flags[flag];
  return (place?.earlier ?? []).flatMap((whole) => {
    const at = rangeIn(snapshot, whole);
    const diagnostic = marked.find(({ code, range }) => code === 'flag.duplicate' && rangesTouch(range, at));
    if (!place || !diagnostic) return [];
    // The deployment as it would be if this were the only place.
    const { earlier: _others, ...only } = place;
    const alone = { ...located, flags: { [flag]: { ...only, key: whole, whole } } };
    const edits = flagEdits(snapshot.getText(), alone, [{ flag, to: null }]).map(({ range, newText }) => ({
      range: rangeIn(snapshot, range),
      newText,
    }));
    return [quickFix(analysis, messages.removeEarlier(flag), diagnostic, edits, true)];
  });
}

/** The GPU whose name is nearest to the one in the comment. */
export function gpuFixes(
  { snapshot, ...analysis }: DocumentAnalysis,
  { located: { target } }: AnalysedDeployment,
  marked: readonly Diagnostic[],
): CodeAction[] {
  const nearest = target && closestDeviceName(target.gpu);
  if (!target || nearest === undefined) return [];
  const at = rangeIn(snapshot, target.range);
  const diagnostic = marked.find(({ code, range }) => code === 'gpu.unknown' && rangesTouch(range, at));
  if (!diagnostic) return [];
  const text = snapshot.getText(at);
  const newText = text.replace(target.gpu, nearest);
  if (newText === text) return [];
  return [
    quickFix(
      { snapshot, ...analysis },
      messages.nameGpu(nearest),
      diagnostic,
      [{ range: at, newText }],
      true,
    ),
  ];
}
