import type { RunResults } from '../../core/sweep/run.ts';
import { followRun } from '../../remote/runFollower.ts';
import { writeReports } from '../../storage/runReport.ts';
import { exitCodes } from '../exitCodes.ts';
import { HostSession } from '../hostSession.ts';
import { parseOptions } from '../options.ts';
import { hostOf, runOptions, runPlace } from '../runPlaces.ts';
import { readReportInput, writeResults } from '../runReports.ts';
import type { Terminal } from '../terminal.ts';

/** Ends the run, then copies what there is of it and writes its results. */
export async function cancelCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('cancel', argv, runOptions);
  const place = await runPlace(given, terminal.cwd);
  const session = new HostSession(terminal, await hostOf(given, place));
  try {
    const agent = await session.agent();
    await agent.cancel(place.run, { signal: terminal.interrupted });
    let interrupted = false;
    for await (const event of followRun({
      run: place.run,
      workspace: place.workspace,
      connect: () => session.agent(),
      signal: terminal.interrupted,
    })) {
      if (event.type === 'state') interrupted = event.state === 'interrupted';
    }
    const input = await readReportInput(place, interrupted);
    await writeResults(place, input.results);
    await writeReports(place.directory, input);
    terminal.err(endWords(place.run, session.name, input.results));
    if (given.isSet('json')) terminal.out(JSON.stringify(input.results, null, 2));
    return exitCodes.ok;
  } finally {
    await session.dispose();
  }
}

function endWords(run: string, host: string, { outcome, cells }: RunResults): string {
  const nothing = `nothing of it is left running at ${host}.`;
  if (outcome === 'completed') return `Run ${run} was done already: ${nothing}`;
  const done = cells.filter(({ state }) => state === 'done').length;
  return `Run ${run} is cancelled: ${nothing}\n${done} of ${cells.length} cells have a result. \`loadline resume ${run}\` goes on with the others.`;
}
