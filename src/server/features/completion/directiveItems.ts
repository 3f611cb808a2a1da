import { type CompletionItem, CompletionItemKind } from 'vscode-languageserver';
import { allDevices } from '../../../core/device/catalogue.ts';
import { engineNames, findEngine } from '../../../core/engine/engines.ts';
import { estimate } from '../../../core/estimate/estimate.ts';
import type { TypedPlace } from '../../../text/typedAt.ts';
import { completionMessages } from '../../completionMessages.ts';
import type { AnalysedDeployment, DocumentAnalysis } from '../../documentAnalysis.ts';
import { rangeIn } from '../../places.ts';

type DirectivePlace = Extract<TypedPlace, { readonly kind: 'directive' }>;

/** `gpu=` with every GPU of the catalogue and the verdict on it, `engine=` with names and versions, `x2`, `model=`. */
export function directiveItems(analysis: DocumentAnalysis, { word }: DirectivePlace): CompletionItem[] {
  const { snapshot, deployments } = analysis;
  const range = rangeIn(snapshot, word);
  const typed = snapshot.getText(range);
  // The one that the comment is about: the first behind it.
  const deployment = deployments.find(({ located }) => located.range.end >= word.start) ?? deployments.at(-1);
  const item = (
    label: string,
    newText: string,
    index: number,
    more: Partial<CompletionItem>,
  ): CompletionItem => ({
    label,
    filterText: newText,
    sortText: String(index).padStart(3, '0'),
    textEdit: { range, newText },
    ...more,
  });
  if (typed.startsWith('gpu=')) {
    return allDevices().map((device, index) => {
      const verdict = deployment && verdictOn(deployment, device);
      return item(device.id, `gpu=${device.id}`, index, {
        filterText: `gpu=${[device.id, ...device.aliases, device.label].join(' ')}`,
        kind: CompletionItemKind.EnumMember,
        ...(verdict ? { labelDetails: { description: verdict } } : {}),
        detail: completionMessages.device(device),
      });
    });
  }
  if (typed.startsWith('engine=')) {
    const engine = findEngine(deployment?.located.deployment.engine ?? 'vllm');
    const versions = engine?.supportedVersions.toReversed() ?? [];
    const prefix = engine === undefined || engine.name === 'vllm' ? '' : `${engine.name}@`;
    const words = [...versions.map((version) => prefix + version), ...engineNames()];
    return words.map((word, index) =>
      item(word, `engine=${word}`, index, {
        kind: CompletionItemKind.EnumMember,
        detail: (findEngine(word) ?? engine)?.label ?? '',
      }),
    );
  }
  const suggest = { title: '', command: 'editor.action.triggerSuggest' };
  return [
    item('gpu=', 'gpu=', 0, {
      kind: CompletionItemKind.Keyword,
      detail: completionMessages.gpuWord(),
      command: suggest,
    }),
    item('x2', 'x2', 1, { kind: CompletionItemKind.Keyword, detail: completionMessages.countWord() }),
    item('engine=', 'engine=', 2, {
      kind: CompletionItemKind.Keyword,
      detail: completionMessages.engineWord(),
      command: suggest,
    }),
    item('model=', 'model=', 3, { kind: CompletionItemKind.Keyword, detail: completionMessages.modelWord() }),
  ];
}

/** The verdict on another GPU; undefined where nothing is known of the deployment. */
function verdictOn(
  { onAnyGpu }: AnalysedDeployment,
  device: ReturnType<typeof allDevices>[number],
): string | undefined {
  if (!onAnyGpu) return undefined;
  return completionMessages.verdict(estimate({ ...onAnyGpu, device }, { fixes: false }));
}
