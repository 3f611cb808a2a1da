import { EventEmitter, type TreeDataProvider, TreeItem } from 'vscode';
import { DisposableStore } from '../disposable.ts';
import type { RunManager } from '../runs/runManager.ts';
import { cellItem, runItem, searchItem } from './runItems.ts';
import { runChildren, searchCells } from './runNodes.ts';

export type RunNode =
  | { readonly kind: 'run'; readonly run: string }
  | { readonly kind: 'search'; readonly run: string; readonly search: string }
  | { readonly kind: 'cell'; readonly run: string; readonly cell: string };

/** *Runs*: every run of the workspace's folders, the newest first, with the searches of its plan and its cells. */
export class RunsTree extends DisposableStore implements TreeDataProvider<RunNode> {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #runs: RunManager;

  constructor(runs: RunManager) {
    super();
    this.#runs = runs;
    this.register(runs.onDidChange(() => this.#changed.fire()));
  }

  getChildren(node?: RunNode): RunNode[] {
    if (node === undefined) return this.#runs.views().map(({ run }) => ({ kind: 'run', run }));
    const { run } = node;
    const results = this.#runs.view(run)?.results;
    if (node.kind === 'cell' || !results) return [];
    if (node.kind === 'run') {
      const { searches, cells } = runChildren(results);
      return [
        ...searches.map(({ id }): RunNode => ({ kind: 'search', run, search: id })),
        ...cells.map(({ cell }): RunNode => ({ kind: 'cell', run, cell })),
      ];
    }
    const search = results.searches?.find(({ id }) => id === node.search);
    return search === undefined
      ? []
      : searchCells(search, results.cells).map(({ cell }) => ({ kind: 'cell', run, cell }));
  }

  getTreeItem(node: RunNode): TreeItem {
    const view = this.#runs.view(node.run);
    if (!view) return new TreeItem(node.run);
    if (node.kind === 'run') return runItem(view);
    if (node.kind === 'search') {
      const search = view.results?.searches?.find(({ id }) => id === node.search);
      return search ? searchItem(view, search) : new TreeItem(node.search);
    }
    const cell = view.results?.cells.find((other) => other.cell === node.cell);
    return cell ? cellItem(view, cell) : new TreeItem(node.cell);
  }
}
