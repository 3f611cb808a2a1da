import { describe, expect, it } from 'vitest';
import { parallelModes } from '../../../src/core/sweep/answers/batchParallel.ts';
import { costRows } from '../../../src/core/sweep/answers/cost.ts';
import { memoryLimits } from '../../../src/core/sweep/answers/memoryLimit.ts';
import { gainMap } from '../../../src/core/sweep/answers/mps.ts';
import type { SearchResult } from '../../../src/core/sweep/cellResult.ts';
import { findKnees } from '../../../src/core/sweep/knee.ts';
import type { CellResult } from '../../../src/core/sweep/run.ts';
import { answerOf, failedCell, madeCell } from './madeCells.ts';

const share = (value: number, more: Partial<CellResult> = {}): Partial<CellResult> => ({
  flags: { 'gpu-memory-utilization': value },
  ...more,
});

describe('the answer to memory-limit', () => {
  const ladder = [
    failedCell('0.22', share(0.22)),
    madeCell('0.24', [300, 310, 305], share(0.24)),
    madeCell('0.3', [418, 421, 419], share(0.3)),
    madeCell('0.5', [417, 422, 420], share(0.5)),
    madeCell('0.9', [416, 423, 421], share(0.9)),
  ];

  it('is the smallest share whose throughput is not surely below the peak, and the smallest that runs', () => {
    const answer = answerOf('memory-limit', ladder);
    expect(answer).toMatch(
      /^0\.3 is enough: the smallest gpu-memory-utilization at peak throughput, 4\.19 requests\/s, 419 ± 3\.79 tokens\/s at concurrency 1, 24\.0 GiB; it runs from 0\.24 \(0\.22 fails: out-of-memory at profile\)\./,
    );
    expect(answer).not.toContain('Left out');
  });

  it('counts the memory of all GPUs, and each group by itself', () => {
    const two = ladder.map((cell) => ({ ...cell, cell: `${cell.cell} on 2`, gpuCount: 2 }));
    const answer = answerOf('memory-limit', [...ladder.map((cell) => ({ ...cell, gpuCount: 1 })), ...two]);
    expect(answer).toContain('1 GPU: 0.3 is enough');
    expect(answer).toContain('2 GPUs: 0.3 is enough');
    expect(answer).toContain('48.0 GiB on 2 GPUs together');
  });

  it('says of a value that was not tried that it is only predicted', () => {
    const skipped = madeCell('0.2', [], share(0.2, { state: 'skipped' }));
    expect(answerOf('memory-limit', [skipped, ...ladder.slice(1)])).toContain(
      'it runs from 0.24 (0.2 is predicted not to fit, not run)',
    );
  });

  it('does not take a client-bound peak, and says when nothing runs', () => {
    const bound = { loopLagMs: { p99: 9 }, cpuSeconds: 1, events: 1, eventsPerSecond: 1, bound: true };
    const answer = answerOf('memory-limit', [
      ...ladder,
      madeCell('1', [900, 900], share(1), { client: bound }),
    ]);
    expect(answer).toContain('0.3 is enough');
    expect(answer).toContain('1 client-bound');
    expect(answerOf('memory-limit', ladder.slice(0, 1))).toContain(
      'no gpu-memory-utilization that was tried runs; 0.22 fails',
    );
  });

  it('without repeats takes 2 % for the same, and says that it has no interval', () => {
    const single = [madeCell('a', [415], share(0.3)), madeCell('b', [420], share(0.5))];
    expect(memoryLimits(single)[0]?.enough?.value).toBe(0.3);
    expect(answerOf('memory-limit', single)).toContain('no interval');
    expect(
      memoryLimits([madeCell('a', [400], share(0.3)), madeCell('b', [420], share(0.5))])[0]?.enough?.value,
    ).toBe(0.5);
  });

  it('says what a second copy costs the first one, and what it does for the GPU', () => {
    const telemetry = { fromWallMs: 0, toWallMs: 1, samples: 10, gpus: 1 };
    const one = madeCell(
      'one',
      [400, 402],
      share(0.4, { concurrency: 8, telemetry: { ...telemetry, utilization: 0.5 } }),
    );
    const copies = { copies: 2, sharing: 'time-slicing' as const };
    const two = madeCell(
      'two',
      [700, 702],
      share(0.4, { concurrency: 16, arrangement: copies, telemetry: { ...telemetry, utilization: 0.75 } }),
      {
        perEngine: [
          { engine: 0, requests: 1, systemTokensPerSecond: 350, ttftP50Ms: 1 },
          { engine: 1, requests: 1, systemTokensPerSecond: 351, ttftP50Ms: 1 },
        ],
      },
    );
    const answer = answerOf('memory-limit', [one, two]);
    expect(answer).toContain('A second copy costs the first one 12.7 % of its throughput');
    expect(answer).toContain('from 50.0 to 75.0 % (+25.0 points)');
    // Of several shares of memory the one that both had counts.
    const less = madeCell('less', [100, 101], share(0.2, { concurrency: 8 }));
    expect(answerOf('memory-limit', [less, one, two])).toContain('401 tokens/s alone');
    const whole = madeCell('whole', [650, 652], share(0.4, { concurrency: 16 }));
    expect(answerOf('memory-limit', [whole, two])).toMatch(
      /Two copies that share concurrency 16 give 701 tokens\/s where one gives 651 \(\+7\.68 %.*\).*; what the second costs the first would show at half that load/,
    );
  });
});

describe('the answer to chat', () => {
  const limits = { limits: { ttftP95Ms: 500 } };
  const rate = (requestsPerSecond: number, meetsServiceLevel: boolean | null) =>
    madeCell(`${requestsPerSecond} requests/s`, [900], {
      concurrency: null,
      requestsPerSecond,
      load: 'poisson arrivals',
      meetsServiceLevel,
    });
  const trace = (meetsServiceLevel: boolean | null) =>
    madeCell('trace', [900], { concurrency: null, meetsServiceLevel });

  it('of rates beside a trace is the largest rate, and whether the trace keeps the limits', () => {
    const answer = answerOf('chat', [rate(2, true), rate(4, false), trace(false)], limits);
    expect(answer).toMatch(
      /^2 requests\/s is the largest rate \(requests\/s\) with TTFT p95 of at most 500 ms/,
    );
    expect(answer).toContain('trace misses TTFT p95 of at most 500 ms: TTFT p95 100 ms');
    expect(answerOf('chat', [trace(true)], limits)).toMatch(/^trace keeps TTFT p95 of at most 500 ms: /);
  });

  it('says what became of the next larger load', () => {
    const users = (concurrency: number, more: object) =>
      madeCell(`${concurrency}`, [900], { concurrency, meetsServiceLevel: true, ...more });
    const with64 = (more: object) => answerOf('chat', [users(32, {}), users(64, more)], limits);
    expect(with64({ meetsServiceLevel: null })).toContain(
      'Above it, concurrency 64 has too few requests for a p95, so the limit may lie higher.',
    );
    const failed = answerOf('chat', [users(32, {}), failedCell('64', { concurrency: 64 })], limits);
    expect(failed).toContain('At 64 it failed: out-of-memory.');
    expect(failed).not.toContain('may lie higher');
  });

  it('is said once where nothing could be judged', () => {
    const answer = answerOf('chat', [rate(2, null), trace(null)], limits);
    expect(answer).toMatch(/^No cell could be judged against TTFT p95 of at most 500 ms\. Left out: /);
    expect(answerOf('chat', [trace(null)], limits)).toMatch(/^No cell could be judged /);
  });
});

describe('the answer to cost', () => {
  const ladder = (
    flags: CellResult['flags'],
    rates: readonly (number | null)[],
    more: Partial<CellResult> = {},
  ) =>
    rates.map((rate, at) => {
      const concurrency = 16 * 2 ** at;
      const label = `${JSON.stringify(flags)} ${concurrency}`;
      return rate === null
        ? failedCell(label, { flags, concurrency, ...more })
        : madeCell(label, [rate, rate * 1.001], { flags, concurrency, meetsServiceLevel: true, ...more });
    });

  it('is dollars for a million tokens by flag, with what stops a larger batch', () => {
    const cells = [
      ...ladder({ quantization: 'none' }, [500, 800, 820]),
      ...ladder({ quantization: 'fp8' }, [600, 1000, null]),
    ];
    const answer = answerOf('cost', cells);
    // 3.6 dollars an hour are 0.001 a second: a million tokens at 1,000 a second cost 1.
    expect(answer).toMatch(
      /^quantization fp8 is cheapest: \$1\.00 a million output tokens \(\$0\.333 with prompts counted\), 1,001 output tokens\/s at concurrency 32; a larger batch stops there: concurrency 64 fails \(out-of-memory at profile\)\. Next: quantization none, \$1\.25\./,
    );
    expect(answer).toContain('Counted with $3.60 a GPU and hour (price of the plan)');
    const [, second] = costRows(cells, null, null);
    expect(second?.stop).toMatchObject({
      kind: 'saturation',
      words: expect.stringContaining('only 2.50 % more'),
    });
  });

  it('stops at the latency limit, and pays for every GPU', () => {
    const cells = ladder({}, [500, 800, 1200], { gpuCount: 2 });
    const limited = cells.map((cell, at) => ({ ...cell, meetsServiceLevel: at < 2 }));
    const answer = answerOf('cost', limited, { limits: { ttftP95Ms: 500 } });
    expect(answer).toContain(
      'on 2 GPUs; a larger batch stops there: concurrency 64 misses the service level',
    );
    expect(answer).toContain('$2.50 a million output tokens');
  });

  it('does not take the latency of a client-bound cell for the engine’s', () => {
    const bound = {
      client: { loopLagMs: { p99: 40 }, cpuSeconds: 9, events: 1, eventsPerSecond: 9000, bound: true },
    };
    const cells = [
      ...ladder({}, [500, 800]),
      madeCell('32', [900], { concurrency: 64, meetsServiceLevel: false }, bound),
    ];
    const answer = answerOf('cost', cells, { limits: { ttftP95Ms: 500 } });
    expect(answer).toContain('concurrency 64 is client-bound');
    expect(answer).not.toContain('concurrency 64 misses the service level');
  });

  it('without a price goes by throughput a GPU, and says so', () => {
    const answer = answerOf('cost', ladder({ quantization: 'fp8' }, [500]), { price: null });
    expect(answer).toContain('gives most a GPU');
    expect(answer).toContain('No price of h100-sxm-80gb is known');
  });

  it('sets the weights beside the rule of thumb where the log said them', () => {
    const gib = 1024 ** 3;
    const memory = ['weights', 'available-kv'].map((term, at) => ({
      term,
      predictedBytes: 1,
      lowBytes: 1,
      highBytes: 1,
      measuredBytes: (at === 0 ? 15 : 60) * gib,
    }));
    expect(answerOf('cost', ladder({}, [500], { memory }))).toContain(
      'weights are 20.0 %; the rule of thumb says 80 %',
    );
  });
});

describe('the answer to batch-parallel', () => {
  const split = (name: string) => ({ flags: { [name]: 4 } as CellResult['flags'], gpuCount: 4 });
  const telemetry = (bytes: number, utilization: number) => ({
    telemetry: {
      fromWallMs: 0,
      toWallMs: 1,
      samples: 1,
      gpus: 4,
      pcieTxBytesPerSecond: bytes,
      pcieRxBytesPerSecond: bytes,
      utilization,
    },
  });
  const cells = [
    madeCell('tp 32', [6400], {
      ...split('tensor-parallel-size'),
      concurrency: 32,
      ...telemetry(2.92e9, 0.98),
    }),
    madeCell('pp 32', [1600], {
      ...split('pipeline-parallel-size'),
      concurrency: 32,
      ...telemetry(1e7, 0.6),
    }),
    madeCell('tp 64', [8000], {
      ...split('tensor-parallel-size'),
      concurrency: 64,
      ...telemetry(2.92e9, 0.98),
    }),
    failedCell('pp 64', { ...split('pipeline-parallel-size'), concurrency: 64 }),
  ];

  it('compares modes by time at a batch that all have, by bytes over the bus, and by the batch that is too large', () => {
    const answer = answerOf('batch-parallel', cells);
    expect(answer).toMatch(
      /^At batch 32 tensor-parallel-size 4 takes 0\.500 s a batch and is fastest; .* 2\.00 s \(4\.00 times\)\./,
    );
    expect(answer).toContain('5,840 MB/s against 20.0 MB/s');
    expect(answer).toContain('292 times');
    expect(answer).toMatch(/Memory runs out: .*pipeline-parallel-size 4 at batch 64 \(32 still runs\)/);
    expect(answer).toContain('Accuracy is not measured');
  });

  it('takes the requests of an offline batch for its size', () => {
    const offline = [8, 16].map((count) =>
      madeCell(
        `offline ${count}`,
        [count * 10],
        { concurrency: null, load: `${count}` },
        {
          requests: { ok: count, failed: 0, byKind: {} },
          requestsPerSecond: count / 4,
        },
      ),
    );
    const [mode] = parallelModes(offline);
    expect(mode?.points.map(({ batch, seconds }) => [batch, seconds])).toEqual([
      [8, 4],
      [16, 4],
    ]);
  });
});

describe('the answer to mps', () => {
  const cell = (
    label: string,
    rates: readonly number[],
    concurrency: number,
    sharing?: 'mps' | 'time-slicing',
  ) =>
    madeCell(label, rates, {
      concurrency,
      flags: { 'gpu-memory-utilization': sharing === undefined ? 0.9 : 0.45 },
      ...(sharing === undefined ? {} : { arrangement: { copies: 2, sharing } }),
    });
  const near = (rate: number) => [rate * 0.995, rate, rate * 1.005];

  it('is the gain over one engine, with its control arm, and the cause', () => {
    const answer = answerOf('mps', [
      cell('one', near(1000), 64),
      cell('control', near(1100), 128),
      cell('sliced', near(1250), 128, 'time-slicing'),
      cell('mps', near(1350), 128, 'mps'),
    ]);
    expect(answer).toMatch(
      /concurrency 64: 2 engines under MPS give \+35\.0 % \(.*\) over one, time-sliced \+25\.0 % .*; one engine under the load of all copies \+10\.0 %/,
    );
    expect(answer).toContain("about 25.0 points are the CPU's");
    expect(answer).not.toContain('does not pay');
  });

  it('says that a second engine does not pay where one with more requests gains as much', () => {
    // The recorded figures of an H200, 896 x 24 at 256 tokens of context.
    const answer = answerOf('mps', [
      cell('one', near(75_671), 128),
      cell('control', near(107_929), 256),
      cell('sliced', near(70_056), 256, 'time-slicing'),
      cell('mps', near(77_832), 256, 'mps'),
    ]);
    expect(answer).toContain('+2.86 %');
    expect(answer).toContain('one engine under the load of all copies +42.6 %');
    expect(answer).toContain('does not pay');
  });

  it('has a map over models and loads, and a warning where the control arm is missing', () => {
    const cells = ['short', 'long'].flatMap((load) =>
      [cell(`one ${load}`, near(1000), 8), cell(`mps ${load}`, near(1500), 16, 'mps')].map((one) => ({
        ...one,
        load,
      })),
    );
    expect(
      gainMap(cells).map(({ column, arms }) => [column, Math.round(100 * (arms.mps?.gain.relative ?? 0))]),
    ).toEqual([
      ['short, concurrency 8', 50],
      ['long, concurrency 8', 50],
    ]);
    expect(answerOf('mps', cells)).toContain('there is no control arm');
    expect(answerOf('mps', [cells[0] as CellResult])).toContain('No pair of cells can be compared');
  });
});

describe('the knee', () => {
  const ladder = (rates: readonly number[]) =>
    rates.map((rate, at) => madeCell(`${2 ** at}`, [rate, rate * 1.002], { concurrency: 2 ** at }));

  it('is the smallest load at the plateau', () => {
    const [knee] = findKnees(ladder([100, 195, 370, 640, 650, 652]));
    expect(knee).toMatchObject({ cell: '8', value: 8, regime: 'saturated' });
  });

  it('is not found where throughput still grows, in proportion or ever less', () => {
    expect(findKnees(ladder([100, 198, 390, 770]))[0]).toMatchObject({ cell: null, regime: 'linear' });
    expect(findKnees(ladder([100, 180, 280, 360]))[0]).toMatchObject({ cell: null, regime: 'saturating' });
    expect(findKnees(ladder([100, 200]))).toEqual([]);
  });
});

describe('what a search found', () => {
  const values = [0.2, 0.22, 0.24, 0.26];
  const cells = values.map((value) =>
    value < 0.23 ? failedCell(`${value}`, share(value)) : madeCell(`${value}`, [400, 401], share(value)),
  );
  const search: SearchResult = {
    id: 's',
    label: 'gpu-memory-utilization',
    goal: 'smallest-that-starts',
    state: 'finished',
    found: '0.24',
    good: ['0.24', '0.26'],
    bad: ['0.2', '0.22'],
    smooth: true,
    why: '',
    startsUsed: 3,
    startsOfGrid: 10,
    runsUsed: 3,
    runsOfGrid: 10,
  };

  it('is an answer with its bracket and what it took', () => {
    expect(answerOf(null, cells, { searches: [search] })).toBe(
      'It starts from gpu-memory-utilization 0.24: bracket [0.22, 0.24], 3 of 10 engine starts.',
    );
  });

  it('says where the edge is not sure, and where nothing was found', () => {
    expect(answerOf(null, cells, { searches: [{ ...search, smooth: false }] })).toContain(
      'the edge is not sure',
    );
    expect(
      answerOf(null, cells, { searches: [{ ...search, found: null, good: [], why: 'none starts' }] }),
    ).toContain('nothing was found (none starts)');
    expect(answerOf(null, cells, { searches: [{ ...search, state: 'running' }] })).toBe('');
  });
});
