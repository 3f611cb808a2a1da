import { atMost, type Recipe } from './recipe.ts';

export const chat: Recipe = {
  question: 'chat',
  asks: 'How many users can chat before the first token is late, or a query gets too few tokens a second?',
  sweeps: 'concurrency 1 … 32; prompts N(200, 40), answers N(100, 10)',
  body(input) {
    const [prompt, answer] = [atMost(200, input, 0.4), atMost(100, input, 0.2)];
    return {
      flags: [],
      lines: [
        'load:',
        '  # Requests in flight at once; each is a cell of the same engine start.',
        '  - concurrency: [1, 2, 4, 8, 16, 32]',
        `    input: { mean: ${prompt}, deviation: ${Math.round(prompt / 5)} }`,
        `    output: { mean: ${answer}, deviation: ${Math.round(answer / 10)} }`,
        '# What a user accepts.',
        'slo:',
        '  ttftP95Ms: 500',
        '  perQueryTokensPerSecond: 10',
        '# To look for the limit with fewer cells, take concurrency out of load and write:',
        '# search: { flag: concurrency, goal: largest-within-slo, values: [1, 2, 4, 8, 16, 32, 64, 128, 256] }',
      ],
    };
  },
};
