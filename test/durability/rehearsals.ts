/** Plans whose rehearsal takes a second or two: a grid, and a search of an engine's starts. */
import { expandSweep } from '../../src/core/sweep/cells.ts';
import type { CellRequest, RunRequest } from '../../src/protocol/agent.ts';
import { planContext, prepareRun } from '../../src/protocol/runRequest.ts';
import { resolveModel } from '../../src/storage/modelFolder.ts';
import { parseSweepPlan } from '../../src/text/sweepPlan.ts';

const head = (name: string) => `name: ${name}
hosts: [loopback]
gpu: h100-sxm-80gb
engine: { name: vllm, version: "0.26.0" }
model: meta-llama/Llama-3.2-1B-Instruct
telemetry: { intervalMs: 100 }
`;

export const plans = {
  grid: `${head('grid')}deployment: { flags: { max-model-len: 4096 } }
matrix: { max-num-seqs: [8, 16] }
load:
  - { concurrency: [2, 4, 8], requests: 40, warmupRequests: 2, input: 20, output: 8 }
`,
  search: `${head('search')}deployment: { flags: { max-model-len: 4096 } }
search: { flag: gpu-memory-utilization, goal: smallest-that-starts, from: 0.02, to: 0.24, step: 0.02 }
load:
  - { concurrency: 4, requests: 40, warmupRequests: 2, input: 20, output: 8 }
`,
} as const;

export type PlanName = keyof typeof plans;

/** As `loadline sweep --rehearse` makes it, with engines that start and answer at once. */
export async function rehearsalOf(name: PlanName, run: string, host: string): Promise<RunRequest> {
  const planText = plans[name];
  const { plan, model, context } = await contextOf(planText);
  const { cells, searches } = must(expandSweep(plan, context));
  const { request } = must(
    prepareRun({
      plan,
      planText,
      cells,
      searches,
      context,
      host,
      startedAt: new Date(0),
      loadlineVersion: '0.0.0',
      gitCommit: null,
    }),
  );
  const environment = request.environment as { readonly context: Readonly<Record<string, unknown>> };
  if (model === null) throw new Error('the model is not known');
  return {
    ...request,
    run,
    environment: { ...environment, context: { ...environment.context, run } },
    telemetry: { intervalMs: 100, device: { kind: 'recorded', name: 'h200-2026-11-static-batch' } },
    leaseSeconds: 600,
    cells: request.cells.map(compressed),
  };
}

async function contextOf(text: string) {
  const { result } = parseSweepPlan(text);
  const plan = must(result);
  const model = must(await resolveModel(plan.model, []));
  return { plan, model, context: must(planContext(plan, { mode: 'rehearsal', model, probe: null })) };
}

function compressed(cell: CellRequest): CellRequest {
  const { engine } = cell;
  if (engine.kind !== 'simulated') throw new Error('a rehearsal starts simulated engines');
  const step = { baseMs: 2, perSequenceMs: 0.1, perKvTokenMs: 0, perPrefillTokenMs: 0.01 };
  const parameters = { ...engine.parameters, startupSeconds: 0.02, step };
  return { ...cell, engine: { ...engine, parameters } };
}

function must<T>(
  result:
    | { readonly ok: true; readonly value: T }
    | { readonly ok: false; readonly problems: readonly { readonly message: string }[] },
): T {
  if (result.ok) return result.value;
  throw new Error(result.problems.map(({ message }) => message).join(' '));
}
