import type { Result } from '../result.ts';
import type { ModelFacts } from './facts.ts';
import { deepseekModels } from './known/deepseek.ts';
import { denseModels } from './known/dense.ts';
import type { KnownModelEntry } from './known/entry.ts';
import { expertModels } from './known/experts.ts';
import { gemmaModels } from './known/gemma.ts';
import { gpt2Models } from './known/gpt2.ts';
import { hybridModels } from './known/hybrids.ts';
import { llamaModels } from './known/llama.ts';
import { mistralModels } from './known/mistral.ts';
import { olderModels } from './known/older.ts';
import { phiModels } from './known/phi.ts';
import { qwenModels } from './known/qwen.ts';
import { visionModels } from './known/vision.ts';
import { parseModelConfig } from './parse.ts';

const entries: readonly KnownModelEntry[] = [
  ...llamaModels,
  ...qwenModels,
  ...mistralModels,
  ...gemmaModels,
  ...deepseekModels,
  ...expertModels,
  ...visionModels,
  ...hybridModels,
  ...phiModels,
  ...denseModels,
  ...gpt2Models,
  ...olderModels,
];

const entryByName = new Map<string, KnownModelEntry>();
for (const entry of entries) {
  for (const name of [entry.id, ...(entry.aliases ?? [])]) {
    const lower = name.toLowerCase();
    entryByName.set(lower, entry);
    entryByName.set(lower.slice(lower.indexOf('/') + 1), entry);
  }
}

const parsed = new Map<KnownModelEntry, ModelFacts>();
let lastOverridden:
  | { readonly name: string; readonly overrides: string; readonly facts: ModelFacts | undefined }
  | undefined;

/**
 * Shipped facts by hub id or by the name after the slash, in any case. Its `id` is the hub id. With `overrides`, the value of
 * `--hf-overrides`, as the fields are then; undefined too where those make no model.
 */
export function knownModel(name: string, overrides?: string): ModelFacts | undefined {
  if (overrides !== undefined) {
    // A panel asks again at every step of a slider.
    if (lastOverridden?.name !== name || lastOverridden.overrides !== overrides) {
      const result = knownModelWith(name, overrides);
      lastOverridden = { name, overrides, facts: result?.ok ? result.value : undefined };
    }
    return lastOverridden.facts;
  }
  const entry = entryByName.get(name.trim().toLowerCase());
  if (entry === undefined) return undefined;
  const before = parsed.get(entry);
  if (before !== undefined) return before;
  const result = parseModelConfig(entry.config, { id: entry.id, source: 'shipped facts' });
  if (!result.ok) return undefined;
  parsed.set(entry, result.value);
  return result.value;
}

/** Shipped facts with `--hf-overrides` put in, or what is wrong with them; undefined for a name that is not shipped. */
export function knownModelWith(name: string, overrides: string): Result<ModelFacts> | undefined {
  const entry = entryByName.get(name.trim().toLowerCase());
  return entry === undefined
    ? undefined
    : parseModelConfig(entry.config, { id: entry.id, source: 'shipped facts', overrides });
}

/** Hub ids, in the order of vendors and sizes. */
export function knownModelNames(): readonly string[] {
  return entries.map((entry) => entry.id);
}
