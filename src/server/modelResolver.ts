import { dirname } from 'node:path';
import type { ModelFacts } from '../core/model/facts.ts';
import { failure, type Result } from '../core/result.ts';
import type { ResolveOptions } from '../storage/modelFolder.ts';
import { pathOf } from './documentPath.ts';
import { messages } from './messages.ts';

/** As src/storage/modelFolder.ts does it. A parameter, so that tests can count and delay. */
export type ResolveModel = (
  reference: string,
  folders: readonly string[],
  options?: ResolveOptions,
) => Promise<Result<ModelFacts>>;

export interface ModelResolverOptions {
  /** Leave to ask a model hub, asked of the client. */
  readonly hub?: ResolveOptions['hub'];
  /** How long a question waits for an answer before it is told that there is none yet. */
  readonly patienceMs: number;
  /** An answer came after somebody was told so. */
  readonly onLateAnswer: () => void;
}

/** Model facts by reference, read once until something on disk changes. The only access of the server to files and the hub. */
export class ModelResolver {
  readonly #resolve: ResolveModel;
  readonly #options: ModelResolverOptions;
  readonly #cache = new Map<string, Promise<Result<ModelFacts>>>();
  #workspaceFolders: readonly string[] = [];

  constructor(resolve: ResolveModel, options: ModelResolverOptions) {
    this.#resolve = resolve;
    this.#options = options;
  }

  setWorkspaceFolders(uris: readonly string[]): void {
    this.#workspaceFolders = uris.flatMap((uri) => pathOf(uri) ?? []);
    this.clear();
  }

  /** Forgets everything: a config.json changed, or one appeared. */
  clear(): void {
    this.#cache.clear();
  }

  /**
   * The folder of the document first, then those of the workspace. Documents without a path have the latter alone. A disk or hub that
   * takes long gives `model.not-known-yet`, and `onLateAnswer` is called when it has answered.
   */
  resolve(
    reference: string,
    documentUri: string,
    { revision, overrides }: Pick<ResolveOptions, 'revision' | 'overrides'> = {},
  ): Promise<Result<ModelFacts>> {
    const path = pathOf(documentUri);
    const folders = [...(path === undefined ? [] : [dirname(path)]), ...this.#workspaceFolders];
    const key = JSON.stringify([reference, revision, overrides, folders]);
    const known = this.#cache.get(key);
    if (known) return this.#patiently(reference, known);
    const { hub } = this.#options;
    const asked = this.#resolve(reference, folders, {
      ...(revision === undefined ? {} : { revision }),
      ...(overrides === undefined ? {} : { overrides }),
      ...(hub === undefined ? {} : { hub }),
    });
    this.#cache.set(key, asked);
    // A failure of the disk is not remembered; who asked sees it.
    asked.catch(() => this.#cache.delete(key));
    return this.#patiently(reference, asked);
  }

  async #patiently(reference: string, asked: Promise<Result<ModelFacts>>): Promise<Result<ModelFacts>> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.#options.patienceMs);
    });
    try {
      const answer = await Promise.race([asked, late]);
      if (answer !== undefined) return answer;
    } finally {
      clearTimeout(timer);
    }
    // Its failure is shown to who asks again.
    asked.then(this.#options.onLateAnswer, this.#options.onLateAnswer);
    return failure(messages.modelNotKnownYet(reference));
  }
}
