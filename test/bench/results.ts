import type { JournalEntry } from '../../src/core/sweep/journal.ts';
import { type RunContext, resultsFromJournal } from '../../src/core/sweep/results.ts';
import type { Cell } from '../../src/core/sweep/run.ts';
import { closedLoop } from '../unit/sweep/simulatedLoad.ts';

/** Results of a run of many cells from its journal: from nothing, again when one more cell is done, and what a cell costs of a small run. */
export function benchResults(cells: number): {
  readonly firstMs: number;
  readonly againMs: number;
  readonly perCellRatio: number;
} {
  const small = timed(cells / 10);
  const large = timed(cells);
  return { ...large, perCellRatio: large.firstMs / cells / (small.firstMs / (cells / 10)) };
}

function timed(cells: number): { readonly firstMs: number; readonly againMs: number } {
  const { context, records } = madeRun(cells);
  return {
    firstMs: cpuMs(() => resultsFromJournal(context, records)),
    againMs: cpuMs(() => resultsFromJournal(context, records)),
  };
}

function cpuMs(work: () => void): number {
  const started = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

/** A simulated run: every cell has the same trial of 160 requests at 16 in flight, in an object of its own. */
function madeRun(count: number): { readonly context: RunContext; readonly records: readonly JournalEntry[] } {
  const measurement = closedLoop({ concurrency: 16, requests: 160, seed: 1, stepMs: 10 });
  const cells = Array.from({ length: count }, (_, at): Cell => {
    const utilization = (at % 100) / 100;
    const sequences = Math.floor(at / 100);
    return {
      id: `cell-${at}`,
      label: `gpu-memory-utilization ${utilization}, max-num-seqs ${sequences}, concurrency 16`,
      engineKey: `engine-${at}`,
      flags: { 'gpu-memory-utilization': utilization, 'max-num-seqs': sequences },
      load: {
        profile: 'closed-loop',
        concurrency: 16,
        requests: 160,
        warmupRequests: 32,
        input: { kind: 'fixed', tokens: 200 },
        output: { kind: 'normal', mean: 100, deviation: 10 },
        api: 'completions',
        prompt: 'token-ids',
        seed: 1,
      },
      prediction: null,
      skipped: false,
      expectedSeconds: 1,
    };
  });
  const records = cells.flatMap(({ id }, at): JournalEntry[] => [
    {
      type: 'trial-measured',
      cell: id,
      trial: 0,
      simulated: true,
      measurement: { ...measurement },
      seq: 2 * at,
      wallMs: at,
    },
    { type: 'cell-done', cell: id, seq: 2 * at + 1, wallMs: at },
  ]);
  records.push({ type: 'run-finished', outcome: 'completed', message: null, seq: 2 * count, wallMs: count });
  const context: RunContext = {
    run: 'bench-simulated',
    name: 'bench',
    mode: 'rehearsal',
    host: 'none',
    engine: { name: 'vllm', version: null },
    model: 'none',
    device: 'h100-sxm-80gb',
    question: 'memory-limit',
    serviceLevel: null,
    repeats: 1,
    cells,
  };
  return { context, records };
}
