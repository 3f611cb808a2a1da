import type { Engine } from './engine.ts';
import { staticBatch } from './static-batch/staticBatch.ts';
import { vllm } from './vllm/vllm.ts';

/** To add an engine: a folder beside vllm, and its object here. */
const engines: ReadonlyMap<string, Engine> = new Map(
  [vllm, staticBatch].map((engine) => [engine.name, engine]),
);

export function findEngine(name: string): Engine | undefined {
  return engines.get(name.trim().toLowerCase());
}

export function engineNames(): readonly string[] {
  return [...engines.keys()];
}
