import { type CompletionItem, CompletionItemKind } from 'vscode-languageserver';
import { findEngine } from '../../../core/engine/engines.ts';
import { flagEffects } from '../../../core/estimate/sensitivity.ts';
import type { EstimateRequest } from '../../../core/estimate/types.ts';
import type { TypedPlace } from '../../../text/typedAt.ts';
import { readFlagName } from '../../../text/writtenFlags.ts';
import { completionMessages } from '../../completionMessages.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from '../../documentAnalysis.ts';
import { rangeIn } from '../../places.ts';

type ValuePlace = Extract<TypedPlace, { readonly kind: 'value' }>;

/** Values that the option takes, or that are tried next, each with what it does. */
export function valueItems(
  { snapshot }: DocumentAnalysis,
  { located, estimate, readable }: AnalysedDeployment,
  place: ValuePlace,
): CompletionItem[] {
  const engine = findEngine(located.deployment.engine);
  if (!engine) return [];
  const { name, definition } = readFlagName(engine, place.flag);
  if (!definition) return [];
  const known = isKnown(estimate) ? estimate : undefined;
  const longest = name === 'max-model-len' ? (known?.kv.largestMaxModelLen ?? 0) : 0;
  const usual = definition.kind === 'switch' && isKey(place) ? ['true', 'false'] : engine.usualValues(name);
  const values = longest > 0 && !usual.includes(longest) ? [...usual, longest] : usual;
  const effects =
    readable && definition.effect !== undefined
      ? flagEffects(
          without(readable, name),
          name,
          values.map((value) => (definition.kind === 'switch' ? value === 'true' : value)),
        )
      : [];
  const range = rangeIn(snapshot, place.word);
  return values.map((value, index): CompletionItem => {
    const effect = effects[index];
    return {
      label: String(value),
      ...(effect
        ? {
            labelDetails: {
              description: completionMessages.effect(
                effect,
                known?.kv.tokens ?? effect.kvTokens - effect.kvTokensDelta,
              ),
            },
          }
        : {}),
      kind: CompletionItemKind.Value,
      ...(effect ? { detail: completionMessages.valueDetail(effect) } : {}),
      ...(value === longest ? { documentation: completionMessages.longest() } : {}),
      sortText: String(index).padStart(3, '0'),
      textEdit: { range, newText: String(value) },
    };
  });
}

/** What is being typed is not reckoned with. */
function without(request: EstimateRequest, flag: string): EstimateRequest {
  const { [flag]: _typed, ...flags } = request.deployment.flags;
  return { ...request, deployment: { ...request.deployment, flags } };
}

/** A key of YAML or JSON: a switch has a value there. */
function isKey({ flag }: ValuePlace): boolean {
  return !flag.startsWith('-');
}
