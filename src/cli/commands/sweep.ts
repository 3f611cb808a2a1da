import { rm } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import type { ModelFacts } from '../../core/model/facts.ts';
import type { Problem, Result } from '../../core/result.ts';
import { expandSweep } from '../../core/sweep/cells.ts';
import type { SweepPlan } from '../../core/sweep/planSchema.ts';
import { duration } from '../../core/sweep/reportFigures.ts';
import type { Table } from '../../core/sweep/reportTable.ts';
import { resultsFromJournal } from '../../core/sweep/results.ts';
import type { Cell, RunMode } from '../../core/sweep/run.ts';
import type { ProbeRecord } from '../../protocol/agent.ts';
import { launchText } from '../../protocol/engineLaunch.ts';
import { type PreparedRun, planContext, prepareRun } from '../../protocol/runRequest.ts';
import type { AgentClient } from '../../remote/agentClient.ts';
import { RemoteError } from '../../remote/host.ts';
import { gitCommit } from '../../storage/gitCommit.ts';
import { resolveModel } from '../../storage/modelFolder.ts';
import { ensureRunFolder } from '../../storage/runFolder.ts';
import { locateProblem, parseSweepPlan } from '../../text/sweepPlan.ts';
import { BadInput, locatedLine } from '../badInput.ts';
import { exitCodes } from '../exitCodes.ts';
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
  const host = given.text('host') ?? planFile.plan.hosts[0] ?? 'this-machine';
  const mode: RunMode = given.isSet('rehearse') ? 'rehearsal' : 'measured';
  const model = await modelOf(planFile, terminal);
  const session = new HostSession(terminal, host);
  try {
    // A rehearsal asks nothing of the host before it starts: bad input is then found without one.
    const probe =
      mode === 'rehearsal' ? null : await (await session.agent()).probe({ signal: terminal.interrupted });
    const prepared = await prepare(planFile, { host, mode, model, probe }, terminal);
    showPlan(planFile.plan, prepared, terminal);
    if (given.isSet('dry-run')) return exitCodes.ok;
    const workspace = workspaceOf(given, terminal.cwd);
    const place = await startRun(await session.agent(), prepared, workspace, terminal);
    const { run, directory } = place;
    terminal.err(`Run ${run} started on ${host}; here in ${relative(terminal.cwd, directory) || directory}.`);
    const json = given.isSet('json');
    if (given.isSet('detach')) {
      if (json) terminal.out(JSON.stringify({ run, host, directory }));
      terminal.err(leaveWords(place, host));
      return exitCodes.ok;
    }
    return await followToEnd(terminal, session, place, { json });
  } finally {
    await session.dispose();
  }
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

interface Situation {
  readonly host: string;
  readonly mode: RunMode;
  readonly model: ModelFacts | null;
  readonly probe: ProbeRecord | null;
}

async function prepare(planFile: PlanFile, situation: Situation, terminal: Terminal): Promise<PreparedRun> {
  const { plan, text, file, folder } = planFile;
  const located = (problem: Problem) => locatedLine(file, text, locateProblem(text, problem));
  const mustBe = <T>(result: Result<T>): T => {
    if (!result.ok) throw new BadInput(...result.problems.map(located));
    for (const warning of result.warnings) terminal.err(`warning: ${located(warning)}`);
    return result.value;
  };
  const context = mustBe(planContext(plan, situation));
  const { cells, searches } = mustBe(expandSweep(plan, context));
  return mustBe(
    prepareRun({
      plan,
      planText: text,
      cells,
      searches,
      context,
      host: situation.host,
      startedAt: new Date(),
      loadlineVersion: terminal.version,
      gitCommit: await gitCommit(folder),
    }),
  );
}

/** Cells with what is predicted of them, the commands, and how long it will take. */
function showPlan(plan: SweepPlan, { request, context }: PreparedRun, terminal: Terminal): void {
  const simulated = request.simulated ? ' (simulated: no engine is started, no GPU is used)' : '';
  terminal.err(`${plan.name}: ${plan.model} on ${context.device}, host ${context.host}${simulated}`);
  for (const line of textTable(predictionTable(context.cells))) terminal.err(`  ${line}`);
  const commands = new Set(request.cells.flatMap(({ engine }) => launchText(engine) ?? []));
  if (commands.size > 0) terminal.err('Engines that will be started there:');
  for (const command of commands) terminal.err(`  ${command}`);
  const seconds = request.cells.reduce((total, cell) => total + cell.expectedSeconds, 0);
  const gpuHours = (seconds * request.gpus.length) / 3600;
  const cost = gpuHours > 0 ? `, ${gpuHours.toFixed(2)} GPU-h` : '';
  terminal.err(`${request.cells.length} cells, about ${duration(seconds)}${cost}`);
}

function predictionTable(cells: readonly Cell[]): Table {
  return {
    columns: [
      { title: 'cell', unit: '', numeric: false },
      { title: 'predicted', unit: '', numeric: false },
      { title: 'expected', unit: '', numeric: true },
    ],
    rows: cells.map(({ label, prediction, skipped, expectedSeconds }) => [
      label,
      `${prediction === null ? verdictWords.unknown : verdictWords[prediction.outcome]}${skipped ? `, not run: ${prediction?.reason ?? ''}` : ''}`,
      skipped ? '–' : duration(expectedSeconds),
    ]),
  };
}
