import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EstimateRequest } from '../../../src/core/estimate/types.ts';
import { compareRuns } from '../../../src/core/sweep/compare.ts';
import { cellInterval } from '../../../src/core/sweep/repeats.ts';
import type { CellResult, RunResults } from '../../../src/core/sweep/run.ts';
import { isInconsistent } from '../../../src/core/sweep/usable.ts';
import { CellChanges } from '../../../src/extension/panels/cellChanges.ts';
import { otherRuns } from '../../../src/extension/panels/otherRuns.ts';
import { sentCells, sentResults } from '../../../src/extension/panels/slimCells.ts';
import { configFixes, findingsOf } from '../../../src/extension/runs/findings.ts';
import { readRunTelemetry } from '../../../src/extension/runs/runTelemetry.ts';
import type { RunView } from '../../../src/extension/runs/runView.ts';
import { cellLabel, runChildren, searchCells } from '../../../src/extension/views/runNodes.ts';
import { cellFigures } from '../../../webview/sweep/cellFigures.ts';
import { metrics } from '../../../webview/sweep/metrics.ts';
import { initialState, received } from '../../../webview/sweep/state.ts';
import {
  cellResult,
  loadResult,
  memoryLimitResults,
  runResults,
  startedWallMs,
  sweepSnapshot,
  telemetryHeader,
  telemetryLines,
} from '../../webview/examples.ts';

const view = (results: RunResults): RunView => ({
  run: results.run,
  workspace: '/w',
  directory: `/w/.loadline/runs/${results.run}`,
  host: results.host,
  results,
  progress: null,
  connection: null,
});

describe('what a page is sent of a run', () => {
  const running = runResults({ outcome: 'running', answer: null });

  it('is the cells that changed', () => {
    const changes = new CellChanges();
    changes.start(running);
    expect(changes.take(structuredClone(running))).toEqual([]);
    const [first, ...rest] = running.cells;
    if (first === undefined) throw new Error('no cells');
    const next = { ...running, cells: [{ ...first, trials: [...first.trials, ...first.trials] }, ...rest] };
    expect(changes.take(next)).toEqual([next.cells[0]]);
    expect(changes.take(next)).toEqual([]);
  });

  it('is all of it with another run, and with the end of this one', () => {
    const changes = new CellChanges();
    changes.start(running);
    expect(changes.take({ ...running, run: 'another' })).toBeUndefined();
    expect(changes.take({ ...running, outcome: 'completed' })).toBeUndefined();
  });
});

describe('a run of very many cells', () => {
  const whole = memoryLimitResults();
  const many = {
    ...whole,
    cells: Array.from({ length: 200 }, (_, at) =>
      whole.cells.map((cell) => ({ ...cell, cell: `${at}-${cell.cell}` })),
    ).flat(),
  };

  it('is sent without what only a picked cell shows, and gives the same figures, states and places', () => {
    const sent = sentCells(many, many.cells);
    expect(JSON.stringify(sent).length).toBeLessThan(0.75 * JSON.stringify(many.cells).length);
    const rows = (cells: readonly CellResult[]) =>
      cellFigures({ ...many, cells }, { dollarsPerGpuHour: 2 }).map((row) => [
        row.standing,
        row.group,
        row.requestsOk,
        ...metrics.map(({ id }) => row.figure(id)),
      ]);
    expect(rows(sent)).toEqual(rows(many.cells));
  });

  it('comes to the page whole, as the one shown and as the one to compare with', () => {
    const sent = sentResults(many);
    expect(sent.results?.cells).toEqual([]);
    const shown = received(initialState, sweepSnapshot(sent));
    const wanted = { ...many, cells: sentCells(many, many.cells) };
    expect(shown.results).toEqual(wanted);
    const compared = received(shown, { type: 'compared-run', run: 'other', ...sent });
    expect(compared.compared?.results).toEqual(wanted);
    expect(received(initialState, sweepSnapshot(sentResults(whole))).results).toEqual(whole);
  });

  it('keeps the mark of a trial that cannot be true, and the intervals that differences are told by', () => {
    const errors = { systemTokensPerSecond: { standardError: 20, low: 958, high: 1042, batches: 20 } };
    const checks = {
      stationary: true,
      littleResidual: 0.2,
      consistent: false,
      clientBound: false,
      inputLengthMiss: null,
      outputLengthMiss: null,
      notes: [],
    };
    const runWith = (systemTokensPerSecond: number) => {
      const trials = [loadResult(8, { systemTokensPerSecond, errors })];
      const interval = cellInterval(trials);
      const cells = many.cells.map((cell, at) =>
        at === 1
          ? { ...cell, trials: [loadResult(8, { checks })] }
          : { ...cell, state: 'done' as const, trials, ...(interval === undefined ? {} : { interval }) },
      );
      return { ...many, cells };
    };
    const [first, second] = [runWith(1000), runWith(1100)];
    const slim = (run: RunResults) => ({ ...run, cells: sentCells(run, run.cells) });
    expect(isInconsistent(slim(first).cells[1] as CellResult)).toBe(true);
    const whole = compareRuns(first, second).cells[0]?.metrics.systemTokensPerSecond;
    expect(whole).toMatchObject({ verdict: 'higher', method: 'two-sample' });
    expect(compareRuns(slim(first), slim(second)).cells[0]?.metrics.systemTokensPerSecond).toEqual(whole);
  });

  it('is whole where its cells are few', () => {
    expect(sentCells(whole, whole.cells)).toBe(whole.cells);
  });
});

describe('runs to compare with', () => {
  it('have a cell of the same content, else of the same name, or the plan’s name', () => {
    const own = memoryLimitResults();
    const onAnotherHost = memoryLimitResults({ run: 'b', host: 'gpu-02' });
    const renamed = memoryLimitResults({
      run: 'c',
      name: 'renamed',
      cells: own.cells.slice(0, 3).map((cell) => ({ ...cell, cell: `other-${cell.cell}` })),
    });
    const stranger = runResults({ run: 'd', name: 'stranger' });
    const found = otherRuns(own, [own, onAnotherHost, renamed, stranger].map(view));
    expect(found.map(({ run, sharedCells }) => [run, sharedCells])).toEqual([
      ['b', 9],
      ['c', 3],
    ]);
    expect(found[0]).toMatchObject({ host: 'gpu-02', simulated: false });
  });
});

describe('the view of runs', () => {
  it('says in a cell’s label why it failed', () => {
    const failed = runResults().cells.at(-1);
    expect(failed && cellLabel(failed)).toBe('concurrency 128: OOM at capture');
    expect(cellLabel(cellResult(8))).toBe('concurrency 8');
  });

  it('has what a search tried and passed over under the search, and the rest beside it', () => {
    const results = memoryLimitResults();
    const [search] = results.searches ?? [];
    if (search === undefined) throw new Error('no search');
    const named = {
      ...results,
      cells: results.cells.map((cell) =>
        cell.passedOver === undefined
          ? cell
          : { ...cell, passedOver: { ...cell.passedOver, search: search.id } },
      ),
    };
    expect(searchCells(search, named.cells)).toHaveLength(7);
    expect(runChildren(named).cells.map(({ label }) => label)).toEqual([
      'gpu-memory-utilization 0.4',
      'gpu-memory-utilization 0.9',
    ]);
  });
});

describe('what a run found, in its plan', () => {
  const plan =
    'name: memory-limit\nmatrix:\n  gpu-memory-utilization: [0.2, 0.22, 0.9]\nload:\n  - concurrency: 16\n';
  const failed = memoryLimitResults().cells.filter(({ state }) => state === 'failed');

  it('stands at the value that failed, with the remedy first and leaving it out second', () => {
    const [first, second] = findingsOf(plan, failed);
    expect(plan.slice(first?.range.start, first?.range.end)).toBe('0.2');
    expect(plan.slice(second?.range.start, second?.range.end)).toBe('0.22');
    expect(first?.fixes.map(({ title, preferred }) => [title, preferred])).toEqual([
      ['Set gpu-memory-utilization to 0.24 (The cache needs 0.5 GiB)', true],
      ['Leave gpu-memory-utilization 0.2 out of the matrix', false],
    ]);
  });

  it('has its fix in the config that the plan was made from, for the deployment that serves its model', () => {
    const serves = (index: number, model: string, flags: Record<string, number> = {}) => {
      const request = {
        deployment: { engine: 'vllm', entrypoint: 'serve', model, flags },
      } as EstimateRequest;
      return { index, request };
    };
    const [finding] = findingsOf(plan, failed);
    if (finding === undefined) throw new Error('nothing was found');
    const model = 'meta-llama/Llama-3.1-8B-Instruct';
    const titles = (...deployments: Parameters<typeof configFixes>[3]) =>
      configFixes(finding, model, 'serve.sh', deployments).map(({ title, index, change }) => [
        title,
        index,
        change,
      ]);
    const utilization = { 'gpu-memory-utilization': 0.2 };
    expect(titles(serves(0, 'other/model'), serves(1, model, utilization))).toEqual([
      [
        'Set gpu-memory-utilization to 0.24 (The cache needs 0.5 GiB) in serve.sh too',
        1,
        { flag: 'gpu-memory-utilization', to: 0.24 },
      ],
    ]);
    expect(titles(serves(0, model, { 'gpu-memory-utilization': 0.24 }))).toEqual([]);
    // The plan swept it: the config never had the value that failed.
    expect(titles(serves(0, model, { 'gpu-memory-utilization': 0.9 }))).toEqual([]);
    expect(titles(serves(0, model, utilization), serves(1, model, utilization))).toEqual([]);
    expect(titles({ index: 0, request: null })).toEqual([]);
  });

  it('is gone with the value', () => {
    expect(findingsOf(plan.replace('0.2, 0.22, ', ''), failed)).toEqual([]);
  });
});

describe('the telemetry of a run', () => {
  const lines = [telemetryHeader(1), ...telemetryLines(1, 0, 400)];
  const results = runResults({
    cells: [
      cellResult(1, { startedWallMs: startedWallMs + 20_000, finishedWallMs: startedWallMs + 30_000 }),
      cellResult(2, { startedWallMs: null, finishedWallMs: null }),
    ],
  });
  const inFolder = async <T>(use: (folder: string) => Promise<T>): Promise<T> => {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-run-'));
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  it('of a cell is what was sampled while it ran, and a little around it, under its header', () =>
    inFolder(async (folder) => {
      const torn = '{"type":"telemetry","seq":4';
      await writeFile(
        join(folder, 'telemetry.jsonl'),
        `${lines.map((line) => JSON.stringify(line)).join('\n')}\n${torn}`,
      );
      const { host, notes, cell } = await readRunTelemetry(folder, results, 'cell-1');
      const times = (host?.lines ?? []).flatMap((line) => (line.type === 'telemetry' ? [line.wallMs] : []));
      expect(cell).toBe('cell-1');
      expect(host?.lines[0]?.type).toBe('telemetry-header');
      expect(Math.min(...times)).toBe(startedWallMs + 15_000);
      expect(Math.max(...times)).toBe(startedWallMs + 35_000);
      expect(notes).toEqual(['1 lines are no telemetry and left out.']);
      expect((await readRunTelemetry(folder, results, null)).host?.lines).toHaveLength(401);
    }));

  it('is none where nothing was sampled, and no error', () =>
    inFolder(async (folder) => {
      expect(await readRunTelemetry(folder, results, 'cell-1')).toEqual({
        type: 'run-telemetry',
        cell: 'cell-1',
        host: null,
        engine: [],
        notes: [],
      });
    }));

  it('has the engine’s own metrics of the time', () =>
    inFolder(async (folder) => {
      const at = (wallMs: number) => ({
        type: 'engine-metrics',
        monotonicMs: 0,
        wallMs,
        engineKey: 'k',
        instance: 0,
        running: 4,
        waiting: 0,
        kvUsage: 0.5,
        preemptions: 0,
        promptTokens: null,
        generationTokens: null,
        prefixCacheHits: null,
        prefixCacheQueries: null,
      });
      const metrics = [
        { type: 'metrics-header', schema: 1, names: [] },
        at(startedWallMs),
        at(startedWallMs + 25_000),
      ];
      await writeFile(
        join(folder, 'metrics.jsonl'),
        metrics.map((line) => `${JSON.stringify(line)}\n`).join(''),
      );
      const { engine } = await readRunTelemetry(folder, results, 'cell-1');
      expect(engine.map(({ wallMs }) => wallMs)).toEqual([startedWallMs + 25_000]);
    }));
});
