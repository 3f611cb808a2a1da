/** One run that is struck at random moments, resumed until it is done, and compared with one that nobody disturbed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JournalRecord } from '../../src/protocol/agentJournal.ts';
import { type AgentClient, openAgent } from '../../src/remote/agentClient.ts';
import type { AgentArchive } from '../../src/remote/agentDeployment.ts';
import { RemoteError, type RemoteHost } from '../../src/remote/host.ts';
import { followRun } from '../../src/remote/runFollower.ts';
import { parseJournal, runFolder } from '../../src/storage/runFolder.ts';
import type { BuiltCli, RunningCli } from '../cli/builtCli.ts';
import { connectTo, logOf } from '../remote/support.ts';
import { type LoopbackSshd, waitFor } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { type Blow, strike } from './blows.ts';
import { type PlanName, rehearsalOf } from './rehearsals.ts';

/** A host of its own, with the command line as the editor's side. */
export interface Place {
  readonly sshd: LoopbackSshd;
  readonly cli: BuiltCli;
  readonly archive: AgentArchive;
  readonly workspace: string;
}

export interface Round {
  readonly run: string;
  readonly plan: PlanName;
  readonly blows: readonly Blow[];
}

/** What a run must come to, however it went: cells with their state and completed requests, and what was searched for. */
export interface Outcome {
  readonly cells: Readonly<Record<string, string>>;
  readonly searches: readonly unknown[];
  readonly records: number;
}

export async function playRound(place: Place, { run, plan, blows }: Round): Promise<Outcome> {
  const { sshd, workspace } = place;
  const directory = join(sshd.home, '.cache', 'loadline', 'runs', run);
  const host = new Connection(place);
  try {
    await (await host.agent()).run(await rehearsalOf(plan, run, sshd.alias));
    const editor = new Editor(place, run, host);
    const done = editor.followToTheEnd();
    for (const blow of blows) {
      await moment(blow, directory, editor);
      await strike(blow, { sshd, directory, killEditor: () => editor.kill() });
    }
    editor.nothingMoreComes();
    await done;
    for await (const event of followRun({ run, workspace, connect: () => host.agent(), backOff: () => 50 }))
      if (event.type === 'note') throw new Error(event.message);
  } finally {
    await host.dispose();
  }
  const orphans = async () => (await processesOf(sshd.home)).map(({ command }) => command);
  await waitFor(async () => (await orphans()).length === 0, `no process to be left, but: ${await orphans()}`);
  assertSameFiles(directory, runFolder(workspace, run));
  return outcomeOf(directory);
}

/** When the journal has so many more records, or the run is over. */
async function moment({ records, delayMs }: Blow, directory: string, editor: Editor): Promise<void> {
  const from = recordsIn(directory);
  while (recordsIn(directory) < from + records && !editor.isIdle) await delay(5);
  await delay(delayMs);
}

function recordsIn(directory: string): number {
  const file = join(directory, 'journal.jsonl');
  return existsSync(file) ? readFileSync(file, 'latin1').split('\n').length - 1 : 0;
}

/** Who follows the run, in a process that can be killed, and resumes what was cut off: as a person would, until it is done. */
class Editor {
  #process: RunningCli | undefined;
  #over = false;
  /** True while the run is finished, as far as the host says. */
  isIdle = false;

  constructor(
    readonly place: Place,
    readonly run: string,
    readonly host: Connection,
  ) {}

  kill(): void {
    this.#process?.kill();
  }

  nothingMoreComes(): void {
    this.#over = true;
  }

  async followToTheEnd(): Promise<void> {
    const { cli, sshd, workspace } = this.place;
    const argv = ['follow', this.run, '--workspace', workspace, '--host', sshd.alias];
    for (;;) {
      this.#process = cli.start(argv, { LOADLINE_SSH_CONFIG: sshd.configFile });
      const { exitCode, stderr } = await this.#process.finished;
      if (exitCode === 2) throw new Error(`loadline follow: ${stderr}`);
      const state = await this.#resume();
      this.isIdle = state === 'done';
      if (this.isIdle && this.#over) return;
      while (this.isIdle && !this.#over) await delay(20);
    }
  }

  async #resume(): Promise<'done' | 'goes on' | 'not reached'> {
    try {
      await (await this.host.agent()).resume(this.run);
      return 'goes on';
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      if (/have their result/.test(error.message)) return 'done';
      if (/still going on/.test(error.message)) return 'goes on';
      if (error.reason === 'agent' && !/ended|without an answer/.test(error.message)) throw error;
      await delay(100);
      return 'not reached';
    }
  }
}

/** The test's own connection, made anew when it is lost. */
class Connection {
  #host: RemoteHost | undefined;
  #agent: AgentClient | undefined;

  constructor(readonly place: Place) {}

  async agent(): Promise<AgentClient> {
    if (this.#agent !== undefined) return this.#agent;
    const host = await connectTo(this.place.sshd);
    host.onDidClose(() => {
      if (this.#host === host) this.#agent = undefined;
    });
    this.#host = host;
    this.#agent = await openAgent(host, this.place.archive, logOf());
    return this.#agent;
  }

  async dispose(): Promise<void> {
    await this.#host?.dispose();
  }
}

/** The copy here is the host's, byte for byte. */
function assertSameFiles(onHost: string, here: string): void {
  const followed = (name: string) => /^(plan\.yaml|environment\.json|.+\.jsonl|engine-.+\.log)$/.test(name);
  for (const name of readdirSync(onHost).filter(followed)) {
    const there = readFileSync(join(onHost, name));
    // A line that a reboot tore, and that nothing was written after, is nobody's.
    const whole = name.endsWith('.jsonl') ? there.subarray(0, there.lastIndexOf('\n') + 1) : there;
    if (whole.length > 0 && !whole.equals(readFileSync(join(here, name))))
      throw new Error(`${name} differs from that on the host`);
  }
}

/** Also sees to it that the journal is sound: no gap, no torn line, nothing twice. */
export function outcomeOf(directory: string): Outcome {
  const { records, notes } = parseJournal(readFileSync(join(directory, 'journal.jsonl'), 'utf8'));
  if (notes.length > 0) throw new Error(notes.join('; '));
  records.forEach(({ seq }, index) => {
    if (seq !== index) throw new Error(`record ${seq} stands in place ${index}`);
  });
  const cells: Record<string, string> = {};
  const completed = new Map<string, number[]>();
  for (const record of records) {
    if (record.type === 'trial-measured') take(completed, record);
    if (record.type !== 'cell-done' && record.type !== 'cell-failed' && record.type !== 'cell-passed-over')
      continue;
    if (cells[record.cell] !== undefined) throw new Error(`${record.cell} is settled twice`);
    const kind = record.type === 'cell-failed' ? `failed: ${record.kind}` : record.type;
    cells[record.cell] = `${kind} ${completed.get(record.cell)?.join(', ') ?? ''}`.trim();
  }
  const searches = records.flatMap((record) =>
    record.type === 'search-finished' ? [{ ...record, seq: 0, monotonicMs: 0, wallMs: 0 }] : [],
  );
  const last = records.at(-1);
  if (last?.type !== 'run-finished' || last.outcome !== 'completed')
    throw new Error(`the last record is ${JSON.stringify(last)}`);
  return { cells, searches, records: records.length };
}

function take(
  completed: Map<string, number[]>,
  { cell, trial, measurement }: Extract<JournalRecord, { readonly type: 'trial-measured' }>,
): void {
  const trials = completed.get(cell) ?? [];
  if (trials[trial] !== undefined) throw new Error(`trial ${trial} of ${cell} is measured twice`);
  trials[trial] = measurement.requests.failure.filter((failure) => failure === null).length;
  completed.set(cell, trials);
}
