import { atMost, type Recipe } from './recipe.ts';

export const cost: Recipe = {
  question: 'cost',
  asks: 'What does a million tokens cost, with which cache format and batch, and what stops a larger one?',
  sweeps: 'KV cache format x concurrency 16 … 256, prompt-heavy and output-heavy',
  body: (input) => ({
    flags: ['kv-cache-dtype'],
    lines: [
      '# Another machine type is another host: name both under hosts, and compare their runs.',
      'matrix:',
      '  kv-cache-dtype: [auto, fp8]',
      'load:',
      '  # Prompt-heavy: summaries, retrieval.',
      '  - concurrency: [16, 32, 64, 128, 256]',
      `    input: ${atMost(1024, input, 0.7)}`,
      `    output: ${atMost(128, input, 0.1)}`,
      '  # Output-heavy: writing.',
      '  - concurrency: [16, 32, 64, 128, 256]',
      `    input: ${atMost(128, input, 0.1)}`,
      `    output: ${atMost(512, input, 0.5)}`,
      '# A batch that is slower than this is too large.',
      'slo:',
      '  tpotP95Ms: 100',
    ],
  }),
};
