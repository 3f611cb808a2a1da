import { type CompletionItem, CompletionItemKind, MarkupKind } from 'vscode-languageserver';
import type { Engine, VersionedFlag } from '../../../core/engine/engine.ts';
import { findEngine } from '../../../core/engine/engines.ts';
import { estimateSensitivity, type FlagSensitivity } from '../../../core/estimate/sensitivity.ts';
import type { TypedPlace } from '../../../text/typedAt.ts';
import { readFlagName } from '../../../text/writtenFlags.ts';
import { completionMessages } from '../../completionMessages.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../../documentAnalysis.ts';
import { rangeIn } from '../../places.ts';

type FlagPlace = Extract<TypedPlace, { readonly kind: 'flag' }>;

/** The options of the version in use that are not written yet, those that enter the estimate first. */
export function flagItems(
  { snapshot }: DocumentAnalysis,
  { located, estimate, readable }: AnalysedDeployment,
  place: FlagPlace,
): CompletionItem[] {
  const engine = findEngine(located.deployment.engine);
  if (!engine) return [];
  const known = isKnown(estimate) ? estimate : undefined;
  const version = known?.engineVersion ?? located.deployment.engineVersion;
  const effects = readable ? estimateSensitivity(readable) : [];
  const range = rangeIn(snapshot, place.word);
  const typed = readFlagName(engine, snapshot.getText(range)).name;
  return engine.flagsOf(version).flatMap((flag): CompletionItem[] => {
    if (flag.name !== typed && Object.hasOwn(located.flags, flag.name)) return [];
    if (flag.name === 'model' && place.style !== 'shell' && place.style !== 'items' && located.model)
      return [];
    const label = written(snapshot.getText(), located, place, flag.name);
    const its = effects.filter((effect) => effect.flag === flag.name);
    const best = bestOf(its);
    const inUse = known?.resolved[flag.name];
    return [
      {
        label,
        ...(best
          ? {
              labelDetails: {
                description: completionMessages.effect(best, best.kvTokens - best.kvTokensDelta),
              },
            }
          : {}),
        kind: CompletionItemKind.Property,
        detail: completionMessages.flagDetail(flag, inUse),
        documentation: {
          kind: MarkupKind.Markdown,
          value: completionMessages.flagDocumentation(flag, its, engine.defaultNote(flag.name, version)),
        },
        sortText: `${its.length > 0 ? 0 : flag.effect === undefined ? 2 : 1}${flag.name}`,
        textEdit: { range, newText: label + behind(place, flag) },
        ...(asksForValue(engine, place, flag) ? { command: suggest } : {}),
      },
    ];
  });
}

/** The editor offers the values at once. */
const suggest = { title: '', command: 'editor.action.triggerSuggest' };

function asksForValue(engine: Engine, place: FlagPlace, flag: VersionedFlag): boolean {
  return !place.hasValue && place.style !== 'items' && engine.usualValues(flag.name).length > 0;
}

/** Dashes for arguments; keys as the document's other keys are. */
function written(
  text: string,
  { flags }: AnalysedDeployment['located'],
  place: FlagPlace,
  flag: string,
): string {
  if (place.style === 'shell' || place.style === 'items') return `--${flag}`;
  const keys = Object.values(flags).map(({ key }) => text.slice(key.start, key.end));
  const count = (pattern: RegExp) => keys.filter((key) => pattern.test(key)).length;
  return place.style === 'json' || count(/_/) > count(/-/) ? flag.replaceAll('-', '_') : flag;
}

function behind(place: FlagPlace, flag: VersionedFlag): string {
  if (place.hasValue || place.style === 'json') return '';
  if (place.style === 'yaml') return ': ';
  return place.style === 'shell' && flag.kind !== 'switch' ? ' ' : '';
}

/** The change that gains most, else the one that costs least. */
function bestOf(effects: readonly FlagSensitivity[]): FlagSensitivity | undefined {
  const runs = effects.filter(({ outcome }) => outcome === 'fits' || outcome === 'tight');
  return runs[0] ?? effects[0];
}
