/** `*.sweep.yaml`: what may be written in it. The editor's JSON Schema and the parser come from the one schema below. */
import * as z from 'zod';
import { closest } from '../closest.ts';
import type { Problem } from '../result.ts';

const positiveInteger = z.number().int().min(1);
/** Longer prompts than any model takes would only fill the memory of the load generator. */
const MOST_TOKENS = 1_048_576;
const flagScalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'a flag takes a text, a number, true or false',
});
// In a list nothing could tell it from the next flag. A single value is joined to its flag instead.
const flagItem = z.union([
  z.string().regex(/^(?!-)/, 'an item of a list is a number, or a text that does not begin with a dash'),
  z.number(),
]);
const flagValue = z.union([flagScalar, z.array(flagItem)], {
  error: 'a flag takes a text, a number, true, false or a list of them',
});
const flags = z.record(z.string(), flagValue);

const longLength = `at most ${MOST_TOKENS} tokens`;
const lengths = z
  .union(
    [
      positiveInteger.max(MOST_TOKENS, longLength),
      z.strictObject({
        mean: z.number().min(1).max(MOST_TOKENS, longLength).describe('Mean length, tokens.'),
        deviation: z.number().min(0).max(MOST_TOKENS, longLength).describe('Standard deviation, tokens.'),
      }),
    ],
    { error: 'a length is a number of tokens, or {mean, deviation} of a normal distribution' },
  )
  .describe('Tokens: a number, or {mean, deviation} of a normal distribution (cut off below one token).');

const loadProfile = z.strictObject({
  profile: z
    .literal('closed-loop')
    .default('closed-loop')
    .describe('closed-loop: so many requests are always in flight; the next is sent when one ends.'),
  concurrency: z
    .union([positiveInteger, z.array(positiveInteger).min(1)], {
      error: 'concurrency is a whole number of at least 1, or a list of them',
    })
    .describe('Requests in flight at once. Each value of a list is a cell.'),
  requests: positiveInteger
    .optional()
    .describe(
      'Measured requests a cell. Default: 150 (a certified p95 takes 130), and ten for each in flight.',
    ),
  warmupRequests: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Requests sent before the measured ones. Default: two for each in flight.'),
  input: lengths,
  output: lengths,
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
});

const launch = z
  .strictObject({
    command: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("Start of the engine's command line, as a list of words. Default: [vllm, serve]."),
    container: z
      .strictObject({ runtime: z.enum(['docker', 'podman']), image: z.string().min(1) })
      .optional()
      .describe('Start the engine in a container.'),
    endpoint: z.url().optional().describe('Measure an engine that already runs there.'),
  })
  .describe('How the engine is started. Default: by its command.');

/** Recipes: the question that the sweep is to answer. */
export const questions = ['memory-limit', 'cost', 'chat', 'batch-parallel', 'mps'] as const;

export const planSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, 'a name has letters, digits, ".", "_" and "-", at most 80')
      .describe('Names the run folders.'),
    question: z
      .enum(questions)
      .optional()
      .describe('What the run is to answer. chat: the largest concurrency that meets the service level.'),
    hosts: z
      .array(z.string().min(1))
      .min(1)
      .describe('Where it runs: names of your SSH configuration, or this-machine.'),
    gpu: z
      .string()
      .min(1)
      .optional()
      .describe(
        'GPU that predictions and rehearsals count with. A measured run counts with the one it finds.',
      ),
    gpuCount: positiveInteger.default(1).describe('GPUs that an engine gets.'),
    gpuIndices: z
      .array(z.number().int().min(0))
      .min(1)
      .optional()
      .describe('Which GPUs of the host. Default: the first ones.'),
    scheduler: z
      .strictObject({
        type: z.literal('slurm'),
        partition: z.string().optional(),
        gres: z.string().optional(),
        time: z.string().optional(),
      })
      .optional()
      .describe('Cluster scheduler that hands out the GPUs.'),
    engine: z.strictObject({
      name: z.string().min(1).describe('vllm'),
      version: z
        .string({ error: 'a version is a text: write it in quotes, "0.26.0"' })
        .optional()
        .describe('Version whose defaults and memory accounting predictions use. In quotes.'),
      launch: launch.optional(),
      environment: z
        .record(z.string(), z.string())
        .default({})
        .describe('Environment variables of the engine. No secrets: they are written to the run folder.'),
    }),
    model: z
      .string()
      .regex(/^[^-]/, 'a model is a hub id or a folder, and does not begin with a dash')
      .describe('Hub id, or a folder on the host.'),
    deployment: z
      .strictObject({ flags: flags.default({}) })
      .default({ flags: {} })
      .describe('Flags that all cells have in common.'),
    matrix: z
      .record(z.string(), z.array(flagValue).min(1))
      .default({})
      .describe('Flags to vary: every combination is an engine start of its own.'),
    search: z
      .strictObject({ flag: z.string().min(1), goal: z.string().min(1) })
      .optional()
      .describe('A flag whose best value is looked for.'),
    exclude: z
      .array(z.record(z.string(), flagScalar))
      .default([])
      .describe('Combinations to leave out: every flag named (and concurrency) must match.'),
    predictedNotToFit: z
      .enum(['skip', 'probe'])
      .default('skip')
      .describe('Cells that are predicted not to fit: left out, or tried all the same.'),
    load: z.array(loadProfile).min(1).describe('Loads that each engine is put under.'),
    slo: z
      .strictObject({
        ttftP95Ms: z
          .number()
          .positive()
          .optional()
          .describe('Time to first token, 95th percentile, at most.'),
        tpotP95Ms: z
          .number()
          .positive()
          .optional()
          .describe('Time per output token, 95th percentile, at most.'),
        perQueryTokensPerSecond: z
          .number()
          .positive()
          .optional()
          .describe('Output tokens/s of a query, at least.'),
      })
      .optional()
      .describe('Service level that a cell must meet to count as an answer.'),
    repeats: positiveInteger.max(100).default(1).describe('Trials of each cell.'),
    telemetry: z
      .union([z.literal('off'), z.strictObject({ intervalMs: z.number().min(10).max(60_000) })], {
        error: 'telemetry is off, or {intervalMs}',
      })
      .default({ intervalMs: 1000 })
      .describe('How often GPUs are sampled while cells run.'),
    stop: z
      .strictObject({
        cellSeconds: z
          .number()
          .positive()
          .optional()
          .describe('A cell that takes longer is ended. Default: by estimate.'),
        unfollowedHours: z
          .number()
          .positive()
          .default(24)
          .describe('The run ends itself when nobody has followed it for so long.'),
      })
      .default({ unfollowedHours: 24 }),
  })
  .describe('A Loadline sweep plan');

export type SweepPlan = z.output<typeof planSchema>;
export type PlanLoad = SweepPlan['load'][number];
export type Question = (typeof questions)[number];

/** JSON Schema of the file as written, for editors. */
export function planJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(planSchema, { io: 'input' });
}

/** What the schema has against a parsed document, each at its key. An unknown key's path ends with that key. */
export function schemaProblems(error: z.ZodError, document: unknown): Problem[] {
  return error.issues.flatMap((issue) => issueProblems(issue, [], document));
}

type Path = readonly (string | number)[];

function issueProblems(issue: z.core.$ZodIssue, parent: Path, document: unknown): Problem[] {
  const path = [...parent, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      code: 'plan.unknown-key',
      message: unknownKey(key, path),
      path: [...path, key],
    }));
  }
  if (valueAt(document, path) === undefined) return [problem('plan.missing-key', path, 'this is missing')];
  if (issue.code === 'invalid_union') {
    // Where one of the forms was clearly meant, what is wrong inside it says more than "neither of them".
    const meant = issue.errors.find((form) =>
      form.every(({ code, path: inside }) => inside.length > 0 || code === 'unrecognized_keys'),
    );
    if (meant !== undefined) return meant.flatMap((inner) => issueProblems(inner, path, document));
  }
  return [problem('plan.bad-value', path, issue.message.replace(/^Invalid (input|string): /, ''))];
}

function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return value;
}

function problem(code: string, path: Path, what: string): Problem {
  return { code, message: `${dotted(path)}: ${what}.`, path };
}

function unknownKey(key: string, path: Path): string {
  const known = knownKeys(path);
  const near = closest(key, known);
  const where = path.length === 0 ? 'a plan' : dotted(path);
  return near === undefined
    ? `"${key}" is not a key of ${where}; there are ${known.join(', ')}.`
    : `"${key}" is not a key of ${where}; did you mean "${near}"?`;
}

/** Keys that the schema knows at a place. */
function knownKeys(path: Path): readonly string[] {
  let node: JsonSchemaNode | undefined = planJsonSchema() as JsonSchemaNode;
  for (const key of path) {
    const object: JsonSchemaNode | undefined = node?.anyOf?.find(({ properties }) => properties) ?? node;
    node = typeof key === 'number' ? object?.items : object?.properties?.[key];
  }
  const properties = node?.properties ?? node?.anyOf?.find((form) => form.properties)?.properties;
  return Object.keys(properties ?? {});
}

interface JsonSchemaNode {
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly items?: JsonSchemaNode;
  readonly anyOf?: readonly JsonSchemaNode[];
}

/** `load[0].input` */
function dotted(path: Path): string {
  if (path.length === 0) return 'the plan';
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at > 0 ? '.' : ''}${key}`))
    .join('');
}
