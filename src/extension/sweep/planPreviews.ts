/** A plan expanded, as a document beside it: every cell, its cost, the exact commands. */
import { commands, EventEmitter, type TextDocumentContentProvider, Uri, workspace } from 'vscode';
import { previewMarkdown } from '../../core/sweep/planHover.ts';
import { DisposableStore } from '../disposable.ts';
import type { PlanAnalyses } from './planAnalyses.ts';
import { isPlan, previewScheme } from './planFiles.ts';

export class PlanPreviews extends DisposableStore implements TextDocumentContentProvider {
  readonly #changed = this.register(new EventEmitter<Uri>());
  readonly onDidChange = this.#changed.event;
  readonly #analyses: PlanAnalyses;

  constructor(analyses: PlanAnalyses) {
    super();
    this.#analyses = analyses;
    this.register(workspace.registerTextDocumentContentProvider(previewScheme, this));
    this.register(
      workspace.onDidChangeTextDocument(({ document }) => {
        if (isPlan(document)) this.#changed.fire(previewUri(document.uri));
      }),
    );
  }

  async provideTextDocumentContent(uri: Uri): Promise<string> {
    const document = await workspace.openTextDocument(Uri.parse(uri.query));
    const { expanded, parsed, problems } = await this.#analyses.of(document);
    if (expanded !== undefined) return previewMarkdown(expanded.preview);
    const said = [...parsed.problems, ...problems].map(({ message }) => `- ${message}`);
    return ['# The plan cannot be expanded', '', ...said, ''].join('\n');
  }
}

export function previewUri(plan: Uri): Uri {
  const name = plan.path.slice(plan.path.lastIndexOf('/') + 1).replace(/\.sweep\.ya?ml$/, '');
  return Uri.from({ scheme: previewScheme, path: `/${name}.cells.md`, query: plan.toString() });
}

/** Beside the plan, read as text is read. */
export async function openPreview(plan: Uri): Promise<void> {
  await commands.executeCommand('markdown.showPreviewToSide', previewUri(plan));
}
