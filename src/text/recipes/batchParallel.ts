import { atMost, type Recipe } from './recipe.ts';

export const batchParallel: Recipe = {
  question: 'batch-parallel',
  asks: 'Which way of splitting the model is faster for a batch, and at which batch does it run out of memory?',
  sweeps: 'tensor and pipeline parallel x offline batches of 1 … 64',
  body(input) {
    const gpus = Math.max(2, input.gpuCount);
    return {
      flags: ['tensor-parallel-size', 'pipeline-parallel-size'],
      gpuCount: gpus,
      lines: [
        'matrix:',
        `  tensor-parallel-size: [1, ${gpus}]`,
        `  pipeline-parallel-size: [1, ${gpus}]`,
        '# One way or the other.',
        'exclude:',
        '  - { tensor-parallel-size: 1, pipeline-parallel-size: 1 }',
        `  - { tensor-parallel-size: ${gpus}, pipeline-parallel-size: ${gpus} }`,
        '# Where it runs out of memory is what is asked: nothing is left out.',
        'predictedNotToFit: probe',
        'load:',
        '  # All requests at once: the batch.',
        '  - profile: offline',
        '    requests: [1, 2, 4, 8, 16, 32, 64]',
        `    input: ${atMost(512, input, 0.5)}`,
        `    output: ${atMost(64, input, 0.2)}`,
      ],
    };
  },
};
