import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EventEmitter, type LogOutputChannel } from 'vscode';
import { placeOf } from '../../core/sweep/journal.ts';
import type { RunPhase } from '../../core/sweep/phases.ts';
import type { RunProgress } from '../../core/sweep/progress.ts';
import type { RunContext } from '../../core/sweep/results.ts';
import type { RunResults } from '../../core/sweep/run.ts';
import type { JournalRecord } from '../../protocol/agentJournal.ts';
import type { FollowEvent } from '../../remote/runFollower.ts';
import { writeFileAtomically } from '../../storage/atomicFile.ts';
import { DisposableStore } from '../disposable.ts';
import type { HostRegistry } from '../hosts/hostRegistry.ts';
import { messageOf } from '../log.ts';
import { isOver, type RunView } from './runView.ts';

/** Changes closer together than this are shown once. */
const updateEveryMs = 250;

export interface RunPlace {
  readonly run: string;
  /** The folder that has `.loadline` in it. */
  readonly workspace: string;
  readonly directory: string;
}

/** One run: what its folder holds, and, while it is followed, what comes from its host. */
export class TrackedRun extends DisposableStore {
  readonly #changed = this.register(new EventEmitter<void>());
  readonly onDidChange = this.#changed.event;
  readonly #place: RunPlace;
  readonly #hosts: HostRegistry;
  readonly #log: LogOutputChannel;
  readonly #records = new Map<string, JournalRecord>();
  #context: RunContext | null;
  #host: string | null;
  #results: RunResults | null = null;
  #progress: RunProgress | null = null;
  #phases: readonly RunPhase[] = [];
  #connection: string | null = null;
  #interrupted = false;
  #following: AbortController | null = null;
  #timer: NodeJS.Timeout | undefined;
  #lastHeardMs = 0;
  #updateCostMs = 0;
  #written: Promise<void> = Promise.resolve();

  /** `context` where this window starts the run, else null: its folder says it. `host`: where it runs, if known. */
  constructor(
    place: RunPlace,
    hosts: HostRegistry,
    log: LogOutputChannel,
    context: RunContext | null,
    host: string | null,
  ) {
    super();
    this.#place = place;
    this.#hosts = hosts;
    this.#log = log;
    this.#context = context;
    this.#host = context?.host ?? host;
    this.register({ dispose: () => this.#stop() });
  }

  get view(): RunView {
    return {
      ...this.#place,
      host: this.#host,
      results: this.#results,
      progress: this.#progress,
      connection: this.#connection,
    };
  }

  /** What it did when, as far as its journal is here; empty of a run that was over before this window opened. */
  get phases(): readonly RunPhase[] {
    return this.#phases;
  }

  get isFollowed(): boolean {
    return this.#following !== null;
  }

  /** What the folder says, without its host. */
  async read(): Promise<void> {
    this.#results = await readResults(this.#place.directory);
    if (!isOver(this.view)) {
      const { readJournal, wasInterrupted } = await import('../../storage/runFolder.ts');
      // Until the host is asked, which may not be there any more, what it said last holds.
      this.#interrupted = await wasInterrupted(this.#place.directory);
      const { records } = await readJournal(this.#place.directory);
      for (const record of records) this.#records.set(placeOf(record), record);
      await this.#recompute();
    }
    this.#host ??= this.#results?.host ?? null;
    this.#changed.fire();
  }

  /** Follows the run until it has ended, over lost connections. `quietly`: asks nobody for passwords. Never rejects. */
  async follow({ quietly }: { readonly quietly: boolean }): Promise<void> {
    const host = this.#host;
    if (this.#following || this.isDisposed || host === null) return;
    const stop = new AbortController();
    this.#following = stop;
    try {
      const { followRun } = await import('../../remote/runFollower.ts');
      const { run, workspace } = this.#place;
      // Asked for once at most: later attempts come by themselves, when nobody may be there.
      let askNobody = quietly;
      const connect = async () => {
        const { agent } = await this.#hosts.connect(host, { quietly: askNobody });
        askNobody = true;
        return agent;
      };
      for await (const event of followRun({ run, workspace, connect, signal: stop.signal }))
        this.#take(event);
      this.#connection = null;
    } catch (error) {
      this.#log.warn(`${this.#place.run}: ${messageOf(error)}`);
      this.#connection = messageOf(error);
    } finally {
      this.#following = null;
      await this.#update();
    }
  }

  /** Resolves when results.json is as this run is now. */
  settled(): Promise<void> {
    return this.#written;
  }

  #take(event: FollowEvent): void {
    switch (event.type) {
      case 'journal':
        this.#records.set(placeOf(event.record), event.record);
        this.#lastHeardMs = Date.now();
        break;
      case 'rewind':
        if (event.file === 'journal') this.#forget(event.part);
        break;
      case 'state':
        this.#interrupted = event.state === 'interrupted';
        break;
      case 'connected':
        this.#connection = null;
        break;
      case 'disconnected':
        this.#connection = event.error.message;
        break;
      case 'note':
        this.#log.warn(`${this.#place.run}: ${event.message}`);
        return;
      case 'telemetry':
        return;
    }
    // Of a run with very many cells results take a while: they are made less often, so that the editor stays free.
    this.#timer ??= setTimeout(() => void this.#update(), Math.max(updateEveryMs, 5 * this.#updateCostMs));
  }

  /** The host lost this journal, or a part of it: what it has comes again. */
  #forget(part: number | undefined): void {
    for (const [place, record] of this.#records) if (record.part === part) this.#records.delete(place);
  }

  async #update(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const begun = performance.now();
    await this.#recompute();
    this.#updateCostMs = performance.now() - begun;
    if (!this.isDisposed) this.#changed.fire();
  }

  async #recompute(): Promise<void> {
    this.#context ??= await this.#readContext();
    const context = this.#context;
    if (context === null) return;
    this.#host = context.host;
    const [{ resultsFromJournal }, { runProgress }, { runPhases }] = await Promise.all([
      import('../../core/sweep/results.ts'),
      import('../../core/sweep/progress.ts'),
      import('../../core/sweep/phases.ts'),
    ]);
    const records = [...this.#records.values()];
    this.#phases = runPhases(context, records);
    const measured = resultsFromJournal(context, records, { interrupted: this.#interrupted });
    // What lies beside the journal is read once: when all of it is here.
    const results =
      measured.outcome === 'running' ? measured : await this.#withEvidence(measured, context, records);
    if (!sameCells(results, this.#results)) this.#write(results);
    this.#results = results;
    this.#progress =
      results.outcome === 'running' ? runProgress(context, records, this.#hostNowMs(records)) : null;
  }

  async #withEvidence(
    results: RunResults,
    context: RunContext,
    records: readonly JournalRecord[],
  ): Promise<RunResults> {
    const [{ readRunEvidence }, { withEvidence }] = await Promise.all([
      import('../../storage/runEvidence.ts'),
      import('../../core/sweep/evidence.ts'),
    ]);
    return withEvidence(results, context, records, await readRunEvidence(this.#place.directory, records));
  }

  /** The host's clock, as of its last record and the time since. */
  #hostNowMs(records: readonly JournalRecord[]): number {
    const last = records.at(-1)?.wallMs ?? Date.now();
    return this.#lastHeardMs === 0 ? last : last + (Date.now() - this.#lastHeardMs);
  }

  async #readContext(): Promise<RunContext | null> {
    const text = await readFile(join(this.#place.directory, 'environment.json'), 'utf8').catch(() => null);
    // Not here yet, or its copy is under way: asked again at the next change.
    if (text === null) return null;
    const { readRunEnvironment } = await import('../../protocol/runEnvironment.ts');
    const environment = readRunEnvironment(text);
    return environment.ok ? environment.value.context : null;
  }

  #write(results: RunResults): void {
    const file = join(this.#place.directory, 'results.json');
    this.#written = this.#written
      .then(() => writeFileAtomically(file, `${JSON.stringify(results, null, 1)}\n`))
      .catch((error: unknown) => this.#log.error(messageOf(error)));
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#following?.abort();
  }
}

/** results.json where the run is over: it need not be made again from a long journal. */
async function readResults(directory: string): Promise<RunResults | null> {
  try {
    const results: unknown = JSON.parse(await readFile(join(directory, 'results.json'), 'utf8'));
    const usable =
      typeof results === 'object' &&
      results !== null &&
      'schema' in results &&
      results.schema === 1 &&
      'cells' in results &&
      Array.isArray(results.cells);
    return usable ? (results as RunResults) : null;
  } catch {
    return null;
  }
}

/** True where nothing changed that results.json would say: progress alone is not in it. */
function sameCells(a: RunResults, b: RunResults | null): boolean {
  return (
    b !== null &&
    a.outcome === b.outcome &&
    a.answer === b.answer &&
    a.warnings.length === b.warnings.length &&
    JSON.stringify(a.searches) === JSON.stringify(b.searches) &&
    a.cells.every((cell, index) => {
      const other = b.cells[index];
      return (
        cell.state === other?.state &&
        cell.trials.length === other.trials.length &&
        cell.passedOver?.why === other.passedOver?.why
      );
    })
  );
}
