import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadDocument } from '../../src/cli/loadView.ts';
import { BuiltCli } from './builtCli.ts';

let cli: BuiltCli;
let engine: ChildProcess;
let url: string;
const key = { LOADLINE_API_KEY: 'key-of-the-test' };
const small = ['--concurrency', '4', '--requests', '24', '--input', '30', '--output', '8'];

beforeAll(async () => {
  cli = await BuiltCli.build();
  const parameters = join(cli.folder, 'simulated.json');
  writeFileSync(
    parameters,
    JSON.stringify({
      modelName: 'simulated-model',
      engineVersion: '0.26.0',
      startupSeconds: 0,
      start: { outcome: 'serves' },
      logLines: [],
      maxModelLen: 2048,
      maxNumSeqs: 64,
      maxNumBatchedTokens: 2048,
      kvBlocks: 1000,
      blockSize: 16,
      step: { baseMs: 2, perSequenceMs: 0, perKvTokenMs: 0, perPrefillTokenMs: 0 },
      noise: { relativeDeviation: 0, seed: 1 },
    }),
  );
  const archive = join(cli.folder, 'dist', 'loadline-agent.pyz');
  engine = spawn('python3', [archive, 'simulated-engine', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LOADLINE_SIMULATED_ENGINE: parameters, VLLM_API_KEY: key.LOADLINE_API_KEY },
  });
  url = await new Promise<string>((resolve) => {
    if (engine.stdout === null) throw new Error('it has no stdout');
    createInterface({ input: engine.stdout }).on('line', (line) => {
      const [found] = /http:\S+/.exec(line) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
});

afterAll(() => engine.kill());

/** Requests that the simulated engine has answered. */
async function answered(): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^vllm:request_success_total\{.*finished_reason="length"\} (\S+)$/m.exec(text)?.[1]);
}

/** A server that answers everything in one way. */
async function answering(
  status: number,
  body: string,
): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe('loadline load', () => {
  it('loads a server that runs and says how fast it is, with its source', async () => {
    const { exitCode, stdout, stderr } = await cli.run(['load', url, ...small], key);
    // Once a second: a busy machine may have more to tell.
    expect(stderr.replaceAll(/^warning: .*\n/gm, '')).toMatch(
      /^(concurrency 4: warm-up, [0-4] of 4 requests\n)+(concurrency 4: \d+ of 24 requests\n)+$/,
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^simulated-model at http:\S+: concurrency 4, 30 in, 8 out tokens, completions\n24 requests in /,
    );
    // 24 requests certify a median, and nothing further out.
    expect(stdout).toMatch(/^time to first token +[\d.]+ +[\d.]+ +– +– +–$/m);
    expect(stdout).toMatch(/^output tokens\/s +[\d,.]+/m);
    expect(stdout).toContain("Token counts are the server's (usage)");
    expect(stdout).toContain('p99 662');
  });

  it('gives the whole as JSON, failures and lengths as the server counted them', async () => {
    const { exitCode, stdout } = await cli.run(
      ['load', `${url}/v1`, ...small, '--output', 'uniform:4,8', '--api', 'chat', '--warmup', '2', '--json'],
      key,
    );
    expect(exitCode).toBe(0);
    const document: LoadDocument = JSON.parse(stdout);
    expect(document).toMatchObject({
      schema: 1,
      model: 'simulated-model',
      interrupted: false,
      promptSizing: 'tokenize',
      load: {
        profile: 'closed-loop',
        concurrency: 4,
        requests: 24,
        warmupRequests: 2,
        api: 'chat',
        prompt: 'text',
      },
      result: { requests: { ok: 24, failed: 0 }, tokens: { input: 24 * 30 } },
    });
  });

  it('sends at a rate, and shows what waited since it was due', async () => {
    const { stdout } = await cli.run(
      [
        'load',
        url,
        '--rate',
        '200',
        '--arrivals',
        'constant',
        '--max-concurrency',
        '1',
        '--requests',
        '40',
        '--input',
        '30',
        '--output',
        '8',
        '--json',
      ],
      key,
    );
    const document: LoadDocument = JSON.parse(stdout);
    expect(document.load).toMatchObject({ profile: 'open-loop', requestsPerSecond: 200, maxConcurrency: 1 });
    // Eight steps of 2 ms each at a time, asked for every 5 ms: the queue grows by 11 ms a request, by more where steps take longer.
    const queued = document.result.queueDelayMs?.p50 ?? 0;
    expect(queued).toBeGreaterThan(100);
    expect(document.result.e2eMs.p50 ?? queued).toBeLessThan(queued / 2);
  });

  it('replays a trace, and counts as goodput what keeps the limits', async () => {
    const lines = [0, 40, 80].map((timestamp) => ({ timestamp, input_length: 30, output_length: 8 }));
    writeFileSync(join(cli.folder, 'trace.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    const given = ['load', url, '--trace', 'trace.jsonl', '--speed', '2', '--slo-ttft-ms', '10000', '--json'];
    const { exitCode, stdout } = await cli.run(given, key);
    const document: LoadDocument = JSON.parse(stdout);
    expect(exitCode).toBe(0);
    expect(document.load).toMatchObject({ profile: 'trace', speed: 2, requests: 3 });
    expect(document.result).toMatchObject({ requests: { ok: 3 }, tokens: { input: 90, output: 24 } });
    expect(document.result.goodput).toBeCloseTo(document.result.requestsPerSecond ?? 0, 9);
    const strict = await cli.run(['load', url, ...small, '--slo-ttft-ms', '0.001', '--slo-tokens', '1'], key);
    expect(strict.stdout).toMatch(/^goodput, requests\/s +0 \(TTFT ≤ 0.001 ms, ≥ 1 tokens\/s\)$/m);
  });

  it('sends eight requests for each in flight where nothing else is said, so that there is a window', async () => {
    const given = ['load', url, '--concurrency', '40', '--input', '10', '--output', '2', '--json'];
    const document: LoadDocument = JSON.parse((await cli.run(given, key)).stdout);
    expect(document.load).toMatchObject({ concurrency: 40, requests: 320, warmupRequests: 40 });
    expect(document.result.window).toBeDefined();
  });

  it('ends by time', async () => {
    const { stdout, exitCode } = await cli.run(
      ['load', url, '--seconds', '1', '--concurrency', '2', '--input', '30', '--output', '8', '--json'],
      key,
    );
    const document: LoadDocument = JSON.parse(stdout);
    expect(exitCode).toBe(0);
    expect(document.durationMs).toBeGreaterThan(900);
    expect(document.result.requests.ok).toBeGreaterThan(10);
  });

  it('gives what was measured so far at Ctrl-C', async () => {
    const running = cli.start(
      ['load', url, '--seconds', '600', '--concurrency', '2', '--input', '30', '--output', '8'],
      key,
    );
    await running.said('of 10 min');
    const before = await answered();
    while ((await answered()) < before + 3);
    running.interrupt();
    const { exitCode, stdout } = await running.finished;
    expect(exitCode).toBe(130);
    expect(stdout).toContain('(ended by Ctrl-C)');
    expect(stdout).toMatch(/^end to end /m);
  });

  it('says what is wrong with a server, and what to do', async () => {
    const html = await answering(404, '<html>not here</html>');
    const broken = await answering(503, 'loading');
    const moved = await answering(302, '');
    const another = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    await new Promise<void>((resolve) => another.listen(0, '127.0.0.1', resolve));
    const ssh = `http://127.0.0.1:${(another.address() as AddressInfo).port}`;
    const several = await answering(200, JSON.stringify({ data: [{ id: 'a' }, { id: 'b' }] }));
    try {
      for (const [argv, environment, code, words] of [
        [[url], {}, 3, 'asks for an API key; put it into LOADLINE_API_KEY'],
        [[url], { LOADLINE_API_KEY: 'wrong-key' }, 3, 'refuses the API key'],
        [[url, '--model', 'no/such'], key, 2, 'serves simulated-model, not no/such'],
        [['http://127.0.0.1:1'], {}, 3, 'Is the server running there?'],
        [
          [html.url],
          {},
          3,
          'answered 404 with a web page without a model: it is no OpenAI-compatible server',
        ],
        [[broken.url], {}, 3, 'answered 503 without a model: it is not ready yet, or has failed'],
        [[moved.url], {}, 3, 'it sends to another address'],
        [[ssh], {}, 3, `${ssh}: no HTTP is spoken there`],
        [[several.url], {}, 2, 'serves a, b; name one with --model'],
        [[url, ...small, '--output', '4000'], key, 1, 'maximum context length'],
      ] as const) {
        const { exitCode, stdout, stderr } = await cli.run(['load', ...argv], {
          LOADLINE_API_KEY: '',
          ...environment,
        });
        expect([exitCode, stdout, stderr]).toEqual([code, '', expect.stringContaining(words)]);
        expect(stderr).not.toContain('wrong-key');
      }
    } finally {
      another.close();
      for (const { server } of [broken, moved]) server.close();
      html.server.close();
      several.server.close();
    }
  });

  it('takes the key from a file too', async () => {
    writeFileSync(join(cli.folder, 'key.txt'), `${key.LOADLINE_API_KEY}\n`);
    const given = ['load', url, ...small, '--api-key-file'];
    expect((await cli.run([...given, 'key.txt'], { LOADLINE_API_KEY: '' })).exitCode).toBe(0);
    const missing = await cli.run([...given, 'no.txt']);
    expect([missing.exitCode, missing.stderr.includes('no.txt cannot be read')]).toEqual([2, true]);
  });

  it('says which option cannot be used', async () => {
    writeFileSync(
      join(cli.folder, 'bad.jsonl'),
      '{"timestamp":0,"input_length":1,"output_length":1}\n{"timestamp":1}',
    );
    for (const [argv, words] of [
      [[], 'give the URL'],
      [['http://a', 'http://b'], 'one server at a time'],
      [['http://a', '--rate', '1', '--concurrency', '2'], 'not two'],
      [['http://a', '--trace', 'no.jsonl'], '--trace: no.jsonl cannot be read'],
      [['http://a', '--trace', 'bad.jsonl'], '--trace: bad.jsonl: Line 2: input_length'],
      [['http://a', '--speed', '2'], 'give --trace too'],
      [['http://a', '--rate', '1', '--ramp', '5'], 'FROM,SECONDS'],
      [['http://a', '--offline', '--ramp', '5'], 'belongs to --concurrency or --rate'],
      [['http://a', '--think', '5'], 'give --turns too'],
      [['http://a', '--max-concurrency', '2'], 'give --rate too'],
      [['http://a', '--input', 'normal:200'], '--input: tokens as 200'],
      [['http://a', '--input', 'uniform:9,8'], '--input: tokens as 200'],
      [['http://a', '--output', '0'], '--output: tokens as 200'],
      [['http://a', '--api', 'embeddings'], '--api: completions or chat'],
      [['http://a', '--api', 'chat', '--prompt', 'token-ids'], 'takes no token ids'],
      [['http://a', '--rate', '1', '--arrivals', 'gamma'], 'gamma:SHAPE'],
      [['http://a', '--requests', '0'], '--requests'],
      [['http://a', '--shared-prefix', 'x'], 'TOKENS,GROUPS'],
      [['http://a', '--requets', '1'], 'Did you mean --requests?'],
      [['ftp://a'], 'http://host:port'],
    ] as const) {
      const { exitCode, stderr } = await cli.run(['load', ...argv]);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(words)]);
    }
  });
});
