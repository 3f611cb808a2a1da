/** `*.sweep.yaml`: what may be written in it. The editor's JSON Schema and the parser come from the one schema below. */
import * as z from 'zod';
import { loadProfileSchema } from './loadSchema.ts';

const positiveInteger = z.number().int().min(1);
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
/** Become options of sbatch: nothing that a shell, sbatch's own names (`%`) or an option (`-`) could be made of. As in the agent's requests.py. */
const schedulerWords = {
  partition: z
    .string()
    .regex(/^[A-Za-z0-9_][\w.-]*(,[A-Za-z0-9_][\w.-]*)*$/, 'names of partitions: gpu or gpu,long')
    .optional(),
  gres: z
    .string()
    .regex(
      /^[A-Za-z][\w.-]*(:[\w.-]+){0,2}(,[A-Za-z][\w.-]*(:[\w.-]+){0,2})*$/,
      'generic resources: gpu:2 or gpu:h100:2',
    )
    .optional(),
  time: z
    .string({ error: 'a time is a text: write it in quotes, "04:00:00"' })
    .regex(/^(\d+-)?\d+(:\d{1,2}){0,2}$/, 'a time of Slurm: minutes, hours:minutes:seconds or days-hours')
    .optional(),
  account: z
    .string()
    .regex(/^[A-Za-z0-9_][\w.-]*$/, 'the name of an account')
    .optional(),
};
const flags = z.record(z.string(), flagValue);

const launch = z
  .strictObject({
    command: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("Start of the engine's command line, as a list of words. Default: the engine's own."),
    container: z
      .strictObject({
        runtime: z.enum(['docker', 'podman']).describe('Program of the host that runs containers.'),
        image: z
          .string()
          .regex(/^[^-\s]\S*$/, 'an image is one word, and does not begin with a dash')
          .describe('Image, best with a tag or a digest: vllm/vllm-openai:v0.26.0.'),
        arguments: z
          .array(z.string().min(1))
          .optional()
          .describe('More options of the runtime, as a list of words: [--shm-size, 16g].'),
      })
      .optional()
      .describe('Start the engine in a container.'),
    endpoint: z
      .url({ protocol: /^https?$/, error: 'an endpoint is a URL such as http://127.0.0.1:8000' })
      .optional()
      .describe(
        'Measure an engine that already runs there, as the host sees it. It is not started or stopped.',
      ),
    apiKeyFile: z
      .string()
      .min(1)
      .optional()
      .describe('Path on the host of a file that holds the key of the endpoint. The key itself stays there.'),
    healthPath: z
      .string()
      .regex(/^\/\S*$/, 'a health path begins with a slash')
      .optional()
      .describe('Of a plain command: path that answers 200 once the server is ready.'),
  })
  .describe(
    'How the engine is started: command, container, or an endpoint that runs. Default: by its command.',
  );

const arrangement = z
  .strictObject({
    copies: positiveInteger.max(16).default(1).describe('Engines side by side on the same GPUs.'),
    sharing: z
      .enum(['time-slicing', 'mps'])
      .optional()
      .describe('How they share a GPU. Default: time-slicing. mps: under a daemon of their own.'),
    memoryGiB: z.number().positive().optional().describe('Memory limit of each copy under MPS, GiB.'),
    threadPercentage: z
      .number()
      .min(1)
      .max(100)
      .optional()
      .describe("Share of the GPU's multiprocessors that each copy gets under MPS."),
    flags: flags.optional().describe('Flags that are different in this arrangement.'),
  })
  .describe('Engines on the GPUs.');

/** What a plan may name as its engine; `command` is a server of any kind with an OpenAI route. */
export const planEngines = [
  'vllm',
  'sglang',
  'tgi',
  'trtllm',
  'triton',
  'llama-cpp',
  'transformers',
  'command',
] as const;

const search = z
  .strictObject({
    flag: z.string().min(1).describe('A flag, or concurrency, or requestsPerSecond.'),
    goal: z
      .enum(['smallest-that-starts', 'largest-that-starts', 'largest-within-slo', 'knee'])
      .describe(
        'What is looked for. largest-within-slo needs slo; knee: where more load gains little throughput.',
      ),
    from: z.number().optional().describe('Smallest candidate.'),
    to: z.number().optional().describe('Largest candidate.'),
    step: z.number().positive().optional().describe('Between candidates. Default: 1.'),
    values: z.array(z.number()).min(2).optional().describe('Candidates, instead of from, to and step.'),
  })
  .describe('A value that is looked for. Only some of its candidates are run.');

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
      .array(z.string().regex(/^[^-\s]\S*$/, 'a host is one word, and does not begin with a dash'))
      .min(1)
      .describe(
        'Where it runs: names of your SSH configuration, or this-machine. The whole plan runs on each of them.',
      ),
    gpu: z
      .string()
      .min(1)
      .optional()
      .describe(
        'GPU that predictions and rehearsals count with. A measured run counts with the one it finds.',
      ),
    gpuCount: z
      .union([positiveInteger, z.array(positiveInteger).min(1)], {
        error: 'gpuCount is a whole number of at least 1, or a list of them',
      })
      .default(1)
      .describe('GPUs that an engine gets. Each value of a list is a part of the grid.'),
    gpuIndices: z
      .array(z.number().int().min(0))
      .min(1)
      .optional()
      .describe('Which GPUs of the host. Default: the first ones.'),
    allowForeignProcesses: z
      .boolean()
      .optional()
      .describe('true: run though processes of others are on the GPUs. They disturb what is measured.'),
    scheduler: z
      .strictObject({
        type: z.literal('slurm'),
        partition: schedulerWords.partition.describe('Partition (queue).'),
        gres: schedulerWords.gres.describe('Generic resources: gpu:h100:1. Default: gpu:<gpuCount>.'),
        time: schedulerWords.time.describe('Time limit of a job: "04:00:00". In quotes.'),
        account: schedulerWords.account.describe('Account that is charged.'),
        cpus: positiveInteger
          .optional()
          .describe(
            'CPU cores of a task, for engine and load generator. Default: what the partition gives, often one.',
          ),
        memory: z
          .string({ error: 'a size is a text: write it in quotes, "64G"' })
          .regex(/^\d+[KMGT]?$/, 'a size of Slurm: 64G; without a letter it counts MiB')
          .optional()
          .describe('Memory of a task: "64G". Default: what the partition gives.'),
        arrayLimit: positiveInteger.optional().describe('Array tasks that run at once, at most.'),
      })
      .optional()
      .describe('Cluster scheduler that hands out the GPUs.'),
    engine: z.strictObject({
      name: z
        .enum(planEngines, { error: `an engine is ${planEngines.join(', ')}` })
        .describe('Engine. command: a server of any other kind, by launch.command and launch.healthPath.'),
      version: z
        .string({ error: 'a version is a text: write it in quotes, "0.26.0"' })
        .optional()
        .describe('Version whose defaults and memory accounting predictions use. In quotes.'),
      launch: launch.optional(),
      arrangements: z
        .array(arrangement)
        .min(1)
        .optional()
        .describe(
          'Engines side by side on the same GPUs: each arrangement is a part of the grid. Default: one.',
        ),
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
    search: search.optional(),
    exclude: z
      .array(z.record(z.string(), flagScalar))
      .default([])
      .describe(
        'Combinations to leave out: every flag named (and concurrency, requestsPerSecond, gpuCount, copies, sharing) must match.',
      ),
    predictedNotToFit: z
      .enum(['skip', 'probe'])
      .default('skip')
      .describe('Cells that are predicted not to fit: left out, or tried all the same.'),
    load: z.array(loadProfileSchema).min(1).describe('Loads that each engine is put under.'),
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
    gpuDollarsPerHour: z
      .number()
      .positive()
      .optional()
      .describe('What a GPU costs you an hour, US dollars. Default: a list price, where one is known.'),
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
        failures: positiveInteger
          .optional()
          .describe('The run ends when so many cells have failed. Default: it goes on.'),
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
