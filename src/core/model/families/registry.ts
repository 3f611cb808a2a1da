import type { ModelFamily } from '../family.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';

/** The families that are covered. To add one: a file beside these, and its name here. */
const families: readonly ModelFamily[] = [llama, qwen2, qwen3, mistral, phi3, gpt2];

const byModelType = new Map(
  families.flatMap((family) =>
    [family.modelType, ...(family.aliases ?? [])].map((name) => [name, family] as const),
  ),
);
const byArchitecture = new Map(families.map((family) => [family.architecture, family]));

export function familyOf(modelType: string): ModelFamily | undefined {
  return byModelType.get(modelType);
}

/** For a config.json without `model_type`. */
export function familyOfArchitecture(architecture: string): ModelFamily | undefined {
  return byArchitecture.get(architecture);
}

export function coveredModelTypes(): readonly string[] {
  return families.map((family) => family.modelType);
}
