import type { Obstacle } from '../engine/engine.ts';

const memoryKinds: ReadonlySet<Obstacle['kind']> = new Set([
  'weights',
  'free-memory',
  'profile-run',
  'no-kv-memory',
  'max-model-len',
  'batch-size',
]);

/** True where memory, not a value or the number of GPUs, keeps it from starting. */
export function blockedByMemory(obstacle: Obstacle | undefined): boolean {
  return obstacle !== undefined && memoryKinds.has(obstacle.kind);
}
