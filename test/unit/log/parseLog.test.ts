import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LogParser, parseLog } from '../../../src/core/log/parseLog.ts';
import type { LogRecord } from '../../../src/core/log/record.ts';
import { GiB, MiB } from '../../../src/core/units.ts';
import { fixtureLines, fixtureText } from '../core/fixtures.ts';

const log = (name: string) => fixtureText(`logs/${name}`);
const names = readdirSync(new URL('../../fixtures/logs/', import.meta.url)).filter((name) =>
  /\.(?:log|jsonl)$/.test(name),
);
const fixtures = new URL('../../fixtures/', import.meta.url);
const folders = readdirSync(fixtures).filter((name) => existsSync(new URL(`${name}/runs.jsonl`, fixtures)));
const gib = (value: number) => Math.round(value * GiB);

function only(text: string): LogRecord {
  const records = parseLog(text);
  expect(records).toHaveLength(1);
  const [record] = records;
  if (record === undefined) throw new Error('no start');
  return record;
}

describe('recorded logs', () => {
  interface Recorded {
    readonly id: string;
    readonly weightsGiB: number;
    readonly torchPeakGiB: number;
    readonly nonTorchGiB: number;
    readonly requestedGiB: number;
    readonly availableKvGiB: number;
    readonly totalGiB: number;
    readonly kvTokens: number;
    readonly maxConcurrency: number;
    readonly maxModelLen: number;
    readonly engineVersion: string;
    readonly log?: string;
  }
  const runs = folders.flatMap((folder) =>
    (fixtureLines(`${folder}/runs.jsonl`) as Recorded[]).flatMap((run): [string, string, Recorded][] => {
      const own = `${folder}/${run.log ?? `logs/${run.id}.log`}`;
      const path = [own, `logs/${folder}-${run.id}.log`].find((one) => existsSync(new URL(one, fixtures)));
      return path === undefined ? [] : [[folder, path, run]];
    }),
  );

  it.each(runs)('%s %s: every term as it was recorded', (_, path, run) => {
    expect(only(fixtureText(path))).toMatchObject({
      engine: 'vllm',
      version: run.engineVersion,
      weightsBytes: gib(run.weightsGiB),
      activationPeakBytes: gib(run.torchPeakGiB),
      nonTorchBytes: gib(run.nonTorchGiB),
      requestedBytes: gib(run.requestedGiB),
      totalBytes: gib(run.totalGiB),
      availableKvBytes: gib(run.availableKvGiB),
      kvTokens: run.kvTokens,
      maxConcurrency: run.maxConcurrency,
      maxModelLen: run.maxModelLen,
      errorClass: null,
    });
  });

  it('are there for most of the recorded starts', () => {
    expect(runs.length).toBeGreaterThanOrEqual(10);
  });

  it('a server that answered requests with errors has started all the same', () => {
    const record = only(log('vllm-0.26-h200-serve.log'));
    expect(record).toMatchObject({
      outcome: 'started',
      model: '/models/qwen2.5-0.5b',
      startupSeconds: 40.89,
    });
    expect(record.flags).not.toHaveProperty('api-key');
  });

  it('a log that ends while graphs are captured does not tell how it came out', () => {
    expect(only(log('vllm-0.26-h200-qwen3-next-40b.log'))).toMatchObject({
      outcome: 'unknown',
      blockSize: 544,
    });
  });
});

describe('other releases and engines', () => {
  const cases: readonly (readonly [string, Partial<LogRecord>])[] = [
    [
      'composed-vllm-0.6.6-v0-tp2.log',
      {
        version: '0.6.6.post1',
        weightsBytes: gib(7.51),
        activationPeakBytes: gib(1.19),
        nonTorchBytes: gib(1.52),
        graphBytes: gib(0.31),
        availableKvBytes: gib(61.1),
        requestedBytes: gib(71.32),
        numGpuBlocks: 62566,
        kvTokens: 62566 * 16,
        maxConcurrency: 122.2,
        maxModelLen: 8192,
        outcome: 'started',
      },
    ],
    [
      'composed-vllm-0.8.5-v1-tp2-max-model-len.log',
      {
        outcome: 'refused',
        errorClass: 'max-model-len',
        maxModelLen: 131072,
        availableKvBytes: gib(4.61),
        errorLine: 8,
        kvTokens: null,
      },
    ],
    [
      // The exact bytes in use win over the two decimals; 0.10 prints weights to four.
      'composed-vllm-0.10.2.log',
      { availableKvBytes: 58153852928, kvTokens: 394368, graphBytes: gib(0.71), outcome: 'started' },
    ],
    [
      'composed-vllm-0.13.0-sampler-oom.log',
      {
        outcome: 'oom',
        errorClass: 'sampler-warmup-oom',
        phase: 'warm-up',
        errorLine: 12,
        totalBytes: gib(79.19),
      },
    ],
    [
      'composed-vllm-0.17.1-kubernetes.jsonl',
      { version: '0.17.1', weightsBytes: gib(27.39), kvTokens: 221296, outcome: 'started' },
    ],
    [
      // The worker with the least room decides.
      'composed-vllm-0.21.0-tp2-graphs.log',
      {
        graphEstimateBytes: gib(0.83),
        graphBytes: gib(0.41),
        availableKvBytes: gib(36.93),
        kvTokens: 302512,
      },
    ],
    [
      // The peak that is printed has the charged estimate of the graphs in it.
      'composed-vllm-0.28.0-graphs-in-peak.log',
      {
        activationPeakBytes: gib(3.32) - gib(0.64),
        nonTorchBytes: gib(57.12) - gib(56.88),
        graphEstimateBytes: gib(0.64),
        graphBytes: gib(0.8),
        kvTokens: 135488,
        maxConcurrency: 16.54,
      },
    ],
    [
      'composed-vllm-0.33.0-hybrid.log',
      {
        weightsBytes: gib(28.05),
        nonTorchBytes: gib(28.31) - gib(28.05),
        activationPeakBytes: gib(2.12),
        kvTokens: 1400832,
        maxConcurrency: 42.75,
        blockSize: 784,
        outcome: 'started',
      },
    ],
    [
      'composed-vllm-0.33.0-journald-tp3.log',
      {
        outcome: 'refused',
        errorClass: 'tensor-parallel',
        errorLine: 3,
        model: 'meta-llama/Llama-3.1-8B-Instruct',
      },
    ],
    [
      'composed-sglang-0.5.6-tp2.log',
      {
        engine: 'sglang',
        weightsBytes: gib(30.87),
        availableKvBytes: gib(36.5),
        graphBytes: gib(1.01),
        kvTokens: 299021,
        maxModelLen: 40960,
        outcome: 'started',
      },
    ],
    [
      'composed-llama.cpp-b6900.log',
      {
        engine: 'llama.cpp',
        version: 'b6900',
        weightsBytes: Math.round(4455.34 * MiB),
        availableKvBytes: 5760 * MiB,
        kvTokens: 40960,
        device: 'NVIDIA GeForce RTX 4090',
        outcome: 'started',
      },
    ],
    ['composed-llama.cpp-oom.log', { engine: 'llama.cpp', outcome: 'oom', errorClass: 'oom', phase: 'load' }],
    ['composed-tgi-3.3.log', { engine: 'tgi', kvTokens: 451203, maxModelLen: 32768, outcome: 'started' }],
    [
      'composed-tensorrt-llm-1.0.log',
      { engine: 'tensorrt-llm', version: '1.0.0', availableKvBytes: gib(78.3), kvTokens: 3731744 },
    ],
  ];

  it.each(cases)('%s', (name, expected) => {
    expect(only(log(name))).toMatchObject(expected);
  });

  it('takes no estimate for charged that the engine was told to leave out', () => {
    const line =
      '(EngineCore pid=140) INFO 08-30 09:01:24 [gpu_worker.py:610] CUDA graph memory profiling is disabled (VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS=0).';
    const text = log('composed-vllm-0.28.0-graphs-in-peak.log').replace(
      '\nCapturing',
      `\n${line}\nCapturing`,
    );
    expect(only(text).activationPeakBytes).toBe(gib(3.32));
  });

  it('keeps the terms of each worker', () => {
    const { perRank } = only(log('composed-vllm-0.21.0-tp2-graphs.log'));
    expect(perRank.map(({ process, availableKvBytes }) => [process, availableKvBytes])).toEqual([
      ['Worker_TP0', gib(36.97)],
      ['Worker_TP1', gib(36.93)],
    ]);
  });

  it('tells containers and restarts in one file apart', () => {
    const records = parseLog(log('composed-vllm-compose-restarts.log'));
    expect(
      records.map(({ line, outcome, errorClass, kvTokens }) => [line, outcome, errorClass, kvTokens]),
    ).toEqual([
      [1, 'refused', 'free-memory-below-requested', null],
      [2, 'started', null, 62816],
      [11, 'unknown', null, null],
    ]);
    expect(records[0]).toMatchObject({ freeBytes: gib(31.02), requestedBytes: gib(42.17), errorLine: 5 });
  });

  it('takes two starts in one file for two', () => {
    const text = log('composed-vllm-0.10.2.log');
    const lines = text.trimEnd().split('\n').length;
    expect(parseLog(text + text).map(({ line }) => line)).toEqual([2, lines + 2]);
  });
});

describe('what ended a start', () => {
  it.each([
    ['RuntimeError: No available memory for the cache blocks. Try increasing it.', 'refused', 'no-kv-memory'],
    [
      'ValueError: max_num_seqs (1024) exceeds available Mamba cache blocks (311).',
      'refused',
      'mamba-blocks',
    ],
    ['vllm serve: error: unrecognized arguments: --swap-spaces 4', 'refused', 'bad-flag'],
    ['OSError: You are trying to access a gated repo.', 'failed', 'gated-model'],
    ['OSError: [Errno 98] error while attempting to bind: address already in use', 'failed', 'port-in-use'],
    ['RuntimeError: NCCL error: unhandled cuda error', 'failed', 'nccl'],
    ['RuntimeError: The NVIDIA driver on your system is too old', 'failed', 'driver'],
    ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.', 'oom', 'oom'],
    ['RuntimeError: Engine core initialization failed. See root cause above.', 'failed', 'other'],
  ])('%s', (line, outcome, errorClass) => {
    const text = `INFO 11-20 16:20:00 [startup.py:96] non-default args: {'model': 'm'}\n${line}\n`;
    expect(only(text)).toMatchObject({ outcome, errorClass, errorLine: 2 });
  });

  it('a failed request of a running server ends nothing, memory that runs out does', () => {
    const started = log('composed-vllm-0.10.2.log');
    expect(only(`${started}ERROR RuntimeError: NCCL error: x\n`).outcome).toBe('started');
    expect(only(`${started}torch.OutOfMemoryError: CUDA out of memory.\n`)).toMatchObject({
      outcome: 'oom',
      phase: 'serving',
      kvTokens: 394368,
    });
  });
});

describe('a log of something else', () => {
  it('has no start in it', () => {
    const lines = [
      'nginx: bind() to 0.0.0.0:80 failed (98: Address already in use)',
      'Traceback (most recent call last)',
      'ValueError: nothing',
    ];
    expect(parseLog(`${lines.join('\n')}\n`)).toEqual([]);
  });
});

describe('however it comes', () => {
  const bare = (record: LogRecord) => ({ ...record, perRank: record.perRank.length });

  it.each([
    ['Windows line ends', (line: string) => `${line}\r`],
    [
      'a progress bar drawn over itself',
      (line: string) => `Capturing:  12%|█▏| 6/51\rCapturing: 100%\r${line}`,
    ],
    ['colours', (line: string) => `\u001b[32m${line}\u001b[0m`],
    ['compose', (line: string) => `vllm-1  | ${line}`],
    ['kubectl with timestamps', (line: string) => `2026-11-21T10:11:12.123456789Z ${line}`],
    ['kubectl with prefixes', (line: string) => `[pod/chat-6d9f/vllm] ${line}`],
    ['a container runtime', (line: string) => `2026-11-21T10:11:12.123456789+00:00 stderr F ${line}`],
    ['journald', (line: string) => `Nov 21 10:11:12 gpu1 vllm[4711]: ${line}`],
    ['JSON records', (line: string) => JSON.stringify({ log: `${line}\n`, stream: 'stderr' })],
  ])('%s change nothing', (_, wrap) => {
    const text = log('composed-vllm-0.21.0-tp2-graphs.log');
    const wrapped = text.trimEnd().split('\n').map(wrap).join('\n');
    expect(bare(only(`${wrapped}\n`))).toEqual(bare(only(text)));
  });

  it('in chunks of any size', () => {
    for (const name of names.slice(0, 12)) {
      const text = log(name);
      for (const size of [1, 7, 4096]) {
        const parser = new LogParser();
        for (let at = 0; at < text.length; at += size) parser.push(text.slice(at, at + size));
        expect(parser.end(), `${name} by ${size}`).toEqual(parseLog(text));
      }
    }
  });

  it('cut at any byte: no figure that no whole line has', () => {
    for (const name of names) {
      const text = log(name);
      const allowed = figuresOfWholeLines(text);
      for (let end = 1; end < text.length; end += name.startsWith('composed') ? 13 : 397) {
        for (const record of parseLog(text.slice(0, end))) {
          for (const [field, value] of figures(record)) {
            expect(allowed.has(`${field} ${value}`), `${name} cut at ${end}: ${field} ${value}`).toBe(true);
          }
        }
      }
    }
  });

  it('takes any bytes', () => {
    let seed = 7;
    const next = () => {
      seed = (seed * 48271) % 2147483647;
      return seed;
    };
    const words = [
      ...'{}()[]\'"\\=,:|\r\n\u001b \u0000'.split(''),
      'non-default args: {',
      'server_args=ServerArgs(',
      'Model loading took ',
      '999999999999999999999999 GiB',
      '-1.5 GiB',
      "'__proto__': 1",
      'GPU KV cache size: ',
      ' tokens',
      'Traceback (most recent call last)',
    ];
    for (let round = 0; round < 400; round++) {
      const text = Array.from({ length: 40 }, () => words[next() % words.length]).join('');
      for (const record of parseLog(text)) expect(record.line).toBeGreaterThan(0);
    }
  });

  it('one line without an end is read in bounded memory', () => {
    const parser = new LogParser();
    for (let round = 0; round < 2_000; round++) parser.push('('.repeat(8_192));
    parser.push('\nINFO [w.py:1] Model loading took 15.0 GiB and 2.1 seconds\n');
    expect(parser.end()).toMatchObject([{ weightsBytes: 15 * GiB, line: 2 }]);
  });
});

function figures(record: LogRecord): [string, number][] {
  return Object.entries(record).flatMap(([field, value]) =>
    typeof value === 'number' && field !== 'line' && field !== 'errorLine' ? [[field, value]] : [],
  );
}

function figuresOfWholeLines(text: string): ReadonlySet<string> {
  const seen = new Set<string>();
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    for (const record of parseLog(text.slice(0, at + 1))) {
      for (const [field, value] of figures(record)) seen.add(`${field} ${value}`);
    }
  }
  return seen;
}
