/** Completion and hover in a plan, beside what a YAML extension offers by the schema: it knows no flags. */
import {
  CompletionItem,
  CompletionItemKind,
  type CompletionItemProvider,
  Hover,
  type HoverProvider,
  l10n,
  MarkdownString,
  type Position,
  Range,
  type TextDocument,
} from 'vscode';
import { cellsMarkdown, keyMarkdown } from '../../core/sweep/planHover.ts';
import { type PlanItem, planItems } from '../../core/sweep/planItems.ts';
import { planPlaceAt, writtenAt } from '../../text/plan/planPlace.ts';
import type { PlanAnalyses } from './planAnalyses.ts';

const kinds: Readonly<Record<PlanItem['kind'], CompletionItemKind>> = {
  key: CompletionItemKind.Property,
  flag: CompletionItemKind.Field,
  value: CompletionItemKind.Value,
};

export class PlanCompletion implements CompletionItemProvider {
  readonly #hosts: () => readonly string[];

  constructor(hosts: () => readonly string[]) {
    this.#hosts = hosts;
  }

  provideCompletionItems(document: TextDocument, position: Position): CompletionItem[] {
    const place = planPlaceAt(document.getText(), document.offsetAt(position));
    if (place === undefined) return [];
    const range = new Range(document.positionAt(place.range.start), document.positionAt(place.range.end));
    return planItems(place, this.#hosts()).map((item, index) => {
      const completion = new CompletionItem(item.label, kinds[item.kind]);
      completion.range = range;
      completion.insertText = item.insert;
      completion.sortText = String(index).padStart(4, '0');
      if (item.detail !== undefined) completion.detail = item.detail;
      if (item.documentation !== undefined) completion.documentation = item.documentation;
      return completion;
    });
  }
}

/** Keys whose hover shows the cells that they make. */
const cellKeys = new Set(['matrix', 'load', 'search', 'name', 'exclude']);

export class PlanHover implements HoverProvider {
  readonly #analyses: PlanAnalyses;

  constructor(analyses: PlanAnalyses) {
    this.#analyses = analyses;
  }

  async provideHover(document: TextDocument, position: Position): Promise<Hover | undefined> {
    const written = writtenAt(document.getText(), document.offsetAt(position));
    if (written === undefined) return undefined;
    const { path, range } = written;
    const parts = [keyMarkdown(path, written.document)];
    const { expanded } = await this.#analyses.of(document);
    if (expanded !== undefined && path.length === 1 && cellKeys.has(String(path[0]))) {
      parts.push(cellsMarkdown(expanded.preview, l10n.t('{0} more: the lens above shows all of them.')));
    } else if (expanded !== undefined && path[0] === 'matrix' && path.length === 3) {
      const [, flag, index] = path;
      const value = expanded.plan.matrix[String(flag)]?.[Number(index)];
      const own = expanded.measured.cells
        .filter(({ flags }) => flags[String(flag)] === value)
        .map(({ id }) => id);
      const cells = expanded.preview.cells.filter(({ id }) => own.includes(id));
      if (cells.length > 0)
        parts.push(
          cellsMarkdown(
            { ...expanded.preview, cells },
            l10n.t('{0} more: the lens above shows all of them.'),
          ),
        );
    }
    const texts = parts.filter((part) => part !== '');
    if (texts.length === 0) return undefined;
    const place = new Range(document.positionAt(range.start), document.positionAt(range.end));
    return new Hover(
      texts.map((text) => new MarkdownString(text)),
      place,
    );
  }
}
