import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelFacts } from '../core/model/facts.ts';
import type { Result } from '../core/result.ts';

/** As src/storage/modelFolder.ts does it. A parameter, so that tests can count and delay. */
export type ResolveModel = (reference: string, folders: readonly string[]) => Promise<Result<ModelFacts>>;

/** Model facts by reference, read once until something on disk changes. The only file access of the server. */
export class ModelResolver {
  readonly #resolve: ResolveModel;
  readonly #cache = new Map<string, Promise<Result<ModelFacts>>>();
  #workspaceFolders: readonly string[] = [];

  constructor(resolve: ResolveModel) {
    this.#resolve = resolve;
  }

  setWorkspaceFolders(uris: readonly string[]): void {
    this.#workspaceFolders = uris.flatMap((uri) => pathOf(uri) ?? []);
    this.clear();
  }

  /** Forgets everything: a config.json changed, or one appeared. */
  clear(): void {
    this.#cache.clear();
  }

  /** The folder of the document first, then those of the workspace. Documents without a path have the latter alone. */
  resolve(reference: string, documentUri: string): Promise<Result<ModelFacts>> {
    const path = pathOf(documentUri);
    const folders = [...(path === undefined ? [] : [dirname(path)]), ...this.#workspaceFolders];
    const key = JSON.stringify([reference, folders]);
    const known = this.#cache.get(key);
    if (known) return known;
    const asked = this.#resolve(reference, folders);
    this.#cache.set(key, asked);
    // A failure of the disk is not remembered; who asked sees it.
    asked.catch(() => this.#cache.delete(key));
    return asked;
  }
}

function pathOf(uri: string): string | undefined {
  if (!uri.startsWith('file:')) return undefined;
  try {
    return fileURLToPath(uri);
  } catch {
    // A file URI of another machine (`file://host/…`) has no path here.
    return undefined;
  }
}
