import { describe, expect, it } from 'vitest';
import type { Remedy } from '../../../src/core/sweep/run.ts';
import type { OffsetEdit } from '../../../src/text/edits.ts';
import {
  cellPlaces,
  cellsAt,
  flagPlace,
  isPlanned,
  leaveOutEdits,
  remedyEdits,
} from '../../../src/text/plan/planPlaces.ts';

const plan = `name: memory
engine: { name: vllm }
deployment:
  flags:
    max-model-len: 8192   # enough
    enforce-eager: true
matrix:
  gpu_memory_utilization: [0.2, 0.3, 0.9]
  max-num-seqs:
    - 64
    - 256
load:
  - concurrency: [1, 8]
    input: 100
    output: 100
`;
const cell = (fraction: number, seqs: number, concurrency: number) => ({
  flags: {
    'max-model-len': 8192,
    'enforce-eager': true,
    'gpu-memory-utilization': fraction,
    'max-num-seqs': seqs,
  },
  concurrency,
});
const words = (range: { readonly start: number; readonly end: number } | undefined) =>
  range === undefined ? undefined : plan.slice(range.start, range.end);
const written = ([edit]: readonly OffsetEdit[], text = plan) =>
  edit === undefined
    ? undefined
    : text.slice(0, edit.range.start) + edit.newText + text.slice(edit.range.end);
const remedy = (changes: Partial<Remedy>): Remedy => ({
  flag: 'gpu-memory-utilization',
  change: 'raise',
  why: 'more room',
  ...changes,
});

describe('a cell’s places in its plan', () => {
  it('are the values that set it apart, then those that all cells have', () => {
    expect(cellPlaces(plan, cell(0.3, 256, 8)).map(words)).toEqual(['0.3', '256', '8', '8192', 'true']);
  });

  it('are none in a text that is torn, or has other values', () => {
    expect(cellPlaces('matrix: [', cell(0.3, 256, 8))).toEqual([]);
    expect(cellPlaces(plan, { flags: {}, concurrency: 99 })).toEqual([]);
  });

  it('are found back from the cursor: the cells that have the value under it', () => {
    const cells = [cell(0.2, 64, 1), cell(0.3, 64, 1), cell(0.3, 256, 8)];
    expect(cellsAt(plan, plan.indexOf('0.3') + 1, cells)).toEqual(cells.slice(1));
    expect(cellsAt(plan, plan.indexOf('- 256') + 3, cells)).toEqual(cells.slice(2));
    expect(cellsAt(plan, plan.indexOf('name'), cells)).toEqual([]);
  });

  it('are of a cell that the plan has, as long as it has each of its values', () => {
    expect(isPlanned(plan, cell(0.3, 256, 8))).toBe(true);
    expect(isPlanned(plan, cell(0.4, 256, 8))).toBe(false);
    expect(isPlanned(plan, cell(0.3, 256, 9))).toBe(false);
    expect(isPlanned('matrix: [', cell(0.3, 256, 8))).toBe(false);
  });

  it('of a flag is its value, however the flag is spelled', () => {
    expect(words(flagPlace(plan, cell(0.9, 64, 1), 'gpu_memory_utilization'))).toBe('0.9');
    expect(flagPlace(plan, cell(0.9, 64, 1), 'swap-space')).toBeUndefined();
  });
});

describe('a remedy', () => {
  it('replaces the value that failed, in a list or alone, and leaves comments', () => {
    expect(written(remedyEdits(plan, cell(0.2, 64, 1), remedy({ to: 0.24 })))).toContain('[0.24, 0.3, 0.9]');
    const shorter = remedy({ flag: 'max-model-len', change: 'lower', to: 4096 });
    expect(written(remedyEdits(plan, cell(0.2, 64, 1), shorter))).toContain('max-model-len: 4096   # enough');
  });

  it('adds a flag that the plan does not have, beside the others or in a block of its own', () => {
    const fp8 = remedy({ flag: 'kv-cache-dtype', change: 'set', to: 'fp8' });
    expect(written(remedyEdits(plan, cell(0.2, 64, 1), fp8))).toContain(
      '  flags:\n    kv-cache-dtype: fp8\n    max-model-len: 8192',
    );
    const bare = 'name: x\nmatrix:\n  a: [1, 2]';
    expect(written(remedyEdits(bare, { flags: { a: 1 }, concurrency: 1 }, fp8), bare)).toBe(
      `${bare}\ndeployment:\n  flags:\n    kv-cache-dtype: fp8\n`,
    );
  });

  it('takes a flag out with its line', () => {
    const without = written(
      remedyEdits(plan, cell(0.2, 64, 1), remedy({ flag: 'enforce-eager', change: 'remove' })),
    );
    expect(without).not.toContain('enforce-eager');
    expect(without).toContain('8192   # enough\nmatrix:');
  });

  it('says nothing where it names no value', () => {
    expect(remedyEdits(plan, cell(0.2, 64, 1), remedy({}))).toEqual([]);
  });

  it('quotes what YAML would read as something else', () => {
    expect(remedyEdits(plan, cell(0.2, 64, 1), remedy({ to: 'yes: no' }))[0]?.newText).toBe('"yes: no"');
  });
});

describe('leaving a value out', () => {
  it.each([
    ['gpu-memory-utilization', 0.2, '[0.3, 0.9]'],
    ['gpu-memory-utilization', 0.3, '[0.2, 0.9]'],
    ['gpu-memory-utilization', 0.9, '[0.2, 0.3]'],
  ] as const)('%s %s', (flag, fraction, left) => {
    expect(written(leaveOutEdits(plan, cell(fraction, 64, 1), flag))).toContain(left);
  });

  it('takes the line of a list in lines, and nothing that is no list', () => {
    expect(written(leaveOutEdits(plan, cell(0.2, 64, 1), 'max-num-seqs'))).toContain(
      'max-num-seqs:\n    - 256\nload:',
    );
    expect(leaveOutEdits(plan, cell(0.2, 64, 1), 'max-model-len')).toEqual([]);
  });
});
