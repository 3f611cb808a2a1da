/** environment.json of a run folder: the client's part, as it is sent with the run, and what is shown of it with the host's. */
import * as z from 'zod';
import { failure, type Result, success } from '../core/result.ts';
import type { RunContext } from '../core/sweep/results.ts';
import type {
  Arrangement,
  Cell,
  LoadProfile,
  PredictedCell,
  Search,
  ServiceLevel,
} from '../core/sweep/run.ts';
import { parseHostJson } from './hostJson.ts';

/** What the client puts into RunRequest.environment. The agent adds host, agent and simulated beside it. */
export interface ClientEnvironment {
  readonly schema: 1;
  /** Version of Loadline. */
  readonly loadline: string;
  /** Commit of the folder that the plan is in; null where it is in no repository. */
  readonly gitCommit: string | null;
  /** Everything that results are made with, beside the journal. */
  readonly context: RunContext;
  /** Command lines of the engines that the run starts, in order; empty in a rehearsal. */
  readonly commands: readonly (readonly string[])[];
}

/** Host facts in words: what a report lists under "what was run". */
export interface RunEnvironment extends ClientEnvironment {
  readonly facts: readonly (readonly [name: string, value: string])[];
}

const flagValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]);
const flags = z.record(z.string(), flagValue);
const count = z.number().int().nonnegative();
const lengths = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('fixed'), tokens: z.number() }),
  z.object({ kind: z.literal('normal'), mean: z.number(), deviation: z.number() }),
  z.object({ kind: z.literal('uniform'), least: z.number(), most: z.number() }),
  z.object({ kind: z.literal('lognormal'), mean: z.number(), deviation: z.number() }),
  z.object({ kind: z.literal('empirical'), values: z.array(z.number()) }),
]);
const number = z.exactOptional(z.number());
const loadBase = {
  requests: count,
  seconds: number,
  warmupRequests: count,
  input: lengths,
  output: lengths,
  api: z.enum(['completions', 'chat']),
  prompt: z.enum(['token-ids', 'text']),
  seed: count,
  sharedPrefix: z.exactOptional(z.object({ tokens: count, groups: count })),
  turns: z.exactOptional(z.object({ count, thinkMs: number })),
  processes: z.exactOptional(count),
  stream: z.exactOptional(z.literal(false)),
};
const load: z.ZodType<LoadProfile> = z.discriminatedUnion('profile', [
  z.object({ profile: z.literal('closed-loop'), concurrency: count, rampSeconds: number, ...loadBase }),
  z.object({
    profile: z.literal('open-loop'),
    requestsPerSecond: z.number(),
    arrivals: z.enum(['poisson', 'constant', 'gamma', 'burst']),
    burstiness: number,
    maxConcurrency: z.exactOptional(count),
    ramp: z.exactOptional(
      z.object({
        fromRequestsPerSecond: z.number(),
        seconds: z.number(),
        shape: z.enum(['linear', 'exponential']),
      }),
    ),
    ...loadBase,
  }),
  z.object({
    profile: z.literal('trace'),
    entries: z.array(
      z.object({
        atMs: z.number(),
        inputTokens: count,
        outputTokens: count,
        session: z.exactOptional(count),
      }),
    ),
    speed: number,
    ...loadBase,
  }),
  z.object({ profile: z.literal('offline'), ...loadBase }),
]);
const arrangement: z.ZodType<Arrangement> = z.object({
  copies: count,
  sharing: z.exactOptional(z.enum(['time-slicing', 'mps'])),
  memoryLimitBytes: number,
  threadPercentage: number,
});

const predictedFigure = z.object({ value: z.number(), low: z.number(), high: z.number() });
const predictedCell: z.ZodType<PredictedCell> = z.object({
  kvTokens: z.number(),
  ttftMs: z.exactOptional(predictedFigure),
  tpotMs: z.exactOptional(predictedFigure),
  systemTokensPerSecond: z.exactOptional(predictedFigure),
  bound: z.exactOptional(z.enum(['bandwidth', 'kv-traffic', 'compute', 'launch', 'kv', 'interconnect'])),
});

const cell: z.ZodType<Cell> = z.object({
  id: z.string(),
  label: z.string(),
  engineKey: z.string(),
  flags,
  load,
  prediction: z
    .object({
      outcome: z.enum(['fits', 'tight', 'does-not-fit', 'unknown']),
      reason: z.string(),
      figures: z.exactOptional(predictedCell),
      memory: z.exactOptional(
        z.array(
          z.object({ term: z.string(), bytes: z.number(), lowBytes: z.number(), highBytes: z.number() }),
        ),
      ),
      resolved: z.exactOptional(flags),
    })
    .nullable(),
  skipped: z.boolean(),
  expectedSeconds: z.number(),
  expectedStartSeconds: number,
  gpuCount: z.exactOptional(count),
  arrangement: z.exactOptional(arrangement),
});

const serviceLevel: z.ZodType<ServiceLevel> = z.object({
  ttftP95Ms: number,
  tpotP95Ms: number,
  perQueryTokensPerSecond: number,
});
const search: z.ZodType<Search> = z.object({
  id: z.string(),
  label: z.string(),
  cells: z.array(z.string()),
  goal: z.discriminatedUnion('kind', [
    z.object({ kind: z.enum(['smallest-that-starts', 'largest-that-starts']) }),
    z.object({ kind: z.literal('largest-within-slo'), limits: serviceLevel }),
    z.object({ kind: z.literal('knee'), gain: number }),
  ]),
  flag: z.exactOptional(z.string()),
  expected: z.exactOptional(z.string()),
});
const context: z.ZodType<RunContext> = z.object({
  run: z.string(),
  name: z.string(),
  mode: z.enum(['measured', 'rehearsal']),
  host: z.string(),
  engine: z.object({ name: z.string(), version: z.string().nullable() }),
  model: z.string(),
  device: z.string(),
  question: z.enum(['memory-limit', 'cost', 'chat', 'batch-parallel', 'mps']).nullable(),
  serviceLevel: serviceLevel.nullable(),
  repeats: count,
  gpuDollarsPerHour: number,
  cells: z.array(cell),
  searches: z.exactOptional(z.array(search)),
});

const hostFacts = z
  .object({
    hostname: z.string(),
    os: z.string(),
    python: z.string(),
    cpuCount: z.number(),
    driver: z.string().nullable(),
    cuda: z.string().nullable(),
    gpuSource: z.string(),
    gpus: z.array(z.object({ index: z.number(), name: z.string() })),
  })
  .partial();

const document = z.object({
  schema: z.literal(1),
  loadline: z.string(),
  gitCommit: z.string().nullable(),
  context,
  commands: z.array(z.array(z.string())),
  host: hostFacts.optional(),
  agent: z.object({ version: z.string(), protocol: z.number() }).partial().optional(),
});

/** environment.json as text. Problems: `run.environment-torn` (its copy is not whole yet), `run.environment` (of a run that something else started). */
export function readRunEnvironment(text: string): Result<RunEnvironment> {
  let value: unknown;
  try {
    value = parseHostJson(text);
  } catch {
    return failure({
      code: 'run.environment-torn',
      message: 'environment.json of the run is no JSON: its copy is torn. Follow the run again.',
    });
  }
  const parsed = document.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') || 'it';
    return failure({
      code: 'run.environment',
      message: `environment.json of the run cannot be used: ${where}: ${issue?.message ?? 'wrong'}. Loadline did not start this run, or another version of it did.`,
    });
  }
  const { host, agent, ...client } = parsed.data;
  return success({ ...client, facts: factsOf(client, host ?? {}, agent?.version) });
}

function factsOf(
  client: ClientEnvironment,
  host: z.infer<typeof hostFacts>,
  agentVersion: string | undefined,
): (readonly [string, string])[] {
  const gpus = host.gpus?.map(({ index, name }) => `${index}: ${name}`).join(', ');
  const rows: readonly (readonly [string, string | null | undefined])[] = [
    ['Host name', host.hostname],
    ['Operating system', host.os],
    ['CPUs', host.cpuCount?.toString()],
    ['GPUs of the host', gpus === '' ? 'none' : gpus],
    ['GPU telemetry', host.gpuSource],
    ['Driver', host.driver],
    ['CUDA', host.cuda],
    ['Python of the agent', host.python],
    ['Loadline', client.loadline],
    ['Agent', agentVersion],
    ['Commit of the plan', client.gitCommit],
  ];
  return rows.flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name, value] as const],
  );
}
