import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlanPreview } from '../../src/core/sweep/preview.ts';
import type { RunResults } from '../../src/core/sweep/run.ts';
import { isClientBound, isUsable } from '../../src/core/sweep/usable.ts';
import { freePort, startLoopbackSshd, waitFor } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { recordedRunsFolder } from '../tools/recordedRuns.ts';
import { BuiltCli } from './builtCli.ts';

let cli: BuiltCli;
beforeAll(async () => {
  cli = await BuiltCli.build();
});
afterAll(async () => {
  // Whatever a failed test left running must not outlive it.
  for (const { pid } of await processesOf(cli.home)) process.kill(pid, 'SIGTERM');
});

/** Two cells of a rehearsal that takes a second or two on this machine. */
const tiny = `name: tiny
question: chat
hosts: [this-machine]
gpu: h100-sxm-80gb
engine: { name: vllm, version: "0.26.0" }
model: meta-llama/Llama-3.2-1B-Instruct
deployment: { flags: { max-model-len: 4096 } }
load:
  - { concurrency: [4, 8], requests: 140, warmupRequests: 4, input: 20, output: 8 }
slo: { ttftP95Ms: 5000, perQueryTokensPerSecond: 0.1 }
telemetry: { intervalMs: 200 }
`;
/** As tiny, with a first cell that takes many seconds. */
const long = tiny
  .replace('name: tiny', 'name: long')
  .replace('[4, 8], requests: 140', '[1, 8], requests: 250')
  .replace('output: 8', 'output: 24');

function plan(name: string, text: string): string {
  const file = `${name}.sweep.yaml`;
  writeFileSync(join(cli.folder, file), text);
  return file;
}

const runs = () => {
  const folder = join(cli.folder, '.loadline', 'runs');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
};
const file = (run: string, name: string) =>
  readFileSync(join(cli.folder, '.loadline', 'runs', run, name), 'utf8');
const resultsOf = (run: string) => JSON.parse(file(run, 'results.json')) as RunResults;

/** The newest run whose name has this in it. */
function runNamed(name: string): string {
  const run = runs().findLast((one) => one.includes(name));
  if (run === undefined) throw new Error(`no run ${name} in ${runs().join(', ')}`);
  return run;
}

function cellDoneRecords(run: string): string[] {
  const records = file(run, 'journal.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return records.filter(({ type }) => type === 'cell-done').map(({ cell }) => cell);
}

async function nothingIsLeft(): Promise<void> {
  await waitFor(
    async () => (await processesOf(cli.home)).length === 0,
    'the processes of the run to be gone',
  );
}

describe('a plan that cannot be run', () => {
  it.each([
    [
      'an unknown key',
      tiny.replace('question:', 'qestion:'),
      /^bad\.sweep\.yaml:2:1: "qestion" is not a key of a plan; did you mean "question"\? \[plan\.unknown-key\]$/m,
    ],
    [
      'a torn line',
      tiny.replace('[this-machine]', '[this-machine'),
      /^bad\.sweep\.yaml:\d+:\d+: .*\[plan\.torn\]$/m,
    ],
    [
      'an unknown GPU',
      tiny.replace('h100-sxm-80gb', 'h100000'),
      /^bad\.sweep\.yaml:4:1: The GPU "h100000" is not known.*\[plan\.gpu-unknown\]$/m,
    ],
    [
      'a model without facts',
      tiny.replace('meta-llama/Llama-3.2-1B-Instruct', 'no/such'),
      /^bad\.sweep\.yaml:6:1: A rehearsal needs the model's facts.*\[plan\.model-unknown\]$/m,
    ],
    [
      'a search for nothing that there is',
      `${tiny}search: { flag: max-num-seqs, goal: most }\n`,
      /^bad\.sweep\.yaml:12:31: search\.goal: .*smallest-that-starts.*\[plan\.bad-value\]$/m,
    ],
    [
      'prompts longer than the context',
      tiny.replace('input: 20', 'input: 5000'),
      /^bad\.sweep\.yaml:9:\d+: .*5000 tokens in and 8 out.*\[plan\.longer-than-context\]$/m,
    ],
    [
      'a secret',
      tiny.replace('max-model-len: 4096', 'hf-token: hf_abc'),
      /^bad\.sweep\.yaml:7:24: (?!.*hf_abc).*\[plan\.secret\]$/m,
    ],
    [
      'cells that cannot fit',
      tiny.replace('max-model-len: 4096', 'gpu-memory-utilization: 0.02'),
      /^bad\.sweep\.yaml:7:1: Every cell is predicted not to fit.*\[plan\.nothing-to-run\]$/m,
    ],
  ])('%s is said at its place, exit 2, and nothing is started', async (_, text, message) => {
    const before = runs();
    const { exitCode, stdout, stderr } = await cli.run(['sweep', '--rehearse', plan('bad', text)]);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(runs()).toEqual(before);
  });
});

describe('a host that cannot be reached', () => {
  const configFor = (port: number) => {
    const path = join(cli.folder, 'ssh_config');
    writeFileSync(
      path,
      `Host far-gpu\n  HostName 127.0.0.1\n  Port ${port}\n  ConnectTimeout 1\n  UserKnownHostsFile none\n`,
    );
    return { LOADLINE_SSH_CONFIG: path };
  };

  it('is said with the reason, exit 3, and no run folder is left', async () => {
    const before = runs();
    const text = tiny.replace('this-machine', 'far-gpu');
    const { exitCode, stderr } = await cli.run(
      ['sweep', '--rehearse', plan('far', text)],
      configFor(await freePort()),
    );
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^far-gpu: .*\[unreachable\]$/m);
    expect(runs()).toEqual(before);
  });

  it('that takes the connection and says nothing is given up', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { exitCode, stderr } = await cli.run(['watch', 'far-gpu'], configFor(port));
    silent.close();
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^far-gpu: .*\[timeout\]$/m);
  });
});

describe('a plan before it runs', () => {
  const searching = tiny
    .replace('[4, 8]', '4')
    .replace(
      'slo:',
      'search: { flag: gpu-memory-utilization, goal: smallest-that-starts, from: 0.02, to: 0.1, step: 0.02 }\nslo:',
    );

  it('is shown with its cells, its starts, its time and its search, and nothing is started', async () => {
    const before = runs();
    const shown = await cli.run(['sweep', '--rehearse', '--dry-run', plan('search', searching)]);
    expect(shown.exitCode).toBe(0);
    expect(shown.stderr).toBe('');
    expect(shown.stdout).toMatch(/gpu-memory-utilization 0.02, concurrency 4 .* ✖ does not fit/);
    expect(shown.stdout).toMatch(/5 cells \(a search runs about 3 of them\), about .*; 3 engine starts/);
    expect(shown.stdout).toMatch(/search for smallest-that-starts .*: about 3 of 5 candidates/);
    const json = await cli.run(['sweep', '--rehearse', '--dry-run', '--json', plan('search', searching)]);
    const preview = JSON.parse(json.stdout) as PlanPreview;
    expect(preview).toMatchObject({
      schema: 1,
      mode: 'rehearsal',
      device: 'h100-sxm-80gb',
      searches: [{ candidates: 5, expectedSteps: 3 }],
      schedule: { cells: 5, starts: 3, startsBecause: ['a rehearsal compresses it'] },
    });
    expect(preview.cells.map(({ predicted }) => predicted)).toContain('does-not-fit');
    expect(runs()).toEqual(before);
  });

  it('that names two hosts is one run on each', async () => {
    const two = tiny.replace('[this-machine]', '[this-machine, gpu-b]');
    const json = await cli.run(['sweep', '--rehearse', '--dry-run', '--json', plan('two', two)]);
    expect(JSON.parse(json.stdout)).toMatchObject([
      { hosts: ['this-machine', 'gpu-b'] },
      { hosts: ['this-machine', 'gpu-b'] },
    ]);
    const shown = await cli.run(['sweep', '--rehearse', '--dry-run', plan('two', two)]);
    expect(shown.stdout).toMatch(/on each of 2 hosts/);
  });

  it('is shown with its commands for its own GPU where its host cannot be reached', async () => {
    const away = tiny.replace('[this-machine]', '["nobody@127.0.0.1:1"]');
    const { exitCode, stdout, stderr } = await cli.run(['sweep', '--dry-run', plan('away', away)]);
    expect(stderr).toMatch(
      /^warning: .*was not asked for its GPUs: .*refused.* counts with the plan's gpu\.$/m,
    );
    expect(stdout).toMatch(/^tiny: .* on h100-sxm-80gb/);
    expect(stdout).toMatch(/concurrency 4 .* ✔ fits/);
    expect(stdout).toMatch(/^ {2}.*vllm serve .*Llama-3.2-1B-Instruct/m);
    expect(exitCode).toBe(0);
    const started = await cli.run(['sweep', plan('away', away)]);
    expect(started.stderr).toMatch(/\[unreachable\]$/m);
    expect(started.exitCode).toBe(3);
  });

  it('says why nothing is predicted of a cell', async () => {
    const text = tiny.replace('slo:', 'matrix: { gpu-memory-utilization: [0.5, 1.5] }\nslo:');
    const { stdout } = await cli.run(['sweep', '--rehearse', '--dry-run', plan('unknown', text)]);
    expect(stdout).toMatch(/utilization 1.5, concurrency 4 .* \? not known: gpu-memory-utilization must be/);
  });

  it('says why a cell is not run, or that it is tried all the same', async () => {
    const text = tiny.replace('slo:', 'matrix: { gpu-memory-utilization: [0.02, 0.5] }\nslo:');
    const skipped = await cli.run(['sweep', '--rehearse', '--dry-run', plan('skipped', text)]);
    expect(skipped.stdout).toMatch(/0.02, concurrency 4 +– .*does not fit, not run: \S/);
    const probed = plan('probed', `${text}predictedNotToFit: probe\n`);
    const { stdout } = await cli.run(['sweep', '--rehearse', '--dry-run', probed]);
    expect(stdout).toMatch(/0.02, concurrency 4 +\d+ s .*does not fit, tried all the same: \S/);
  });

  it('says where a trace is wrong', async () => {
    writeFileSync(join(cli.folder, 'day.jsonl'), '{"timestamp":0,"input_length":4,"output_length":2}\n{}\n');
    const text = tiny.replace(/ {2}- \{.*\}/, '  - { profile: trace, trace: day.jsonl }');
    const { exitCode, stderr } = await cli.run(['sweep', '--rehearse', '--dry-run', plan('trace', text)]);
    expect(stderr).toMatch(/^trace\.sweep\.yaml:9:\d+: .*(Line 2: timestamp is no number|Not covered yet)/m);
    expect(exitCode).toBe(2);
  });
});

describe('a rehearsed sweep on this machine', () => {
  it('shows its cells, runs, answers, and leaves results and reports that all say simulated', async () => {
    const { exitCode, stdout, stderr } = await cli.run(['sweep', '--rehearse', plan('tiny', tiny)]);
    expect(stderr).toMatch(/2 cells, about/);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^tiny \(simulated\)/m);
    const run = runNamed('tiny');
    // A busy machine makes the load generator the limit of a cell: it says so then, and the answer is of the others.
    const { cells } = resultsOf(run);
    for (const [at, cell] of cells.entries()) {
      const words = isUsable(cell) ? 'within SLO' : '(client-bound|not steady)';
      expect(stderr).toMatch(new RegExp(`\\[${at + 1}/2\\] \\(simulated\\) ${cell.label}: ${words}`));
    }
    const largest = cells.findLast(isUsable);
    const answer =
      largest === undefined ? 'Simulated: ' : `Simulated: ${largest.concurrency} is the largest concurrency`;
    expect(stdout).toMatch(new RegExp(`^${answer}`, 'm'));
    expect(run).toMatch(/^\d{8}T\d{6}Z-tiny-simulated$/);
    expect(stdout).toContain(`Report: .loadline/runs/${run}/${run}-report.html`);

    const results = resultsOf(run);
    expect(results).toMatchObject({
      schema: 1,
      run,
      mode: 'rehearsal',
      outcome: 'completed',
      device: 'h100-sxm-80gb',
    });
    expect(
      results.cells.map(({ concurrency, state, trials }) => [concurrency, state, trials.length]),
    ).toEqual([
      [4, 'done', 1],
      [8, 'done', 1],
    ]);
    for (const { trials } of results.cells) {
      expect(trials[0]).toMatchObject({
        requests: { ok: 140, failed: 0 },
        ttftMs: { p95: expect.any(Number), p99: null },
      });
    }
    const html = file(run, `${run}-report.html`);
    expect(html).toMatch(/<title>tiny: simulated sweep<\/title>/);
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(file(run, `${run}-report.md`)).toContain(`# tiny: simulated sweep\n\n**${answer}`);
    expect(file(run, 'plan.yaml')).toBe(tiny);
    expect(readFileSync(join(cli.folder, '.loadline', '.gitignore'), 'utf8')).toBe('*\n');
    await nothingIsLeft();
  });

  it('runs on each of its hosts at the same time, a run each', async () => {
    const sshd = await startLoopbackSshd({ alias: 'gpu-b' });
    try {
      const two = tiny.replace('name: tiny', 'name: both').replace('[this-machine]', '[this-machine, gpu-b]');
      const { exitCode, stdout, stderr } = await cli.run(
        ['sweep', '--rehearse', '--json', plan('both', two)],
        {
          LOADLINE_SSH_CONFIG: sshd.configFile,
        },
      );
      expect(exitCode, stderr).toBe(0);
      expect(stderr).toMatch(/^this-machine: Run \S+-both-this-machine-simulated started on this-machine/m);
      expect(stderr).toMatch(/^gpu-b: Run \S+-both-gpu-b-simulated started on gpu-b/m);
      const started = (host: string) => stderr.indexOf(`started on ${host}`);
      const firstCell = stderr.search(/\[1\/2\]/);
      expect(Math.max(started('gpu-b'), started('this-machine'))).toBeLessThan(firstCell);
      const results = stdout.split(/^(?=\{)/m).map((text) => JSON.parse(text) as RunResults);
      expect(results.map(({ host }) => host).sort()).toEqual(['gpu-b', 'this-machine']);
      const ids = results.map(({ cells }) => cells.map(({ cell, state }) => `${cell} ${state}`));
      expect(ids[0]).toEqual(ids[1]);
      await nothingIsLeft();
    } finally {
      await sshd.stop();
    }
  });

  it('is reported again from its folder alone, the same', async () => {
    const run = runNamed('tiny');
    const [html, results] = [file(run, `${run}-report.html`), resultsOf(run)];
    const again = await cli.run(['report', run]);
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`${run}-report.html`) });
    expect(file(run, `${run}-report.html`)).toBe(html);
    const json = await cli.run(['report', '--json', join('.loadline', 'runs', run)]);
    expect(JSON.parse(json.stdout)).toEqual(results);
    const markdown = await cli.run(['report', run, '--format', 'md', '--output', '-']);
    expect(`${markdown.stdout.trimEnd()}\n`).toBe(file(run, `${run}-report.md`));
  });

  it('is compared with another run, and written as CSV; a rehearsal teaches the estimates nothing', async () => {
    const run = runNamed('tiny');
    const same = await cli.run(['report', run, '--compare', run]);
    expect(same).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('(simulated)') });
    // What was measured on a GPU has the same figures on any machine.
    cpSync(
      join(import.meta.dirname, '..', 'fixtures', recordedRunsFolder, 'chat'),
      join(cli.folder, '.loadline', 'runs', 'recorded'),
      { recursive: true },
    );
    const recorded = await cli.run(['report', 'recorded', '--compare', 'recorded']);
    expect(recorded.stdout).toMatch(/concurrency 4 .*system tokens\/s .*no real difference/);
    const other = await cli.run(['report', run, '--compare', 'recorded']);
    expect(other.stdout).toMatch(
      /concurrency 4 .*system tokens\/s .*(lower|higher|no real difference|not compared)/,
    );
    const csv = await cli.run(['report', run, '--format', 'csv', '--output', '-']);
    expect(csv.stdout.trimEnd()).toBe(file(run, `${run}-report.csv`).trimEnd());
    expect(csv.stdout).toMatch(/^run,simulated,/);
    expect(await cli.run(['report', run, '--calibrate'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('measured no engine of ours'),
    });
    expect(await cli.run(['report', run, '--format', 'pdf'])).toMatchObject({ exitCode: 2 });
  });

  it('says that the KV cache set the pace, from what the engine said at /metrics while it ran', async () => {
    const tight = tiny
      .replace('name: tiny', 'name: tight')
      .replace('{ max-model-len: 4096 }', '{ max-model-len: 1024, gpu-memory-utilization: 0.04 }')
      .replace('[4, 8], requests: 140', '[32], requests: 160')
      .replace('input: 20, output: 8', 'input: 200, output: 200');
    const { exitCode, stderr, stdout } = await cli.run(['sweep', '--rehearse', plan('tight', tight)]);
    expect(exitCode, stderr).toBe(0);
    expect(stderr + stdout).toMatch(/KV-bound: the engine preempted \d+ requests at concurrency 32\./);
    const [cell] = resultsOf(runNamed('tight')).cells;
    expect(cell?.engineMetrics?.preemptions).toBeGreaterThan(0);
    // A client that was the limit comes first; what the cache shows stands there all the same.
    expect(cell?.why?.bound).toBe(cell !== undefined && isClientBound(cell) ? 'client' : 'kv');
    expect(cell?.why?.evidence.join(' ')).toMatch(/KV cache [\d.]+ % full in the mean, .* preemptions/);
  });

  it('of a journal that was torn is reported with what is whole, and says so', async () => {
    const run = runNamed('tiny');
    const journal = join(cli.folder, '.loadline', 'runs', run, 'journal.jsonl');
    const whole = readFileSync(journal, 'utf8');
    const lines = whole.split('\n');
    const secondDone = lines.findLastIndex((line) => line.includes('"cell-done"'));
    writeFileSync(journal, `${lines.slice(0, secondDone).join('\n')}\n{"seq":`);
    const { exitCode, stdout } = await cli.run(['report', '--json', run]);
    writeFileSync(journal, whole);
    expect(exitCode).toBe(0);
    const results = JSON.parse(stdout) as RunResults;
    expect(results.cells.map(({ state }) => state)).toEqual(['done', 'running']);
    expect(results.warnings).toContainEqual(expect.stringContaining('torn'));
  });

  it('gives its results alone on stdout with --json', async () => {
    const { exitCode, stdout } = await cli.run(['sweep', '--rehearse', '--json', plan('tiny', tiny)]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      mode: 'rehearsal',
      answer: expect.stringMatching(/^Simulated: /),
    });
  });

  it('is only shown with --dry-run', async () => {
    const before = runs();
    const { exitCode, stdout } = await cli.run(['sweep', '--rehearse', '--dry-run', plan('tiny', tiny)]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/concurrency 4 .* ✔ fits/);
    expect(runs()).toEqual(before);
  });

  it('goes on after Ctrl-C, and is followed to its end', async () => {
    const running = cli.start([
      'sweep',
      '--rehearse',
      plan('left', long.replace('name: long', 'name: left').replace('requests: 250', 'requests: 140')),
    ]);
    await running.said('started on this-machine');
    running.interrupt();
    const left = await running.finished;
    expect(left.exitCode).toBe(130);
    expect(left.stderr).toMatch(/The run goes on at this-machine\. `loadline follow .*left-simulated`/);
    const run = runNamed('left');
    const followed = await cli.run(['follow', run]);
    expect(followed.exitCode).toBe(0);
    expect(cellDoneRecords(run)).toHaveLength(2);
    expect(resultsOf(run).outcome).toBe('completed');
  });

  it('is cancelled with nothing left running, and resumed: each cell is there once', async () => {
    const started = await cli.run(['sweep', '--rehearse', '--detach', '--json', plan('long', long)]);
    expect(started.exitCode).toBe(0);
    const { run } = JSON.parse(started.stdout) as { run: string };
    expect(await processesOf(cli.home)).not.toEqual([]);

    const cancelled = await cli.run(['cancel', run]);
    expect(cancelled.exitCode).toBe(0);
    await nothingIsLeft();
    expect(resultsOf(run).outcome).toBe('cancelled');
    expect(resultsOf(run).cells.some(({ state }) => state !== 'done')).toBe(true);

    const resumed = await cli.run(['resume', run]);
    expect(resumed.stderr).toContain('[2/2]');
    expect(resumed.exitCode).toBe(0);
    expect(resultsOf(run).outcome).toBe('completed');
    expect(cellDoneRecords(run)).toHaveLength(2);
    expect(new Set(cellDoneRecords(run)).size).toBe(2);
    await nothingIsLeft();

    const again = await cli.run(['resume', run]);
    expect(again.exitCode).toBe(3);
    expect(again.stderr).toContain('have their result');

    const late = await cli.run(['cancel', run]);
    expect(late).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining(`Run ${run} was done already`),
    });
    expect(late.stderr).not.toContain('loadline resume');
    expect(resultsOf(run).outcome).toBe('completed');
  });
});

describe('runs that are not there', () => {
  it('are said, and what to do', async () => {
    expect(await cli.run(['follow', 'no-such-run'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--host'),
    });
    expect(await cli.run(['cancel', 'no-such-run', '--host', 'this-machine'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('no run no-such-run'),
    });
    expect(await cli.run(['report', '--workspace', join(cli.folder, 'home')])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('There is no run'),
    });
  });

  it('or are empty, are said to be so', async () => {
    const workspace = join(cli.folder, 'emptied');
    const folder = join(workspace, '.loadline', 'runs', '20260101T000000Z-empty');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'journal.jsonl'), '');
    const report = await cli.run(['report', '20260101T000000Z-empty', '--workspace', workspace]);
    expect([report.exitCode, report.stderr]).toEqual([
      2,
      expect.stringMatching(/environment\.json is missing.*`loadline follow 20260101T000000Z-empty`/),
    ]);
    const follow = await cli.run(['follow', '20260101T000000Z-empty', '--workspace', workspace]);
    expect([follow.exitCode, follow.stderr]).toEqual([
      2,
      expect.stringMatching(/does not say where it runs: name its host with --host/),
    ]);
  });
});

describe('loadline watch', () => {
  it('shows this machine, a line a tick, and says where there is no GPU', async () => {
    const { exitCode, stdout } = await cli.run(['watch', '--seconds', '1', '--interval', '100']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^this-machine: /);
    expect(stdout).toMatch(/host: CPU/);
  });

  it('gives records as JSON lines', async () => {
    const { stdout } = await cli.run(['watch', 'this-machine', '--seconds', '1', '--json']);
    const types = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types[0]).toBe('telemetry-header');
    expect(types).toContain('telemetry');
  });
});
