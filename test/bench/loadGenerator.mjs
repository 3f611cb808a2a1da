// The load generator against a compiled mock server whose chunks say when they were sent, and which spoils one answer in
// ten: events per CPU second, how far its stamps are from the mock's, and whether it says so where it is the limit.
// Then public clients, where they are installed, against the same mock without faults.
// `node test/bench/loadGenerator.mjs [streams …]` prints a table row a level and then everything as one JSON line. Mock and
// client are pinned to a core each, where `taskset` is there.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const waves = 3;
const [firstTokenMs, tokenMs, tokens] = [50, 20, 100];
/** Folder of virtual environments, one a public client; not installed by us: they take gigabytes. */
const clientsFolder = process.env.LOADLINE_BENCH_CLIENTS ?? `${root}.cache/bench-clients`;
const clientLevels = [128, 1024];
/** As measured on 2026-11-21 against such a mock, a core each, 50 ms being true: what is printed where a client is not here. */
const published = {
  vllm: { name: 'vllm bench serve', version: '0.33.0', 128: [31_000, 63], 1024: [45_500, 261] },
  aiperf: { name: 'aiperf', version: '0.13.0', 128: [6_000, 87], 1024: [13_000, 118] },
  guidellm: { name: 'guidellm', version: '0.8.1', 128: [5_000, 103], 1024: [5_000, 81] },
};

const pins = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0;
const pinned = (core, argv) => (pins ? ['taskset', '-c', String(core), ...argv] : argv);

function compileMock() {
  const cache = `${root}.cache`;
  mkdirSync(cache, { recursive: true });
  const program = `${cache}/mockServer`;
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, `${here}mockServer.c`], {
    stdio: 'inherit',
  });
  return program;
}

/** A fresh mock for each level: nothing of the last one is still being sent. */
async function withMock(program, faults, use) {
  const times = [firstTokenMs, tokenMs, tokens].map(String);
  const [command, ...argv] = pinned(0, [program, ...times, ...(faults ? ['faults'] : [])]);
  const mock = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    for await (const port of createInterface({ input: mock.stdout })) return use(port);
    throw new Error('the mock server did not start');
  } finally {
    mock.kill();
  }
}

function python(script, argv) {
  const [command, ...rest] = pinned(1, ['python3', `${here}${script}`, ...argv]);
  return spawnSync(command, rest, {
    encoding: 'utf8',
    env: { ...process.env, PYTHONPATH: `${root}src/agent`, PYTHONDONTWRITEBYTECODE: '1' },
  });
}

function measure(program, streams) {
  return withMock(program, true, (port) => {
    const { status, stdout, stderr } = python('loadGenerator.py', [
      port,
      String(streams),
      String(streams * waves),
    ]);
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  });
}

const milliseconds = (value) => value.toFixed(value < 1 ? 3 : 1);
const columns = [
  ['streams', (row) => String(row.streams)],
  ['open at once', (row) => String(row.mostInFlight)],
  [
    'spoilt',
    (row) => `${row.faults}, ${row.failuresAsTheyWere ? 'counted as they were' : 'COUNTED WRONGLY'}`,
  ],
  ['events/s', (row) => Math.round(row.eventsPerSecond).toString()],
  ['events/CPU s', (row) => Math.round(row.eventsPerCpuSecond).toString()],
  ['CPU', (row) => `${row.cpuPercent.toFixed(0)} %`],
  ['TTFT p50 (true)', (row) => `${milliseconds(row.ttftP50Ms)} (${milliseconds(row.trueTtftP50Ms)})`],
  [
    'first stamp off p50/p99',
    (row) => `${milliseconds(row.stampErrorMs.firstP50)} / ${milliseconds(row.stampErrorMs.firstP99)}`,
  ],
  [
    'last stamp off p50/p99',
    (row) => `${milliseconds(row.stampErrorMs.lastP50)} / ${milliseconds(row.stampErrorMs.lastP99)}`,
  ],
  ['gap p50', (row) => milliseconds(row.gapP50Ms)],
  ['lag p99', (row) => milliseconds(row.loopLagP99Ms)],
  ['client-bound', (row) => (row.bound ? row.because.join('; ') : 'no')],
];
const tableRow = (cells) => `| ${cells.join(' | ')} |`;

/** A line a public client and level; of one that is not here, what was published. */
async function publicClients(program) {
  const rows = [];
  console.log(tableRow(['client', 'streams', 'events/CPU s', 'TTFT p50 (true: 50)', '']));
  console.log(tableRow(Array(5).fill('---')));
  for (const [tool, known] of Object.entries(published)) {
    const executable = `${clientsFolder}/${tool}/bin/${tool}`;
    for (const streams of clientLevels) {
      const [events, ttft] = known[streams];
      const cells = (...figures) => console.log(tableRow([known.name, String(streams), ...figures]));
      if (!existsSync(executable)) {
        cells(
          String(events),
          String(ttft),
          `not installed here (${executable}): as measured on 2026-11-21 with ${known.version}`,
        );
        continue;
      }
      const row = await withMock(program, false, (port) =>
        python('publicClient.py', [tool, executable, port, String(streams), String(streams * waves)]),
      );
      if (row.status !== 0) {
        const [reason = ''] = row.stderr.trim().split('\n').slice(-1);
        cells(
          String(events),
          String(ttft),
          `did not run here (${reason.slice(0, 120)}): as measured on 2026-11-21 with ${known.version}`,
        );
        continue;
      }
      const measured = JSON.parse(row.stdout);
      rows.push(measured);
      cells(
        String(Math.round(measured.eventsPerCpuSecond)),
        milliseconds(measured.ttftP50Ms),
        'measured in this run',
      );
    }
  }
  return rows;
}

const given = process.argv.slice(2);
const levels = given.length > 0 ? given.map(Number) : [64, 256, 1024, 2048, 4096];
const program = compileMock();
console.log(
  `load generator: ${firstTokenMs} ms to the first token, ${tokenMs} ms between tokens, ${tokens} tokens, ${waves} waves, one answer in ten spoilt; times in ms; ${pins ? 'a core each' : 'not pinned'}`,
);
console.log(tableRow(columns.map(([name]) => name)));
console.log(tableRow(columns.map(() => '---')));
const rows = [];
for (const streams of levels) {
  const row = await measure(program, streams);
  rows.push(row);
  console.log(tableRow(columns.map(([, cell]) => cell(row))));
}
const unmarked = rows.filter((row) => row.offBeyondGoal && !row.bound).map((row) => row.streams);
console.log(
  `\nfirst stamps off by more than 2 ms (p50) or 10 ms (p99): ${unmarked.length === 0 ? 'at no level that is not marked client-bound' : `NOT MARKED at ${unmarked.join(', ')} streams`}`,
);
// No matter of noise: a point that is off says so, and what was spoilt is counted.
if (unmarked.length > 0 || rows.some((row) => !row.failuresAsTheyWere)) process.exitCode = 1;
const wave = rows.find((row) => row.streams === 1024);
if (wave !== undefined)
  console.log(
    `at 1,024 streams: ${Math.round(wave.eventsPerCpuSecond)} events per CPU second (goal 100,000)\n`,
  );
const clients = await publicClients(program);
console.log(
  JSON.stringify({
    bench: 'load-generator',
    firstTokenMs,
    tokenMs,
    tokens,
    waves,
    pinned: pins,
    rows,
    clients,
  }),
);
