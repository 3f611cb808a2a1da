import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { readRunEvidence } from '../../src/storage/runEvidence.ts';
import { partOfCell } from '../../src/storage/runFolder.ts';
import { waitFor } from '../tools/loopbackSshd.ts';
import { accountName, nodeName } from '../tools/slurmCluster.ts';
import { Cluster, hostName } from './cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterEach(() => cluster.clear());
afterAll(async () => {
  await cluster?.stop();
});

/** Three engine starts of one cell each: three array tasks for two GPUs. Rehearsed, so the engines are simulated. */
const plan = (
  name: string,
  { requests = 140, scheduler = 'partition: gpu, gres: "gpu:1", time: "10", cpus: 2' } = {},
) => `name: ${name}
question: chat
hosts: [${hostName}]
scheduler: { type: slurm, ${scheduler} }
gpu: h100-sxm-80gb
engine: { name: vllm, version: "0.26.0" }
model: meta-llama/Llama-3.2-1B-Instruct
matrix: { max-model-len: [2048, 4096, 8192] }
load:
  - { concurrency: [4], requests: ${requests}, warmupRequests: 4, input: 20, output: 8 }
telemetry: { intervalMs: 200 }
`;
/** So long that it can be struck. */
const long = { requests: 3000 };

/** Every cell has its result once, and none failed for what happened to its job. */
async function wholeOnce(name: string): Promise<void> {
  const records = await cluster.records(name);
  const done = records.flatMap((one) => (one.type === 'cell-done' ? [one.cell] : []));
  expect(records.filter(({ type }) => type === 'cell-failed')).toEqual([]);
  expect(done.length).toBe(3);
  expect(new Set(done).size).toBe(3);
  expect(cluster.results(name)).toMatchObject({ outcome: 'completed' });
}

const statesOf = async (name: string) =>
  (await cluster.records(name)).flatMap((one) =>
    one.type === 'job-state' ? [{ task: one.task, state: one.state, reason: one.reason ?? '' }] : [],
  );

it('runs two tasks at once on two GPUs, shows why the third waits, and is followed to its end', async () => {
  const sweep = cluster.start('sweep', cluster.plan('pair', plan('pair', { requests: 1000 })), '--rehearse');
  await cluster.tasksIn('pair', 'RUNNING', 2);
  const [running] = await cluster.tasksIn('pair', 'PENDING', 1);
  expect(cluster.slurm.jobs('%u', '--states=RUNNING')).toEqual([accountName, accountName]);
  expect(running).toMatch(/_2$/);
  await sweep.said("the time in Slurm's queue is not counted");
  await sweep.said('2 tasks running (on gpunode), 1 task waiting (Resources: waiting for GPUs');
  const elsewhere = mkdtempSync(join(tmpdir(), 'loadline-other-window-'));
  await sweep.said('of work left, time in the queue not counted');
  const second = cluster.run('follow', cluster.runOf('pair'), '--host', hostName, '--workspace', elsewhere);
  const finished = await sweep.finished;
  expect(finished.exitCode, finished.stderr).toBe(0);
  expect(finished.stdout).toContain('pair (simulated)');
  await wholeOnce('pair');
  const folder = join(cluster.cli.folder, '.loadline', 'runs', cluster.runOf('pair'));
  const files = readdirSync(folder);
  for (const task of [0, 1, 2])
    for (const file of [`journal-${task}.jsonl`, `telemetry-${task}.jsonl`, `environment-${task}.json`])
      expect(files).toContain(file);
  const records = await cluster.records('pair');
  for (const record of records)
    if (record.type === 'cell-done') expect(await partOfCell(folder, record.cell)).toBe(record.part);
  // Two followers: the same bytes here and there.
  expect((await second).exitCode).toBe(0);
  for (const file of ['journal.jsonl', 'journal-0.jsonl', 'journal-2.jsonl', 'telemetry-1.jsonl'])
    expect(readFileSync(join(elsewhere, '.loadline', 'runs', cluster.runOf('pair'), file))).toEqual(
      readFileSync(join(folder, file)),
    );
  rmSync(elsewhere, { recursive: true });
  const { telemetry } = await readRunEvidence(folder, records);
  expect(telemetry.map(({ part }) => part).sort()).toEqual([0, 1, 2]);
  await cluster.nothingIsLeft();
});

it('cancels with scancel, leaves nothing, and resume submits the tasks without results alone', async () => {
  // One after the other, so that one has its result when the run is cancelled.
  const one = { requests: 1000, scheduler: 'gres: "gpu:1", time: "10", cpus: 2, arrayLimit: 1' };
  const sweep = cluster.start('sweep', cluster.plan('stop', plan('stop', one)), '--rehearse');
  await sweep.said('[1/3]');
  await cluster.tasksIn('stop', 'RUNNING', 1);
  const cancelled = await cluster.run('cancel', cluster.runOf('stop'));
  expect(cancelled.exitCode, cancelled.stderr).toBe(0);
  expect(cluster.jobs('stop')).toEqual([]);
  await sweep.finished;
  await cluster.nothingIsLeft();
  expect(cluster.results('stop')).toMatchObject({ outcome: 'cancelled' });
  const settled = new Set(
    (await cluster.records('stop')).flatMap((record) => (record.type === 'cell-done' ? [record.part] : [])),
  );
  expect(settled.has(0)).toBe(true);
  const resumed = await cluster.run('resume', cluster.runOf('stop'));
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  const submitted = (await cluster.records('stop')).flatMap((one) =>
    one.type === 'job-submitted' ? [one] : [],
  );
  expect(submitted.map(({ tasks }) => tasks)).toEqual([3, 3 - settled.size]);
  await wholeOnce('stop');
});

it('goes on after a preemption where it stopped', async () => {
  const sweep = cluster.start('sweep', cluster.plan('taken', plan('taken', long)), '--rehearse');
  await cluster.tasksIn('taken', 'RUNNING', 2);
  await cluster.underLoad('taken', 2);
  // Of a partition that goes before: Slurm takes a GPU from one of ours.
  const urgent = ['--parsable', '--partition=urgent', '--gres=gpu:1', '--chdir=/', '--output=/dev/null'];
  const job = cluster.slurm.ask('sbatch', ...urgent, '--wrap=exec sleep 600').trim();
  await sweep.said('BeginTime');
  cluster.slurm.ask('scancel', job);
  const finished = await sweep.finished;
  expect(finished.exitCode, finished.stderr).toBe(0);
  await wholeOnce('taken');
  expect((await statesOf('taken')).some(({ reason }) => reason.includes('took the job back'))).toBe(true);
  await cluster.nothingIsLeft();
});

/** Two cells a task: the first is measured when the limit comes near. */
const twoCells = (name: string, lengths: string, more = long) =>
  plan(name, more).replace('concurrency: [4]', 'concurrency: [16, 4]').replace('[2048, 4096, 8192]', lengths);

/** What `--signal=B:TERM@…` sends when the limit is near, now. */
const limitIsNear = (task: string) => cluster.slurm.ask('scancel', '--batch', '--signal=TERM', task);

/** Waits until this task has its first result. */
async function firstResult(name: string, part: number): Promise<void> {
  const has = async () =>
    (await cluster.records(name).catch(() => [])).some(
      (one) => one.type === 'cell-done' && one.part === part,
    );
  await waitFor(has, `a result of task ${part}`);
}

it('stops a task cleanly before its time limit, has it queued again, and lets the others alone', async () => {
  const sweep = cluster.start(
    'sweep',
    cluster.plan('limit', twoCells('limit', '[2048, 4096]')),
    '--rehearse',
  );
  const tasks = await cluster.tasksIn('limit', 'RUNNING', 2);
  await firstResult('limit', 1);
  // The last one's own number in Slurm is that of the whole array.
  const last = tasks.find((task) => task.endsWith('_1')) ?? '';
  expect(cluster.slurm.jobs('%i %A').includes(`${last} ${last.split('_')[0]}`)).toBe(true);
  limitIsNear(last);
  await sweep.said('is near: stopped cleanly and queued again. BeginTime');
  const finished = await sweep.finished;
  expect(finished.exitCode, finished.stderr).toBe(0);
  const records = await cluster.records('limit');
  const done = records.flatMap((one) => (one.type === 'cell-done' ? [one.cell] : []));
  expect([done.length, new Set(done).size]).toEqual([4, 4]);
  expect(records.filter(({ type }) => type === 'trial-measured')).toHaveLength(4);
  const starts = (part: number) =>
    records.filter((one) => one.type === 'job-state' && one.part === part && one.state === 'RUNNING').length;
  expect([starts(0), starts(1)]).toEqual([1, 2]);
  await cluster.nothingIsLeft();
});

it('has itself queued again although the controller is away when its limit comes near', async () => {
  const sweep = cluster.start('sweep', cluster.plan('slow', twoCells('slow', '[2048]')), '--rehearse');
  await firstResult('slow', 0);
  await cluster.slurm.stopController();
  cluster.signalAgent('slow', 0, 'SIGTERM');
  await sweep.said('the scheduler does not answer');
  await cluster.slurm.startController();
  const finished = await sweep.finished;
  expect(finished.exitCode, finished.stderr).toBe(0);
  expect((await statesOf('slow')).some(({ state }) => state === 'REQUEUED')).toBe(true);
  expect((await cluster.records('slow')).filter(({ type }) => type === 'trial-measured')).toHaveLength(2);
  await cluster.nothingIsLeft();
});

it('is cancelled while it is held back, and resumed', async () => {
  const sweep = cluster.start('sweep', cluster.plan('held', twoCells('held', '[2048]')), '--rehearse');
  const [task = ''] = await cluster.tasksIn('held', 'RUNNING', 1);
  await firstResult('held', 0);
  limitIsNear(task);
  await sweep.said('BeginTime');
  expect((await cluster.run('cancel', cluster.runOf('held'))).exitCode).toBe(0);
  await sweep.finished;
  expect(cluster.jobs('held')).toEqual([]);
  expect(cluster.results('held')).toMatchObject({ outcome: 'cancelled' });
  const resumed = await cluster.run('resume', cluster.runOf('held'));
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  expect(cluster.results('held')).toMatchObject({ outcome: 'completed' });
  expect((await cluster.records('held')).filter(({ type }) => type === 'trial-measured')).toHaveLength(2);
});

it('tells why Slurm refused to queue it again, and resume goes on', async () => {
  const sweep = cluster.start('sweep', cluster.plan('kept', twoCells('kept', '[2048]')), '--rehearse');
  const [task = ''] = await cluster.tasksIn('kept', 'RUNNING', 1);
  await firstResult('kept', 0);
  cluster.slurm.ask('scontrol', 'update', `JobId=${task}`, 'Requeue=0');
  limitIsNear(task);
  const ended = await sweep.finished;
  expect(ended.exitCode).toBe(1);
  expect(ended.stdout).toContain('Slurm refused to queue it again');
  expect(ended.stdout).toContain('Requested operation is presently disabled');
  expect(ended.stderr).toContain(`loadline resume ${cluster.runOf('kept')}`);
  const resumed = await cluster.run('resume', cluster.runOf('kept'));
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  expect((await cluster.records('kept')).filter(({ type }) => type === 'trial-measured')).toHaveLength(2);
});

it('says that the time limit is too short, instead of being queued for ever', async () => {
  const text = plan('short', { requests: 300_000, scheduler: 'gres: "gpu:1", time: "1"' }).replace(
    '[2048, 4096, 8192]',
    '[2048]',
  );
  const sweep = cluster.start('sweep', cluster.plan('short', text), '--rehearse');
  const finished = await sweep.finished;
  expect(finished.exitCode).toBe(1);
  expect(finished.stdout).toContain('Nothing was measured within the time limit (00:01:00)');
  expect(finished.stderr).toContain('resume');
  expect(cluster.jobs('short')).toEqual([]);
  await cluster.nothingIsLeft();
});

it('survives a node that fails', async () => {
  const sweep = cluster.start('sweep', cluster.plan('node', plan('node', long)), '--rehearse');
  await cluster.tasksIn('node', 'RUNNING', 2);
  await cluster.underLoad('node', 2);
  cluster.slurm.ask('scontrol', 'update', `NodeName=${nodeName}`, 'State=DOWN', 'Reason=test');
  await sweep.said('BeginTime');
  await cluster.nodeBack();
  const finished = await sweep.finished;
  expect(finished.exitCode, finished.stderr).toBe(0);
  await wholeOnce('node');
  await cluster.nothingIsLeft();
});

it('goes on while the login node is restarted and the controller is away, and is followed again', async () => {
  const sweep = cluster.start('sweep', cluster.plan('login', plan('login', long)), '--rehearse');
  await cluster.underLoad('login', 2);
  await cluster.slurm.stopController();
  // All that runs on a login node for us belongs to a connection.
  await cluster.sshd.suspend();
  cluster.sshd.dropConnections();
  await sweep.said('trying again');
  await cluster.sshd.resume();
  await sweep.said('the scheduler does not answer');
  await cluster.slurm.startController();
  const finished = await sweep.finished;
  expect(finished.exitCode, finished.stderr).toBe(0);
  await wholeOnce('login');
});

it('tells why a job will never start, and cancels it', async () => {
  const text = plan('never', { scheduler: 'gres: "gpu:1", time: "2:00:00"' });
  const sweep = cluster.start('sweep', cluster.plan('never', text), '--rehearse');
  await sweep.said('lower `time` in the plan');
  expect((await cluster.run('cancel', cluster.runOf('never'))).exitCode).toBe(0);
  await sweep.finished;
  expect(cluster.jobs('never')).toEqual([]);
});

it("tells sbatch's refusal in its words with what to do, and leaves no run", async () => {
  const refused = await cluster.run(
    'sweep',
    cluster.plan('refused', plan('refused', { scheduler: 'partition: nosuch' })),
    '--rehearse',
  );
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain('invalid partition specified: nosuch');
  expect(refused.stderr).toContain("Correct `partition` in the plan's `scheduler`");
  const tooMuch = plan('refused', { scheduler: 'gres: "gpu:9"' });
  const unmet = await cluster.run('sweep', cluster.plan('refused', tooMuch), '--rehearse');
  expect(unmet.stderr).toContain('No node has all that `gres`, `cpus` and `memory`');
  expect(cluster.runs('refused')).toEqual([]);
  expect(cluster.onHost('ls ~/.cache/loadline/runs')).not.toContain('refused');
});

it.each(['partition', 'gres', 'account', 'time'])('keeps metacharacters in %s inert', async (key) => {
  const target = join(cluster.sshd.home, 'injected');
  for (const value of [`x;touch ${target}`, `$(touch ${target})`, `--wrap=touch ${target}`]) {
    const text = plan('inert', { scheduler: `${key}: "${value}"` });
    const refused = await cluster.run('sweep', cluster.plan('inert', text), '--rehearse');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('inert.sweep.yaml:4');
  }
  expect(existsSync(target)).toBe(false);
  expect(cluster.runs('inert')).toEqual([]);
});

it('gives each measured task the GPU of its job', async () => {
  const engine = join(cluster.sshd.home, 'fake_engine.py');
  cluster.onHost(`cat > ${engine} <<'END'\n${readFileSync('test/agent/fake_engine.py', 'utf8')}\nEND`);
  const models = JSON.stringify({ data: [{ id: 'meta-llama/Llama-3.2-1B-Instruct' }] });
  const start = `echo CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES; shift 3; exec python3 ${engine} --models '${models}' "$@"`;
  const text = plan('gpus', { requests: 1000 })
    .replace('engine: {', `engine: { launch: { command: [sh, -c, ${JSON.stringify(start)}, sh] },`)
    .replace('[2048, 4096, 8192]', '[2048, 4096]');
  const finished = await cluster.run('sweep', cluster.plan('gpus', text));
  expect(finished.exitCode, finished.stderr).toBe(0);
  const records = await cluster.records('gpus');
  const logs = records.flatMap((one) => (one.type === 'engine-starting' ? [one.log] : []));
  const folder = join(cluster.cli.folder, '.loadline', 'runs', cluster.runOf('gpus'));
  const said = logs.map(
    (log) => /CUDA_VISIBLE_DEVICES=(\S*)/.exec(readFileSync(join(folder, log), 'utf8'))?.[1],
  );
  expect(said.sort()).toEqual(['0', '1']);
  await cluster.nothingIsLeft();
});
