import type { ModelFacts } from '../../src/core/model/facts.ts';

/** The models whose facts ship. */
export interface KnownModels {
  /** Hub ids, in the order of vendors and sizes. */
  readonly names: readonly string[];
  /** `overrides`: the value of `--hf-overrides`, put into the model's config.json. */
  facts(name: string, overrides?: string): ModelFacts | undefined;
}

/**
 * The families and the models that ship are more than the rest of the calculator, and a file's own model comes with its facts: they
 * are loaded after the first paint, for whoever tries another one.
 */
export async function loadKnownModels(): Promise<KnownModels> {
  const { knownModel, knownModelNames } = await import('../../src/core/model/known.ts');
  return { names: knownModelNames(), facts: knownModel };
}
