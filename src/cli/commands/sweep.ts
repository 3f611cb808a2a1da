import { rm } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import type { ModelFacts } from '../../core/model/facts.ts';
import type { Problem, Result } from '../../core/result.ts';
import { expandSweep } from '../../core/sweep/cells.ts';
import type { SweepPlan } from '../../core/sweep/planSchema.ts';
import {
  addedLine,
  type PlanPreview,
  planPreview,
  scheduleLine,
  searchLines,
  startsLine,
} from '../../core/sweep/preview.ts';
import { duration } from '../../core/sweep/reportFigures.ts';
import type { Table } from '../../core/sweep/reportTable.ts';
import { resultsFromJournal } from '../../core/sweep/results.ts';
import type { RunMode } from '../../core/sweep/run.ts';
import type { ProbeRecord } from '../../protocol/agent.ts';
import { launchText } from '../../protocol/engineLaunch.ts';
import { type PlanSituation, type PreparedRun, planContext, prepareRun } from '../../protocol/runRequest.ts';
import type { AgentClient } from '../../remote/agentClient.ts';
import { RemoteError } from '../../remote/host.ts';
import { gitCommit } from '../../storage/gitCommit.ts';
import { resolveModel } from '../../storage/modelFolder.ts';
import { knownStarts, readTraces } from '../../storage/planFiles.ts';
import { ensureRunFolder } from '../../storage/runFolder.ts';
import { locateProblem, parseSweepPlan } from '../../text/sweepPlan.ts';
import { BadInput, locatedLine } from '../badInput.ts';
import { nearestCalibration } from '../calibrations.ts';
import { exitCodes } from '../exitCodes.ts';
import { explain } from '../explain.ts';
import { verdictWords } from '../fitView.ts';
import { followToEnd, leaveWords } from '../followView.ts';
import { HostSession } from '../hostSession.ts';
import { parseOptions } from '../options.ts';
import { readDocument } from '../readDocument.ts';
import { type RunPlace, workspaceOf } from '../runPlaces.ts';
import { writeResults } from '../runReports.ts';
import type { Terminal } from '../terminal.ts';
import { textTable } from '../textTable.ts';

const options = {
  rehearse: { type: 'boolean' },
  host: { type: 'string' },
  'dry-run': { type: 'boolean' },
  detach: { type: 'boolean' },
  workspace: { type: 'string' },
} as const;

export async function sweepCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('sweep', argv, options);
  const [file, ...more] = given.files;
  if (file === undefined || more.length > 0)
    throw new BadInput('loadline sweep: give one plan, a *.sweep.yaml file.');
  const planFile = await readPlan(file, terminal);
  const named = given.text('host');
  const hosts = named === undefined ? planFile.plan.hosts : [named];
  const mode: RunMode = given.isSet('rehearse') ? 'rehearsal' : 'measured';
  const model = await modelOf(planFile, terminal);
  const workspace = workspaceOf(given, terminal.cwd);
  const around = await surroundings(planFile, workspace, terminal);
  const [json, dry] = [given.isSet('json'), given.isSet('dry-run')];
  const sessions = hosts.map((host) => new HostSession(terminalOf(host, hosts, terminal), host));
  try {
    // All of them first: a plan that one of them cannot run is found before any other has begun. A host that is lost is none's loss.
    const codes: number[] = [];
    const ready: (Prepared & { readonly session: HostSession })[] = [];
    for (const session of sessions) {
      const probe = await probeFor(session, mode, planFile.plan, terminal).catch((error: unknown) => {
        if (dry && isAway(error)) return sayNotAsked(session.name, error, terminal);
        if (hosts.length === 1 || !RemoteError.is(error)) throw error;
        codes.push(explain(error, terminal));
        return undefined;
      });
      if (probe === undefined) continue;
      const situation = { ...around, mode, model, probe };
      const one = await prepare(planFile, { hosts, host: session.name, situation }, terminal);
      // Of a dry run it is the result; else it says what is about to start.
      if (!dry) showPlan(one.preview, one.prepared, (line) => terminal.err(line));
      else if (!json) showPlan(one.preview, one.prepared, (line) => terminal.out(line));
      ready.push({ session, ...one });
    }
    if (dry) {
      const previews = ready.map(({ preview }) => preview);
      if (json) terminal.out(JSON.stringify(previews.length === 1 ? previews[0] : previews, null, 2));
      return Math.max(exitCodes.ok, ...codes);
    }
    // A host that fails is said; the others go on, and are followed to their end.
    const leave = (error: unknown): void => {
      codes.push(explain(error, terminal));
    };
    // Connected first, and followed when all of them run: what takes long on one host keeps no other waiting half-way.
    await Promise.all(ready.map(({ session }) => session.agent().catch(() => undefined)));
    const detach = given.isSet('detach');
    const start = async ({ session, prepared }: (typeof ready)[number]) => {
      const own = terminalOf(session.name, hosts, terminal);
      const place = await startRun(await session.agent(), prepared, workspace, own);
      sayStarted(place, session.name, own, { json, detach });
      return { session, place, own };
    };
    const started = await Promise.all(ready.map((one) => start(one).catch(leave)));
    const follow = async ({ session, place, own }: Awaited<ReturnType<typeof start>>) => {
      codes.push(await followToEnd(own, session, place, { json }));
    };
    if (!detach) await Promise.all(started.map((one) => one && follow(one).catch(leave)));
    return Math.max(exitCodes.ok, ...codes);
  } finally {
    await Promise.all(sessions.map((session) => session.dispose()));
  }
}

/** Where a plan runs on several hosts, each line says which of them. */
function terminalOf(host: string, hosts: readonly string[], terminal: Terminal): Terminal {
  if (hosts.length === 1) return terminal;
  const { status: _replaced, ...plain } = terminal;
  return {
    ...plain,
    interrupted: terminal.interrupted,
    out: (line) => terminal.out(line),
    err: (line) => terminal.err(`${host}: ${line}`),
  };
}

/** A rehearsal asks nothing of the host before it starts, as bad input is then found without one; unless a scheduler is to be rehearsed. */
async function probeFor(
  session: HostSession,
  mode: RunMode,
  plan: SweepPlan,
  { interrupted }: Terminal,
): Promise<ProbeRecord | null> {
  if (mode === 'rehearsal' && plan.scheduler === undefined) return null;
  return (await session.agent()).probe({ signal: interrupted });
}

function isAway(error: unknown): error is RemoteError {
  return RemoteError.is(error, 'unreachable') || RemoteError.is(error, 'timeout');
}

/** A plan can be looked at where its host is not. */
function sayNotAsked(host: string, { message }: RemoteError, terminal: Terminal): null {
  terminal.err(
    `warning: ${host} was not asked for its GPUs: ${message} What follows counts with the plan's gpu.`,
  );
  return null;
}

function sayStarted(
  place: RunPlace,
  host: string,
  terminal: Terminal,
  { json, detach }: { readonly json: boolean; readonly detach: boolean },
): void {
  const { run, directory } = place;
  terminal.err(`Run ${run} started on ${host}; here in ${relative(terminal.cwd, directory) || directory}.`);
  if (!detach) return;
  if (json) terminal.out(JSON.stringify({ run, host, directory }));
  terminal.err(leaveWords(place, host));
}

/** The folder here first: a disk without space is found before anything runs. What the agent refuses leaves no folder. */
async function startRun(
  agent: AgentClient,
  { request, context }: PreparedRun,
  workspace: string,
  terminal: Terminal,
): Promise<RunPlace> {
  const { run } = request;
  const place = { run, workspace, directory: await ensureRunFolder(workspace, run) };
  // Says where the run is from now on, whatever becomes of this process.
  await writeResults(place, resultsFromJournal(context, []));
  try {
    await agent.run(request, { signal: terminal.interrupted });
  } catch (error) {
    if (RemoteError.is(error, 'agent') || RemoteError.is(error, 'disk-full')) {
      await rm(place.directory, { recursive: true, force: true });
    }
    throw error;
  }
  return place;
}

interface PlanFile {
  readonly file: string;
  readonly folder: string;
  readonly text: string;
  readonly plan: SweepPlan;
}

async function readPlan(file: string, terminal: Terminal): Promise<PlanFile> {
  const path = resolve(terminal.cwd, file);
  const text = await readDocument(file, terminal.cwd);
  const { result, problems, warnings } = parseSweepPlan(text);
  for (const warning of warnings) terminal.err(`warning: ${locatedLine(file, text, warning)}`);
  if (!result.ok) throw new BadInput(...problems.map((problem) => locatedLine(file, text, problem)));
  return { file, folder: dirname(path), text, plan: result.value };
}

/** The model's facts where they are at hand: a measured run goes without. */
async function modelOf(
  { plan, folder, file, text }: PlanFile,
  terminal: Terminal,
): Promise<ModelFacts | null> {
  const model = await resolveModel(plan.model, [folder, terminal.cwd]);
  if (model.ok) return model.value;
  for (const problem of model.problems) {
    terminal.err(`warning: ${locatedLine(file, text, locateProblem(text, { ...problem, path: ['model'] }))}`);
  }
  return null;
}

/** What stands around the plan and counts for it. */
type Surroundings = Pick<PlanSituation, 'starts' | 'traces' | 'calibration'>;

async function surroundings(
  { plan, folder, file, text }: PlanFile,
  workspace: string,
  terminal: Terminal,
): Promise<Surroundings> {
  const traces = await readTraces(plan, folder);
  if (!traces.ok) {
    throw new BadInput(
      ...traces.problems.map((problem) => locatedLine(file, text, locateProblem(text, problem))),
    );
  }
  const calibration = await nearestCalibration(terminal.cwd);
  return {
    traces: traces.value,
    starts: await knownStarts(workspace),
    ...(calibration === undefined ? {} : { calibration }),
  };
}

interface Prepared {
  readonly prepared: PreparedRun;
  readonly preview: PlanPreview;
}

async function prepare(
  planFile: PlanFile,
  about: { readonly hosts: readonly string[]; readonly host: string; readonly situation: PlanSituation },
  terminal: Terminal,
): Promise<Prepared> {
  const { plan, text, file, folder } = planFile;
  const { hosts, host, situation } = about;
  const located = (problem: Problem) => locatedLine(file, text, locateProblem(text, problem));
  const mustBe = <T>(result: Result<T>): T => {
    if (!result.ok) throw new BadInput(...result.problems.map(located));
    for (const warning of result.warnings) terminal.err(`warning: ${located(warning)}`);
    return result.value;
  };
  const context = mustBe(planContext(plan, situation));
  const expanded = mustBe(expandSweep(plan, context));
  const { cells, searches } = expanded;
  const prepared = mustBe(
    prepareRun({
      plan,
      planText: text,
      cells,
      searches,
      context,
      host,
      oneOfSeveral: hosts.length > 1,
      startedAt: new Date(),
      loadlineVersion: terminal.version,
      gitCommit: await gitCommit(folder),
    }),
  );
  const preview = planPreview(
    plan,
    expanded,
    { mode: context.mode, device: context.deviceName, hosts },
    prepared.request.cells.flatMap(({ engine }) => launchText(engine) ?? []),
  );
  return { prepared, preview };
}

/** Cells with what is predicted of them, the commands, and how long it will take. */
function showPlan(
  preview: PlanPreview,
  { request, context }: PreparedRun,
  say: (line: string) => void,
): void {
  const simulated = request.simulated ? ' (simulated: no engine is started, no GPU is used)' : '';
  say(`${preview.name}: ${preview.model} on ${context.device}, host ${context.host}${simulated}`);
  for (const line of textTable(predictionTable(preview))) say(`  ${line}`);
  for (const line of searchLines(preview)) say(`  ${line}`);
  if (preview.commands.length > 0) say('Engines that will be started there:');
  for (const command of preview.commands) say(`  ${command}`);
  const added = addedLine(preview);
  if (added !== undefined) say(added);
  say(scheduleLine(preview));
  if (preview.mode === 'measured') say(startsLine(preview));
}

/** Reasons last: they are of any length. */
function predictionTable({ cells, searches }: PlanPreview): Table {
  // Of candidates a search chooses.
  const probed = searches.length > 0 ? '' : ', tried all the same';
  return {
    columns: [
      { title: 'cell', unit: '', numeric: false },
      { title: 'expected', unit: '', numeric: true },
      { title: 'predicted', unit: '', numeric: false },
    ],
    rows: cells.map(({ label, predicted, reason, skipped, expectedSeconds }) => {
      const unfit = predicted === 'does-not-fit';
      const then = skipped ? ', not run' : unfit ? probed : '';
      const why = (skipped || unfit || predicted === 'unknown') && reason !== null ? `: ${reason}` : '';
      return [label, skipped ? '–' : duration(expectedSeconds), `${verdictWords[predicted]}${then}${why}`];
    }),
  };
}
