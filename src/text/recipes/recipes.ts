/** The recipes of New Sweep, in the order in which they are offered. To add one: a file beside these, and a line here. */
import { batchParallel } from './batchParallel.ts';
import { chat } from './chat.ts';
import { cost } from './cost.ts';
import { memoryLimit } from './memoryLimit.ts';
import { mps } from './mps.ts';
import type { Recipe } from './recipe.ts';

export const recipes: readonly Recipe[] = [chat, memoryLimit, cost, batchParallel, mps];
