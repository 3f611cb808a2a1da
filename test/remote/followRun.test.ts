import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentClient, openAgent } from '../../src/remote/agentClient.ts';
import { FileCopy } from '../../src/remote/fileCopy.ts';
import { RemoteError, type RemoteHost } from '../../src/remote/host.ts';
import { type FollowEvent, type FollowOptions, followRun } from '../../src/remote/runFollower.ts';
import { ThisMachineHost } from '../../src/remote/thisMachineHost.ts';
import { readJournal, runFolder } from '../../src/storage/runFolder.ts';
import { type LoopbackSshd, startLoopbackSshd, waitFor } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';
import { all, buildAgent, connectTo, failureOf, logOf, rehearsal } from './support.ts';

const archive = buildAgent();
const workspace = () => temporaryFolder('workspace');
const atOnce = () => 0;

/** What both folders must have in common, byte for byte. */
function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) =>
    /^(plan\.yaml|environment\.json|.+\.jsonl|engine-.+\.log)$/.test(name),
  );
  return Object.fromEntries(
    names.sort().map((name) => [name, readFileSync(join(directory, name), 'latin1')]),
  );
}

/** Each record once, in order, none missing. */
function expectWhole(events: readonly FollowEvent[], journal: string): void {
  const lines = readFileSync(join(journal, 'journal.jsonl'), 'utf8').trim().split('\n');
  const seen = events.flatMap((event) => (event.type === 'journal' ? [event.record.seq] : []));
  expect(seen).toEqual(lines.map((_, index) => index));
  const samples = events.flatMap((event) =>
    event.type === 'telemetry' && event.line.type === 'telemetry' ? [event.line.seq] : [],
  );
  expect(new Set(samples).size).toBe(samples.length);
}

/** By force. One that has just ended by itself is as dead. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

describe('following a run', () => {
  let sshd: LoopbackSshd;
  const hosts: RemoteHost[] = [];
  beforeAll(async () => {
    sshd = await startLoopbackSshd();
  });
  afterAll(async () => {
    await Promise.all(hosts.map((host) => host.dispose()));
    await sshd.stop();
  });

  const agent = async () => {
    const host = await connectTo(sshd);
    hosts.push(host);
    return openAgent(host, archive, logOf());
  };
  const onHost = (run: string) => join(sshd.home, '.cache', 'loadline', 'runs', run);
  const started = async (run: string, options: { cells: number; requests?: number }) => {
    const client = await agent();
    await client.run(rehearsal({ run, ...options }));
    return client;
  };
  const following = (run: string, folder: string, more: Partial<FollowOptions> = {}) =>
    followRun({ run, workspace: folder, connect: agent, backOff: atOnce, ...more });

  it('brings the whole folder home and tells all of it', async () => {
    await started('whole', { cells: 2 });
    const home = workspace();
    const events = await all(following('whole', home));
    const copy = runFolder(home, 'whole');
    expect(contents(copy)).toEqual(contents(onHost('whole')));
    expect(Object.keys(contents(copy))).toEqual(
      expect.arrayContaining(['environment.json', 'journal.jsonl', 'plan.yaml', 'telemetry.jsonl']),
    );
    expect(Object.keys(contents(copy)).some((name) => name.startsWith('engine-'))).toBe(true);
    expectWhole(events, onHost('whole'));
    expect(events.some((event) => event.type === 'telemetry' && event.line.type === 'telemetry')).toBe(true);
    expect(events.at(-1)).toEqual({ type: 'state', state: 'finished' });
    expect(events.filter((event) => event.type === 'note')).toEqual([]);
    expect(statSync(copy).mode & 0o777).toBe(0o700);
    for (const name of Object.keys(contents(copy)))
      expect([name, statSync(join(copy, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(readFileSync(join(home, '.loadline', '.gitignore'), 'utf8')).toBe('*\n');
    const journal = await readJournal(copy);
    expect(journal.notes).toEqual([]);
    expect(journal.records.at(-1)).toMatchObject({ type: 'run-finished', outcome: 'completed' });
  });

  it('goes on where it was after its connection is cut, again and again', async () => {
    await started('cut', { cells: 3, requests: 100 });
    const home = workspace();
    const events: FollowEvent[] = [];
    for await (const event of following('cut', home)) {
      events.push(event);
      if (event.type === 'journal' && event.record.type === 'cell-started') sshd.dropConnections();
    }
    const cuts = events.filter((event) => event.type === 'disconnected');
    expect(cuts.length).toBeGreaterThanOrEqual(1);
    expect(cuts[0]).toMatchObject({ error: { reason: 'lost' }, retryInMs: 0 });
    expect(contents(runFolder(home, 'cut'))).toEqual(contents(onHost('cut')));
    expectWhole(events, onHost('cut'));
  });

  it('is whole after the connection was cut, everything of the run killed, and the run resumed', async () => {
    await started('killed', { cells: 4, requests: 200 });
    const home = workspace();
    const states: string[] = [];
    for await (const event of following('killed', home)) {
      if (event.type === 'state') states.push(event.state);
      if (event.type !== 'journal' || event.record.type !== 'cell-done' || event.record.cell !== 'cell-1')
        continue;
      // The follower's agent dies with its connection; supervisor, worker, load and engine by force, all at once.
      sshd.dropConnections();
      for (const { pid } of await processesOf(sshd.home)) killIfThere(pid);
    }
    expect(states.at(-1)).toBe('interrupted');

    const client = await agent();
    await client.resume('killed');
    await all(following('killed', home));
    expect(contents(runFolder(home, 'killed'))).toEqual(contents(onHost('killed')));
    const { records } = await readJournal(runFolder(home, 'killed'));
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index));
    const of = (type: string) =>
      records.flatMap((record) => (record.type === type && 'cell' in record ? [record.cell] : []));
    expect(of('trial-measured')).toEqual(['cell-0', 'cell-1', 'cell-2', 'cell-3']);
    expect(of('cell-done')).toEqual(['cell-0', 'cell-1', 'cell-2', 'cell-3']);
    expect(records.at(-1)).toMatchObject({ type: 'run-finished', outcome: 'completed' });
    await waitFor(async () => (await processesOf(sshd.home)).length === 0, 'the run to leave no process');
  });

  it('completes a copy that ends anywhere, also in the middle of a line or a character', async () => {
    await started('torn', { cells: 1 });
    const home = workspace();
    await all(following('torn', home));
    const copy = runFolder(home, 'torn');
    const whole = contents(onHost('torn'));
    const size = whole['journal.jsonl']?.length ?? 0;
    for (const held of [0, 1, Math.floor(size / 3), size - 1, size]) {
      truncateSync(join(copy, 'journal.jsonl'), held);
      truncateSync(join(copy, 'telemetry.jsonl'), Math.floor(held / 2));
      const events = await all(following('torn', home));
      expect(contents(copy)).toEqual(whole);
      expectWhole(events, onHost('torn'));
    }
    // A machine that stopped before the bytes reached its disk leaves zeros.
    writeFileSync(
      join(copy, 'journal.jsonl'),
      Buffer.concat([Buffer.from(whole['journal.jsonl'] ?? '').subarray(0, 100), Buffer.alloc(200)]),
    );
    expectWhole(await all(following('torn', home)), onHost('torn'));
    expect(contents(copy)).toEqual(whole);
  });

  it('begins again where the host has lost what was copied, in this process and from a copy of before', async () => {
    await started('rewound', { cells: 3, requests: 200 });
    const home = workspace();
    const journal = join(onHost('rewound'), 'journal.jsonl');
    const events: FollowEvent[] = [];
    let lost = false;
    for await (const event of following('rewound', home)) {
      events.push(event);
      if (lost || event.type !== 'journal' || event.record.type !== 'cell-done') continue;
      lost = true;
      // A disk that said that it had written what it had not: everything of the host gone, the journal shorter.
      for (const { pid } of await processesOf(sshd.home)) killIfThere(pid);
      sshd.dropConnections();
      truncateSync(journal, Math.floor(statSync(journal).size / 3));
      await (await agent()).resume('rewound');
    }
    const at = events.findIndex((event) => event.type === 'rewind' && event.file === 'journal');
    expect(at).toBeGreaterThan(0);
    expectWhole(events.slice(at), onHost('rewound'));
    expect(contents(runFolder(home, 'rewound'))).toEqual(contents(onHost('rewound')));

    // Another window held the folder as it was before.
    const copy = join(runFolder(home, 'rewound'), 'journal.jsonl');
    const whole = readFileSync(copy);
    writeFileSync(copy, Buffer.concat([whole, Buffer.from('{"seq":99,"type":"of the lost"}\n')]));
    const again = await all(following('rewound', home));
    expect(again.some((event) => event.type === 'rewind')).toBe(true);
    expect(readFileSync(copy)).toEqual(whole);
  });

  it('by two into one folder loses and doubles nothing', async () => {
    await started('two', { cells: 3, requests: 100 });
    const home = workspace();
    let second: Promise<FollowEvent[]> | undefined;
    const first: FollowEvent[] = [];
    for await (const event of following('two', home)) {
      first.push(event);
      if (event.type === 'journal' && event.record.type === 'cell-done')
        second ??= all(following('two', home));
    }
    expectWhole(first, onHost('two'));
    expectWhole((await second) ?? [], onHost('two'));
    expect(contents(runFolder(home, 'two'))).toEqual(contents(onHost('two')));
  });

  it('takes a host that says nothing any more for lost', async () => {
    await started('silent', { cells: 2, requests: 200 });
    const home = workspace();
    const events: FollowEvent[] = [];
    let frozen = false;
    for await (const event of following('silent', home, { silenceMs: 3000 })) {
      events.push(event);
      if (frozen || event.type !== 'journal' || event.record.type !== 'cell-started') continue;
      frozen = true;
      sshd.freezeConnections(true);
    }
    sshd.freezeConnections(false);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'disconnected', error: expect.objectContaining({ reason: 'lost' }) }),
    );
    expectWhole(events, onHost('silent'));
  });

  it('can be stopped; the run goes on', async () => {
    const client = await started('going-on', { cells: 1, requests: 1_000_000 });
    const stop = new AbortController();
    const events: FollowEvent[] = [];
    for await (const event of following('going-on', workspace(), { signal: stop.signal })) {
      events.push(event);
      if (event.type === 'journal' && event.record.type === 'cell-started') stop.abort();
    }
    expect(events.at(-1)?.type).toBe('journal');
    const status = (await client.runs()).find(({ run }) => run === 'going-on');
    expect(status?.state).toBe('running');
    await client.cancel('going-on');
  });

  it('ends with the first failure to connect, later with those that do not pass', async () => {
    const refused = new RemoteError('unreachable', 'gpu', 'refused');
    const first = all(following('whole', workspace(), { connect: () => Promise.reject(refused) }));
    expect(await failureOf(first)).toBe(refused);

    await started('key', { cells: 1, requests: 1_000_000 });
    const changed = new RemoteError('host-key-changed', 'gpu', 'changed');
    const attempts = [
      agent,
      () => Promise.reject(refused),
      () => Promise.reject(refused),
      () => Promise.reject(changed),
    ];
    const events: FollowEvent[] = [];
    const later = (async () => {
      for await (const event of following('key', workspace(), {
        connect: () => (attempts.shift() ?? agent)(),
      })) {
        events.push(event);
        if (event.type === 'journal' && event.record.type === 'cell-started') sshd.dropConnections();
      }
    })();
    expect(await failureOf(later)).toBe(changed);
    expect(events.filter((event) => event.type === 'disconnected').map(({ error }) => error.reason)).toEqual([
      'lost',
      'unreachable',
      'unreachable',
    ]);
    await (await agent()).cancel('key');
  });
});

/** A fake agent that sends what a real one would not. */
describe('a host that means harm', () => {
  const host = new ThisMachineHost();
  afterAll(() => host.dispose());

  function sending(...records: object[]) {
    const script = `cat <<'END'\n${records.map((record) => JSON.stringify(record)).join('\n')}\nEND\n`;
    const command = ['/bin/sh', '-c', script, 'fake-agent'];
    const client = new AgentClient(
      host,
      { path: '', python: '', pythonVersion: '', command, uploaded: false },
      logOf(),
    );
    return async () => client;
  }
  const chunk = (file: string, offset: number, text: string, bytes = text.length) => ({
    type: 'chunk',
    file,
    offset,
    bytes,
    data: deflateSync(text).toString('base64'),
  });
  const end = { type: 'follow-end', state: 'finished' };

  it.each(['../../evil', '/tmp/evil', 'results.json', '.gitignore', 'engine-../../x.log', 'constructor'])(
    'cannot write %s',
    async (file) => {
      const home = workspace();
      const events = await all(
        followRun({ run: 'r', workspace: home, connect: sending(chunk(file, 0, 'evil'), end) }),
      );
      expect(events).toContainEqual({ type: 'note', message: expect.stringContaining(JSON.stringify(file)) });
      expect(readdirSync(runFolder(home, 'r'))).toEqual([]);
    },
  );

  it.each([
    ['at another offset', chunk('journal.jsonl', 10, 'x')],
    ['of another length', chunk('journal.jsonl', 0, 'x', 7)],
    ['that does not unpack', { ...chunk('journal.jsonl', 0, 'x'), data: 'AAAA' }],
    ['that unpacks to far more', chunk('journal.jsonl', 0, '0'.repeat(64 * 1024 * 1024))],
  ])('cannot write a part %s', async (_, record) => {
    const home = workspace();
    const failed = failureOf(all(followRun({ run: 'r', workspace: home, connect: sending(record, end) })));
    expect(await failed).toMatchObject({
      reason: 'agent',
      message: expect.stringContaining('journal.jsonl'),
    });
    expect(readFileSync(join(runFolder(home, 'r'), 'journal.jsonl'), 'utf8')).toBe('');
  });

  it('cannot choose the folder', async () => {
    const follow = followRun({ run: '../../etc', workspace: workspace(), connect: sending(end) });
    expect(await failureOf(all(follow))).toBeInstanceOf(RangeError);
  });
});

describe('a full disk here', () => {
  it('is said with the path', async () => {
    const file = await FileCopy.open('/dev/full');
    expect(await failureOf(file.append(Buffer.from('x'), false))).toMatchObject({
      name: 'StorageError',
      diskFull: true,
      message: expect.stringContaining('/dev/full'),
    });
    expect(file.position).toBe(0);
    await file.close();
  });
});
