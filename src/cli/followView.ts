/** Follows a run to its end on a terminal: progress while it goes on, then the table, the answer and the report. */
import { relative } from 'node:path';
import { jobStates, jobTroubles, jobWords } from '../core/sweep/jobs.ts';
import { type RunProgress, runProgress } from '../core/sweep/progress.ts';
import { leadSentence, simulatedNotice } from '../core/sweep/reportContent.ts';
import { duration } from '../core/sweep/reportFigures.ts';
import { cellTable, resultWords } from '../core/sweep/reportTable.ts';
import type { RunContext } from '../core/sweep/results.ts';
import { resultsFromJournal } from '../core/sweep/results.ts';
import type { RunResults } from '../core/sweep/run.ts';
import type { HostRunState } from '../protocol/agent.ts';
import type { JournalRecord } from '../protocol/agentJournal.ts';
import { followRun } from '../remote/runFollower.ts';
import { writeReports } from '../storage/runReport.ts';
import { exitCodes } from './exitCodes.ts';
import type { HostSession } from './hostSession.ts';
import { type RunPlace, readEnvironment } from './runPlaces.ts';
import { readReportInput, writeResults } from './runReports.ts';
import type { Terminal } from './terminal.ts';
import { textTable } from './textTable.ts';

const statusEveryMs = 500;

/** Exit code of the run: 0 with a result, 1 without, 130 where Ctrl-C left it to itself. */
export async function followToEnd(
  terminal: Terminal,
  session: HostSession,
  place: RunPlace,
  options: { readonly json: boolean },
): Promise<number> {
  const view = new FollowView(terminal, place);
  const timer = setInterval(() => view.showStatus(), statusEveryMs);
  let state: HostRunState = 'running';
  try {
    const events = followRun({
      run: place.run,
      workspace: place.workspace,
      connect: () => session.agent(),
      signal: terminal.interrupted,
    });
    for await (const event of events) {
      if (event.type === 'journal') await view.take(event.record);
      else if (event.type === 'rewind') view.rewind(event.file, event.part);
      else if (event.type === 'state') state = event.state;
      else if (event.type === 'note') terminal.err(`warning: ${event.message}`);
      else if (event.type === 'disconnected') {
        terminal.err(
          `${event.error.message} The run goes on there; trying again in ${duration(event.retryInMs / 1000)}.`,
        );
      }
    }
  } finally {
    clearInterval(timer);
  }
  if (terminal.interrupted.aborted) {
    terminal.err(leaveWords(place, session.name));
    return exitCodes.interrupted;
  }
  return finish(terminal, place, state, options);
}

async function finish(
  terminal: Terminal,
  place: RunPlace,
  state: HostRunState,
  { json }: { readonly json: boolean },
): Promise<number> {
  const input = await readReportInput(place, state === 'interrupted');
  const { results } = input;
  await writeResults(place, results);
  const files = await writeReports(place.directory, input);
  if (json) terminal.out(JSON.stringify(results, null, 2));
  else {
    for (const line of resultLines(results)) terminal.out(line);
    terminal.out('');
    terminal.out(`Report: ${relative(terminal.cwd, files.html) || files.html}`);
  }
  if (results.outcome === 'interrupted')
    terminal.err(`The run ended without finishing. \`loadline resume ${place.run}\` goes on with it.`);
  return exitCodeOf(results);
}

/** The table, the answer, and what to beware of. */
export function resultLines(results: RunResults): string[] {
  const simulated = results.mode === 'rehearsal';
  const lines = [
    '',
    `${results.name}${simulated ? ' (simulated)' : ''}: ${results.model} on ${results.host}`,
    '',
  ];
  lines.push(...textTable(cellTable(results)), '');
  for (const cell of results.cells) {
    if (cell.failure !== null) lines.push(`${cell.label}: ${cell.failure.message}`);
  }
  lines.push(leadSentence({ results }));
  if (simulated) lines.push(simulatedNotice);
  lines.push(...results.warnings.map((warning) => `warning: ${warning}`));
  return lines;
}

export function exitCodeOf(results: RunResults): number {
  const measured = results.cells.some(({ state }) => state === 'done');
  return results.outcome === 'completed' && measured ? exitCodes.ok : exitCodes.negative;
}

export function leaveWords({ run }: RunPlace, host: string): string {
  return `The run goes on at ${host}. \`loadline follow ${run}\` shows it again, \`loadline cancel ${run}\` ends it.`;
}

class FollowView {
  readonly #terminal: Terminal;
  readonly #place: RunPlace;
  readonly #records: JournalRecord[] = [];
  #context: RunContext | undefined;
  #saidOfJobs = '';
  readonly #saidTroubles = new Set<string>();
  /** Host's clock minus ours when the last record came. */
  #clockOffsetMs = 0;

  constructor(terminal: Terminal, place: RunPlace) {
    this.#terminal = terminal;
    this.#place = place;
  }

  /** The host lost records that were shown. */
  rewind(file: 'journal' | 'telemetry', part?: number): void {
    if (file !== 'journal') return;
    const kept = this.#records.filter((record) => record.part !== part);
    this.#records.splice(0, this.#records.length, ...kept);
    this.#terminal.err('warning: The host lost a part of the journal; what it has is read again.');
  }

  async take(record: JournalRecord): Promise<void> {
    this.#records.push(record);
    this.#clockOffsetMs = record.wallMs - Date.now();
    this.#context ??= (await readEnvironment(this.#place))?.context;
    const settled = record.type === 'cell-done' || record.type === 'cell-failed';
    if (this.#context !== undefined && (settled || record.type === 'run-finished')) {
      const results = resultsFromJournal(this.#context, this.#records);
      await writeResults(this.#place, results);
      if (settled) this.#sayCell(results, record.cell);
    }
    if (record.type === 'warning') this.#terminal.err(`warning: ${record.message}`);
    if (record.type === 'job-submitted' || record.type === 'job-state') this.#sayJobs();
    this.showStatus();
  }

  /** The line that is replaced; where stderr is no terminal, cells alone are said. */
  showStatus(): void {
    if (this.#context === undefined || this.#records.length === 0) return;
    this.#terminal.status?.(statusLine(this.#progress(this.#context), this.#context));
  }

  #progress(context: RunContext): RunProgress {
    return runProgress(context, this.#records, Date.now() + this.#clockOffsetMs);
  }

  /** Each change of the queue once, as far as it says something new. */
  #sayJobs(): void {
    const jobs = jobStates(this.#records);
    if (jobs === null) return;
    for (const trouble of jobTroubles(jobs)) {
      if (!this.#saidTroubles.has(trouble)) this.#terminal.err(`warning: ${trouble}`);
      this.#saidTroubles.add(trouble);
    }
    const words = jobWords(jobs);
    if (words === '' || words === this.#saidOfJobs) return;
    this.#saidOfJobs = words;
    this.#terminal.err(words);
  }

  #sayCell(results: RunResults, id: string): void {
    const cell = results.cells.find((one) => one.cell === id);
    if (cell === undefined || this.#context === undefined) return;
    const progress = this.#progress(this.#context);
    const { completed, total } = progress;
    const left = completed === total ? '' : leftWords(progress);
    const simulated = results.mode === 'rehearsal' ? ' (simulated)' : '';
    this.#terminal.err(`[${completed}/${total}]${simulated} ${cell.label}: ${resultWords(cell)}${left}`);
  }
}

/** Nobody knows how long jobs wait. */
function leftWords({ remainingSeconds, jobs }: RunProgress): string {
  if (remainingSeconds === null) return '';
  const work =
    jobs !== undefined && jobs.waiting > 0 ? 'of work left, time in the queue not counted' : 'left';
  return `, about ${duration(remainingSeconds)} ${work}`;
}

function statusLine(progress: RunProgress, { mode }: RunContext): string {
  const { cell, phase, completed, total, cellShare, jobs } = progress;
  const done = `[${completed}/${total}]${mode === 'rehearsal' ? ' (simulated)' : ''}`;
  const left = leftWords(progress);
  const queued = jobs === undefined ? '' : jobWords(jobs);
  if (cell === null && queued !== '' && completed < total) return `${done} ${queued}${left}`;
  if (cell === null)
    return `${done} ${completed === total ? 'finishing' : 'waiting for the next cell'}${left}`;
  const share = phase === 'load' ? ` ${Math.round(100 * cellShare)} %` : '';
  const behind = jobs !== undefined && jobs.waiting > 0 ? `; ${queued}` : '';
  return `${done} ${cell}: ${phase ?? ''}${share}${left}${behind}`;
}
