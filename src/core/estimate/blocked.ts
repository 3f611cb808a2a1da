import type { Obstacle } from '../engine/engine.ts';

/** True where memory, not a value or the number of GPUs, keeps it from starting. */
export function blockedByMemory(obstacle: Obstacle | undefined): boolean {
  return obstacle !== undefined && obstacle.kind !== 'flag-value' && obstacle.kind !== 'parallelism';
}
