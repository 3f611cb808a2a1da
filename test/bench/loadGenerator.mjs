// The load generator against a compiled mock server whose chunks say when they were sent: events per CPU second, and
// how far its stamps are from the mock's. `node test/bench/loadGenerator.mjs [streams …]` prints a table row a level
// and then everything as one JSON line. Mock and client are pinned to a core each, where `taskset` is there.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const waves = 3;
const [firstTokenMs, tokenMs, tokens] = [50, 20, 100];

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
async function measure(program, streams) {
  const [command, ...argv] = pinned(0, [program, String(firstTokenMs), String(tokenMs), String(tokens)]);
  const mock = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let port;
    for await (const line of createInterface({ input: mock.stdout })) {
      port = line;
      break;
    }
    if (port === undefined) throw new Error('the mock server did not start');
    const [python, ...rest] = pinned(1, ['python3', `${here}loadGenerator.py`, port]);
    const output = execFileSync(python, [...rest, String(streams), String(streams * waves)], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: `${root}src/agent`, PYTHONDONTWRITEBYTECODE: '1' },
    });
    return JSON.parse(output);
  } finally {
    mock.kill();
  }
}

const milliseconds = (value) => value.toFixed(value < 1 ? 3 : 1);
const columns = [
  ['streams', (row) => String(row.streams)],
  ['failed', (row) => String(row.failed)],
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
  ['bound', (row) => (row.bound ? 'yes' : 'no')],
];
const tableRow = (cells) => `| ${cells.join(' | ')} |`;

const levels = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [64, 256, 1024, 2048, 4096];
const program = compileMock();
console.log(
  `load generator: ${firstTokenMs} ms to the first token, ${tokenMs} ms between tokens, ${tokens} tokens, ${waves} waves; times in ms; ${pins ? 'a core each' : 'not pinned'}`,
);
console.log(tableRow(columns.map(([name]) => name)));
console.log(tableRow(columns.map(() => '---')));
const rows = [];
for (const streams of levels) {
  const row = await measure(program, streams);
  rows.push(row);
  console.log(tableRow(columns.map(([, cell]) => cell(row))));
}
console.log(
  JSON.stringify({ bench: 'load-generator', firstTokenMs, tokenMs, tokens, waves, pinned: pins, rows }),
);
