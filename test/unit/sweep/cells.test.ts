import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { knownModel } from '../../../src/core/model/known.ts';
import { expandPlan, expandSweep } from '../../../src/core/sweep/cells.ts';
import { type Content, contentHash } from '../../../src/core/sweep/contentHash.ts';
import { loadLevel } from '../../../src/core/sweep/load.ts';
import type { PlanContext } from '../../../src/core/sweep/planContext.ts';
import { runProgress } from '../../../src/core/sweep/progress.ts';
import type { RunContext } from '../../../src/core/sweep/results.ts';
import { asRehearsed, scheduleOf } from '../../../src/core/sweep/schedule.ts';
import type { KnownStart } from '../../../src/core/sweep/startTimes.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { planOf as anyPlan, chatPlan, mustBe, rehearsalContext } from './plans.ts';

const planOf = (text: string) => mustBe(parseSweepPlan(text).result);
const cellsOf = (text: string, context = rehearsalContext) => mustBe(expandPlan(planOf(text), context));
const matrixPlan = chatPlan.replace(
  'load:',
  'matrix:\n  max-num-seqs: [64, 128]\n  gpu-memory-utilization: [0.5, 0.9]\nload:',
);

describe('cells', () => {
  it('are the product of matrix and load, with what sets each apart as its label', () => {
    const cells = cellsOf(matrixPlan);
    expect(cells).toHaveLength(2 * 2 * 3);
    expect(new Set(cells.map(({ id }) => id)).size).toBe(12);
    expect(cells[0]?.label).toBe('max-num-seqs 64, gpu-memory-utilization 0.5, concurrency 1');
    expect(cells[0]?.flags).toEqual({
      'max-model-len': 4096,
      'max-num-seqs': 64,
      'gpu-memory-utilization': 0.5,
    });
  });

  it('start each engine once: its loads stand together', () => {
    const keys = cellsOf(matrixPlan).map(({ engineKey }) => engineKey);
    const starts = keys.filter((key, at) => key !== keys[at - 1]);
    expect(starts).toHaveLength(new Set(keys).size);
    expect(starts).toHaveLength(4);
  });

  it('keep their ids when the plan is written in another order, and change them with the content', () => {
    const reordered = matrixPlan
      .replace(
        '  max-num-seqs: [64, 128]\n  gpu-memory-utilization: [0.5, 0.9]',
        '  gpu_memory_utilization: [0.9, 0.5]\n  max-num-seqs: [128, 64]',
      )
      .replace('[1, 2, 4]', '[4, 2, 1]')
      .replace('name: chat-test', 'name: other-name');
    const ids = (text: string) =>
      cellsOf(text)
        .map(({ id }) => id)
        .sort();
    expect(ids(reordered)).toEqual(ids(matrixPlan));
    expect(ids(matrixPlan.replace('4096', '4097'))).not.toEqual(ids(matrixPlan));
    const [first] = cellsOf(matrixPlan);
    expect(first?.id).toMatch(/^[0-9a-f]{16}$/);
  });

  it('that exclude names are left out, by flags and by concurrency', () => {
    const excluding = `${matrixPlan}exclude:\n  - { max-num-seqs: 64, concurrency: 4 }\n  - { gpu_memory_utilization: 0.5, max-num-seqs: 128 }\n`;
    const labels = cellsOf(excluding).map(({ label }) => label);
    expect(labels).toHaveLength(12 - 2 - 3);
    expect(labels).not.toContainEqual(
      expect.stringContaining('64, gpu-memory-utilization 0.9, concurrency 4'),
    );
    expect(
      expandPlan(
        planOf(`${chatPlan}exclude: [{ concurrency: 1 }, { concurrency: 2 }, { concurrency: 4 }]\n`),
        rehearsalContext,
      ),
    ).toMatchObject({
      ok: false,
      problems: [{ code: 'plan.no-cells' }],
    });
  });

  it('that are predicted not to fit are skipped, or tried where the plan says so', () => {
    const small = chatPlan.replace(
      'max-model-len: 4096',
      'max-model-len: 4096\n    gpu-memory-utilization: 0.02',
    );
    const skipped = cellsOf(small);
    expect(skipped.every((cell) => cell.skipped && cell.prediction?.outcome === 'does-not-fit')).toBe(true);
    expect(skipped.every(({ expectedSeconds }) => expectedSeconds === 0)).toBe(true);
    const probed = cellsOf(`${small}predictedNotToFit: probe\n`);
    expect(probed.some((cell) => cell.skipped)).toBe(false);
    expect(probed[0]?.prediction?.outcome).toBe('does-not-fit');
  });

  it('have no prediction without a model or a device, and are run all the same', () => {
    for (const cell of cellsOf(chatPlan, { ...rehearsalContext, model: null })) {
      expect(cell.prediction).toBeNull();
      expect(cell.skipped).toBe(false);
      expect(cell.expectedSeconds).toBeGreaterThan(0);
    }
  });

  it('ask for enough requests to certify a p95, and for ten in each place in flight', () => {
    const cells = cellsOf(chatPlan.replace('    requests: 140\n', '').replace('[1, 2, 4]', '[1, 64]'));
    expect(cells.map(({ load }) => load.requests)).toEqual([200, 640]);
    expect(cells.map(({ load }) => load.warmupRequests)).toEqual([2, 128]);
  });

  it.each([
    ['with a prediction', rehearsalContext],
    ['without one', { ...rehearsalContext, model: null }],
  ])('whose requests are longer than the context are a problem at their load, %s', (_, context) => {
    const withInput = (tokens: number) =>
      planOf(chatPlan.replace('slo:', `  - { concurrency: [1, 2], input: ${tokens}, output: 96 }\nslo:`));
    expect(expandPlan(withInput(4001), context)).toMatchObject({
      ok: false,
      problems: [
        {
          code: 'plan.longer-than-context',
          path: ['load', 1, 'input'],
          message: expect.stringContaining('4001 tokens in and 96 out'),
        },
      ],
    });
    expect(expandPlan(withInput(4000), context).ok).toBe(true);
  });

  it('that are not run may be of any length', () => {
    const text = chatPlan.replace(
      'max-model-len: 4096',
      'max-model-len: 100\n    gpu-memory-utilization: 0.02',
    );
    expect(cellsOf(text).every(({ skipped }) => skipped)).toBe(true);
  });

  it('that are written twice run once', () => {
    const result = expandPlan(planOf(chatPlan.replace('[1, 2, 4]', '[1, 2, 2]')), rehearsalContext);
    expect(mustBe(result)).toHaveLength(2);
    expect(result).toMatchObject({ warnings: [{ code: 'plan.duplicate-cell' }] });
  });

  it('are expected to take longer with more repeats, and shorter with more in flight', () => {
    const once = cellsOf(chatPlan);
    const thrice = cellsOf(`${chatPlan}repeats: 3\n`);
    const seconds = (cells: typeof once) => cells.map(({ expectedSeconds }) => expectedSeconds);
    for (const [at, value] of seconds(once).entries()) expect(seconds(thrice)[at]).toBeGreaterThan(value);
    expect(seconds(once)[1]).toBeLessThan(seconds(once)[0] ?? 0);
  });

  it('bear the start of their engine once, whichever comes first', () => {
    const seconds = (text: string) => cellsOf(text).map(({ expectedSeconds }) => expectedSeconds);
    const [firstOfPair, secondOfPair] = seconds(chatPlan.replace('[1, 2, 4]', '[2, 4]'));
    const [aloneSecond] = seconds(chatPlan.replace('[1, 2, 4]', '[4]'));
    expect((aloneSecond ?? 0) - (secondOfPair ?? 0)).toBeCloseTo(2, 9);
    const twoEngines = seconds(matrixPlan.replace('[1, 2, 4]', '[2, 4]').replace('[0.5, 0.9]', '[0.9]'));
    expect(twoEngines[0]).toBeCloseTo(firstOfPair ?? 0, 6);
    expect(twoEngines[2]).toBeCloseTo(firstOfPair ?? 0, 6);
  });

  it('beyond ten thousand are refused before they are made', () => {
    const many = Array.from({ length: 200 }, (_, at) => at + 1).join(', ');
    const text = chatPlan.replace(
      'load:',
      `matrix:\n  max-num-seqs: [${many}]\n  block-size: [${many}]\nload:`,
    );
    expect(expandPlan(planOf(text), rehearsalContext)).toMatchObject({
      ok: false,
      problems: [{ code: 'plan.too-many-cells' }],
    });
  });
});

describe('the content hash', () => {
  it('is FNV-1a with 64 bits over the UTF-16 of canonical JSON, and stays so: ids are kept in run folders', () => {
    expect(contentHash('')).toBe('8e2b418583d899c5');
    expect(contentHash({ b: [1, 'é'], a: null })).toBe('841a6cfa424b8345');
    expect(contentHash([1, 2])).not.toBe(contentHash([2, 1]));
  });

  it('tells contents apart and does not depend on the order of keys', () => {
    const content = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    );
    fc.assert(
      fc.property(content, content, (a, b) => {
        const reversed = Object.fromEntries(Object.entries(a).reverse());
        expect(contentHash(reversed)).toBe(contentHash(a));
        const same = JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
        expect(contentHash(a as Content) === contentHash(b as Content)).toBe(same);
      }),
    );
  });
});

describe('a grid with more than flags and concurrency', () => {
  const grid = (text: string) => mustBe(expandSweep(anyPlan(text), rehearsalContext));

  it('keeps the ids that earlier versions gave', () => {
    const text = `name: a
hosts: [h]
engine: { name: vllm, version: "0.26.0", environment: { A: b }, launch: { command: [vllm, serve] } }
model: meta-llama/Llama-3.2-1B-Instruct
gpuCount: 2
deployment: { flags: { max-model-len: 4096, tensor-parallel-size: 2 } }
matrix: { max-num-seqs: [64] }
load:
  - { concurrency: 1, requests: 150, input: { mean: 200, deviation: 40 }, output: 100 }
  - { concurrency: 4, requests: 10, warmupRequests: 1, api: chat, seed: 7, input: 20, output: 100 }
`;
    expect(grid(text).cells.map(({ id, engineKey }) => `${id} ${engineKey}`)).toEqual([
      'c586234082a2835a 68f37f2682d37cbe',
      '1b34955c6d7399f0 68f37f2682d37cbe',
    ]);
  });

  it('varies GPUs and arrangements, and says what sets a cell apart', () => {
    const { cells } = grid(
      chatPlan
        .replace(
          '"0.26.0"',
          '"0.26.0", arrangements: [{}, { copies: 2, flags: { gpu_memory_utilization: 0.4 } }]',
        )
        .replace('gpu: h', 'gpuCount: [1, 2]\ngpu: h')
        .replace('[1, 2, 4]', '4'),
    );
    expect(cells.map(({ label }) => label)).toEqual([
      '1 GPU, 1 copy, concurrency 4',
      '1 GPU, 2 copies time-sliced, gpu-memory-utilization 0.4, concurrency 4',
      '2 GPUs, 1 copy, concurrency 4',
      '2 GPUs, 2 copies time-sliced, gpu-memory-utilization 0.4, concurrency 4',
    ]);
    expect(cells.map(({ gpuCount }) => gpuCount)).toEqual([1, 1, 2, 2]);
    expect(cells.map(({ flags }) => flags['tensor-parallel-size'])).toEqual([undefined, undefined, 2, 2]);
    expect(cells[1]?.arrangement).toEqual({ copies: 2, sharing: 'time-slicing' });
  });

  it('predicts that copies do not fit side by side where each asks for most of the GPU', () => {
    const { cells } = grid(
      chatPlan
        .replace(
          '"0.26.0"',
          '"0.26.0", arrangements: [{}, { copies: 2 }, { copies: 2, flags: { gpu-memory-utilization: 0.4 } }]',
        )
        .replace('[1, 2, 4]', '4'),
    );
    expect(cells.map(({ prediction }) => prediction?.outcome)).toEqual(['fits', 'does-not-fit', 'fits']);
    expect(cells[1]?.prediction?.reason).toMatch(/free|GiB/);
  });

  it('predicts what an engine finds under the memory limit of MPS, where the total stays that of the GPU', () => {
    const under = (share: number) =>
      grid(
        chatPlan
          .replace(
            '"0.26.0"',
            `"0.26.0", arrangements: [{ copies: 2, sharing: mps, memoryGiB: 20, flags: { gpu-memory-utilization: ${share} } }]`,
          )
          .replace('[1, 2, 4]', '4'),
      ).cells[0]?.prediction?.outcome;
    expect([under(0.2), under(0.3)]).toEqual(['fits', 'does-not-fit']);
  });

  it('lets parallel flags say how many GPUs there are', () => {
    const { cells } = grid(
      chatPlan.replace('load:', 'matrix: { tensor-parallel-size: [1, 2] }\nload:').replace('[1, 2, 4]', '1'),
    );
    expect(cells.map(({ gpuCount }) => gpuCount)).toEqual([1, 2]);
  });

  it('has a search for each combination, over ordered candidates, the predicted one named', () => {
    const text = `${chatPlan.replace('load:', 'matrix: { max-num-seqs: [8, 256] }\nload:').replace('[1, 2, 4]', '1')}search: { flag: gpu-memory-utilization, goal: smallest-that-starts, from: 0.02, to: 0.1, step: 0.02 }\n`;
    const { cells, searches } = grid(text);
    expect(cells).toHaveLength(10);
    // What is predicted not to start is what is asked: it is not left out.
    expect(cells.some(({ skipped }) => skipped)).toBe(false);
    expect(searches.map(({ label }) => label)).toEqual([
      'gpu-memory-utilization, max-num-seqs 8',
      'gpu-memory-utilization, max-num-seqs 256',
    ]);
    const flagsOf = new Map(cells.map(({ id, flags }) => [id, flags]));
    for (const { cells: candidates, expected } of searches) {
      const values = candidates.map((id) => flagsOf.get(id)?.['gpu-memory-utilization']);
      expect(values).toEqual([0.02, 0.04, 0.06, 0.08, 0.1]);
      const at = candidates.indexOf(expected ?? '');
      const fits = cells
        .filter(({ id }) => candidates.includes(id))
        .map(({ prediction }) => prediction?.outcome);
      expect(fits.slice(0, at).every((outcome) => outcome === 'does-not-fit')).toBe(true);
      expect(fits[at]).not.toBe('does-not-fit');
    }
  });

  it('searches for a load level within one engine start', () => {
    const text = `${chatPlan.replace('concurrency: [1, 2, 4]', 'requests: 200').replace('    requests: 140\n', '')}search: { flag: concurrency, goal: largest-within-slo, values: [64, 1, 8] }\n`;
    const { cells, searches } = grid(text);
    expect(new Set(cells.map(({ engineKey }) => engineKey)).size).toBe(1);
    expect(searches).toMatchObject([
      {
        label: 'concurrency',
        goal: { kind: 'largest-within-slo', limits: { ttftP95Ms: 500 } },
        flag: 'concurrency',
      },
    ]);
    const level = new Map(cells.map(({ id, load }) => [id, loadLevel(load).value]));
    expect(searches[0]?.cells.map((id) => level.get(id))).toEqual([1, 8, 64]);
  });

  it('has open loops, batches and traces', () => {
    const text = chatPlan.replace(
      /load:[\s\S]*slo/,
      `load:
  - { profile: open-loop, requestsPerSecond: [2, 8], input: 10, output: 10 }
  - { profile: offline, requests: [16, 32], input: { values: [5, 7] }, output: 1 }
  - { profile: trace, trace: day.jsonl, speed: [1, 4] }
slo`,
    );
    const entries = [
      { atMs: 0, inputTokens: 10, outputTokens: 2 },
      { atMs: 60_000, inputTokens: 30, outputTokens: 4 },
    ];
    const context = { ...rehearsalContext, traces: new Map([['day.jsonl', entries]]) };
    const { cells } = mustBe(expandSweep(anyPlan(text), context));
    expect(cells.map(({ load }) => [loadLevel(load).axis, loadLevel(load).value, load.requests])).toEqual([
      ['requestsPerSecond', 2, 200],
      ['requestsPerSecond', 8, 480],
      ['offline', null, 16],
      ['offline', null, 32],
      ['trace', 1, 2],
      ['trace', 4, 2],
    ]);
    expect(cells[4]?.expectedSeconds).toBeGreaterThan(4 * 12);
    expect(expandSweep(anyPlan(text), rehearsalContext)).toMatchObject({
      ok: false,
      problems: [{ code: 'plan.trace-unread', path: ['load', 2, 'trace'] }],
    });
  });

  it('leaves out what exclude names of GPUs, copies and rates', () => {
    const text = chatPlan
      .replace('"0.26.0"', '"0.26.0", arrangements: [{}, { copies: 2 }]')
      .replace('load:', 'exclude: [{ copies: 2, concurrency: 4 }]\npredictedNotToFit: probe\nload:');
    expect(grid(text).cells).toHaveLength(5);
  });
});

it('a run that searches has as much left as the search takes, and less with each step', () => {
  const text = `${chatPlan.replace('[1, 2, 4]', '1')}search: { flag: gpu-memory-utilization, goal: smallest-that-starts, from: 0.1, to: 0.7, step: 0.1 }\n`;
  const { cells, searches } = mustBe(expandSweep(anyPlan(text), rehearsalContext));
  const context: RunContext = {
    ...{
      run: 'r',
      name: 'n',
      mode: 'rehearsal',
      host: 'h',
      engine: { name: 'vllm', version: null },
      model: 'm',
    },
    ...{ device: 'd', question: null, serviceLevel: null, repeats: 1, cells, searches },
  };
  const done = (count: number) =>
    runProgress(
      context,
      cells.slice(0, count).map((cell, seq) => ({
        seq,
        wallMs: 0,
        type: 'cell-failed' as const,
        cell: cell.id,
        ...{ kind: 'refused', phase: 'start' as const, message: '', logExcerpt: [] },
      })),
      0,
    ).remainingSeconds ?? 0;
  const all = cells.reduce((sum, { expectedSeconds }) => sum + expectedSeconds, 0);
  expect(done(0)).toBeCloseTo((all * 3) / 7, 6);
  expect(done(1)).toBeCloseTo((all * 2) / 7, 6);
  expect(done(3)).toBe(0);
});

describe('what a run costs', () => {
  const measured = { ...rehearsalContext, mode: 'measured' as const };
  const costOf = (text: string, context = measured) =>
    scheduleOf(mustBe(expandSweep(anyPlan(text), context)));

  it('counts a start for each engine, not for each cell', () => {
    expect(costOf(matrixPlan)).toMatchObject({ cells: 12, starts: 4, startsUnordered: 12 });
  });

  it('takes start-up times from earlier starts, of the same engine first', () => {
    const [cell] = cellsOf(chatPlan, measured);
    const similar: KnownStart = {
      engine: 'vllm',
      model: 'meta-llama/Llama-3.2-1B-Instruct',
      eager: false,
      seconds: 50,
      source: 'serve.log:3',
    };
    const same = { ...similar, engineKey: cell?.engineKey ?? '', seconds: 300, source: 'run-1' };
    const guess = costOf(chatPlan);
    const near = costOf(chatPlan, { ...measured, starts: [similar] });
    const known = costOf(chatPlan, { ...measured, starts: [similar, same] });
    expect(known.seconds - near.seconds).toBeCloseTo(250, 6);
    expect(known.startsBecause).toEqual(['measured in run-1']);
    expect(near.startsBecause).toEqual(['measured in serve.log:3']);
    expect(guess.startsBecause.join()).toContain('a guess');
    const other = { ...similar, eager: true };
    expect(costOf(chatPlan, { ...measured, starts: [other] }).seconds).toBe(guess.seconds);
  });

  it('is the same grid for a rehearsal, with compressed starts', () => {
    const rehearsing = mustBe(expandSweep(anyPlan(matrixPlan), rehearsalContext));
    const again = asRehearsed(mustBe(expandSweep(anyPlan(matrixPlan), measured)));
    expect(again.cells.map(({ id }) => id)).toEqual(rehearsing.cells.map(({ id }) => id));
    for (const [at, { expectedSeconds }] of again.cells.entries())
      expect(expectedSeconds).toBeCloseTo(rehearsing.cells[at]?.expectedSeconds ?? 0, 6);
    expect(scheduleOf(again).startsBecause).toEqual(scheduleOf(rehearsing).startsBecause);
  });

  it('guesses a longer start with graphs than without, and for a larger model', () => {
    const eager = chatPlan.replace('max-model-len: 4096', 'enforce-eager: true');
    expect(costOf(eager).startsBecause.join()).toContain('eager');
    const large: PlanContext = { ...measured, model: knownModel('meta-llama/Llama-3.1-8B-Instruct') ?? null };
    const start = (context: PlanContext) =>
      [...mustBe(expandSweep(anyPlan(chatPlan), context)).starts.values()][0]?.seconds ?? 0;
    expect(start(large)).toBeGreaterThan(start(measured));
  });

  it('counts GPU-hours by the GPUs of each cell, and a search by the steps that it takes', () => {
    const two = costOf(chatPlan.replace('max-model-len: 4096', 'tensor-parallel-size: 2'));
    expect(two.gpuHours).toBeCloseTo((2 * two.seconds) / 3600, 9);
    const searching = costOf(
      `${chatPlan.replace('[1, 2, 4]', '1')}search: { flag: gpu-memory-utilization, goal: smallest-that-starts, from: 0.05, to: 0.95, step: 0.05 }\n`,
    );
    expect(searching).toMatchObject({ cells: 19, expectedCells: 5, starts: 5 });
  });
});
