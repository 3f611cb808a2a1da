import { atMost, type Recipe } from './recipe.ts';

export const mps: Recipe = {
  question: 'mps',
  asks: 'Do two engines on one GPU give more than one, and is it the sharing or only the larger batch?',
  sweeps: 'one engine, one with twice the load (control), two time-sliced, two under MPS',
  body: (input) => ({
    flags: ['gpu-memory-utilization'],
    engineLines: [
      '  # Each arrangement gets every load. Without the control, one engine under twice the load, a gain says nothing.',
      '  arrangements:',
      '    - { copies: 1, flags: { gpu-memory-utilization: 0.45 } }',
      '    - { copies: 2, sharing: time-slicing, flags: { gpu-memory-utilization: 0.45 } }',
      '    - { copies: 2, sharing: mps, flags: { gpu-memory-utilization: 0.45 } }',
    ],
    lines: [
      'load:',
      '  # Traffic is split evenly among copies: 64 on two of them is 32 on each.',
      '  - concurrency: [32, 64]',
      '    requests: 640',
      `    input: ${atMost(256, input, 0.5)}`,
      `    output: ${atMost(128, input, 0.25)}`,
      'exclude:',
      '  - { copies: 2, concurrency: 32 }',
    ],
  }),
};
