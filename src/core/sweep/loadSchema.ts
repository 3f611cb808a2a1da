/** The `load` part of a plan as it is written. What it becomes: cellLoads.ts. */
import * as z from 'zod';

const positiveInteger = z.number().int().min(1);
const positive = z.number().positive();
/** Longer prompts than any model takes would only fill the memory of the load generator. */
const MOST_TOKENS = 1_048_576;
const longLength = `at most ${MOST_TOKENS} tokens`;
const tokens = positiveInteger.max(MOST_TOKENS, longLength);
const mean = z.number().min(1).max(MOST_TOKENS, longLength).describe('Mean length, tokens.');
const deviation = z.number().min(0).max(MOST_TOKENS, longLength).describe('Standard deviation, tokens.');

const lengths = z
  .union(
    [
      tokens,
      z.strictObject({ mean, deviation }),
      z.strictObject({ least: tokens.describe('Shortest.'), most: tokens.describe('Longest.') }),
      z.strictObject({
        distribution: z.literal('lognormal').describe('Many short ones and a few long ones.'),
        mean,
        deviation,
      }),
      z.strictObject({
        values: z
          .array(tokens)
          .min(1)
          .max(100_000)
          .describe('Lengths that were seen; one is drawn for each.'),
      }),
    ],
    {
      error:
        'a length is a number of tokens, {mean, deviation} of a normal distribution, {least, most} of a uniform one, {distribution: lognormal, mean, deviation}, or {values: [...]}',
    },
  )
  .describe(
    'Tokens: a number, {mean, deviation} of a normal distribution (cut off below one token), {least, most}, {distribution: lognormal, mean, deviation} or {values: [...]}.',
  );

/** A figure, or a list of them: each is a cell. */
const levels = <T extends z.ZodNumber>(level: T, error: string) =>
  z.union([level, z.array(level).min(1)], { error });

/** Keys that every profile has. */
const common = {
  requests: positiveInteger
    .optional()
    .describe(
      'Measured requests a cell. Default: 200 (a certified p95 takes 130 between warm-up and drain), and ten for each in flight. With seconds, the most of them.',
    ),
  seconds: positive.optional().describe('Ends a trial by time instead of by count.'),
  warmupRequests: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Requests sent before the measured ones. Default: two for each in flight.'),
  api: z.enum(['completions', 'chat']).default('completions').describe('Route of the OpenAI server.'),
  prompt: z
    .enum(['token-ids', 'text'])
    .optional()
    .describe(
      'What prompts are made of. token-ids has the exact length and needs api: completions. Default by api.',
    ),
  seed: z
    .number()
    .int()
    .min(0)
    .default(1)
    .describe('Lengths follow from it: the same for every configuration.'),
  sharedPrefix: z
    .strictObject({
      tokens: tokens.describe('Tokens that prompts of a group begin with, part of their input.'),
      groups: positiveInteger.default(1).describe('Beginnings that there are.'),
    })
    .optional()
    .describe('Prompts that begin alike, as system prompts do: what a prefix cache is good for.'),
  processes: positiveInteger
    .max(64)
    .optional()
    .describe('Processes of the load generator. Default: as many as it takes.'),
  stream: z.literal(false).optional().describe('false: answers come whole, so that there is no TTFT.'),
};

const drawn = {
  input: lengths,
  output: lengths,
  turns: z
    .strictObject({
      count: positiveInteger.max(100).describe('Turns of a conversation; each carries what was said before.'),
      thinkMs: z.number().min(0).optional().describe('Time between an answer and the next turn.'),
    })
    .optional()
    .describe('Conversations instead of single requests.'),
};

const closedLoop = z.strictObject({
  profile: z
    .literal('closed-loop')
    .default('closed-loop')
    .describe('So many requests are always in flight; the next is sent when one ends.'),
  concurrency: levels(positiveInteger, 'concurrency is a whole number of at least 1, or a list of them')
    .optional()
    .describe('Requests in flight at once. Each value of a list is a cell.'),
  rampSeconds: positive.optional().describe('The first requests are spread over so long.'),
  ...drawn,
  ...common,
});

const openLoop = z.strictObject({
  profile: z
    .literal('open-loop')
    .describe('Requests are sent when they are due, whatever became of those before.'),
  requestsPerSecond: levels(positive, 'requestsPerSecond is a number above 0, or a list of them')
    .optional()
    .describe('Mean rate. Each value of a list is a cell.'),
  arrivals: z
    .enum(['poisson', 'constant', 'gamma', 'burst'])
    .default('poisson')
    .describe('How the gaps between requests are spread. burst: all at once, a group each second.'),
  burstiness: positive
    .optional()
    .describe('Shape of the gamma distribution of the gaps: 1 is Poisson, less is burstier.'),
  maxConcurrency: positiveInteger.optional().describe('Requests in flight, at most; others wait for them.'),
  ramp: z
    .strictObject({
      fromRequestsPerSecond: positive.describe('Rate at the beginning.'),
      seconds: positive.describe('Until the full rate is reached.'),
      shape: z.enum(['linear', 'exponential']).default('linear'),
    })
    .optional()
    .describe('The rate grows to its full value.'),
  ...drawn,
  ...common,
});

const trace = z.strictObject({
  profile: z.literal('trace').describe('Requests as they were recorded, each at its time.'),
  trace: z
    .string()
    .min(1)
    .describe(
      'File beside the plan, a request a line as JSON: {timestamp, input_length, output_length}, milliseconds and tokens (the Mooncake format).',
    ),
  speed: levels(positive, 'speed is a number above 0, or a list of them')
    .optional()
    .describe('2 replays it in half the time. Each value of a list is a cell.'),
  ...common,
});

const offline = z.strictObject({
  profile: z.literal('offline').describe('All requests at once: the throughput of a batch.'),
  ...drawn,
  ...common,
  requests: levels(positiveInteger, 'requests is a whole number of at least 1, or a list of them')
    .optional()
    .describe('Requests of the batch. Each value of a list is a cell. Default: 200.'),
});

export const loadProfileSchema = z.discriminatedUnion('profile', [closedLoop, openLoop, trace, offline], {
  error: ({ code }) =>
    code === 'invalid_union' ? 'it is closed-loop, open-loop, trace or offline' : undefined,
});
