import { atMost, type Recipe } from './recipe.ts';

export const memoryLimit: Recipe = {
  question: 'memory-limit',
  asks: 'How little GPU memory does it run with at all, and how little keeps its peak throughput?',
  sweeps: 'gpu-memory-utilization 0.1 … 0.9 under one load',
  body: (input) => ({
    flags: ['gpu-memory-utilization'],
    engineLines: [
      '  # What a second copy on the same GPU costs the first one:',
      '  # arrangements: [{}, { copies: 2 }]',
    ],
    lines: [
      'matrix:',
      '  # Each value is an engine start.',
      '  gpu-memory-utilization: [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9]',
      '# What is predicted not to fit is left out. To try it all the same: probe.',
      'predictedNotToFit: skip',
      '# To find the smallest alone, with about four starts, take the matrix out and write:',
      '# search: { flag: gpu-memory-utilization, goal: smallest-that-starts, from: 0.05, to: 0.95, step: 0.05 }',
      'load:',
      '  - concurrency: 32',
      '    requests: 320',
      `    input: ${atMost(256, input, 0.5)}`,
      `    output: ${atMost(128, input, 0.25)}`,
    ],
  }),
};
