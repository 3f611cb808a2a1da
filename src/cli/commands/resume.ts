import { relative } from 'node:path';
import { changedPlans } from '../changedPlan.ts';
import { exitCodes } from '../exitCodes.ts';
import { followToEnd, leaveWords } from '../followView.ts';
import { HostSession } from '../hostSession.ts';
import { parseOptions } from '../options.ts';
import { hostOf, runOptions, runPlace } from '../runPlaces.ts';
import type { Terminal } from '../terminal.ts';

export async function resumeCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('resume', argv, {
    ...runOptions,
    detach: { type: 'boolean' },
    'accept-changes': { type: 'boolean' },
  });
  const place = await runPlace(given, terminal.cwd);
  const session = new HostSession(terminal, await hostOf(given, place));
  try {
    const agent = await session.agent();
    await agent.resume(place.run, {
      signal: terminal.interrupted,
      acceptChanges: given.isSet('accept-changes'),
    });
    terminal.err(`Run ${place.run} goes on at ${session.name}.`);
    for (const file of await changedPlans(place, [terminal.cwd, place.workspace])) {
      terminal.err(
        `${relative(terminal.cwd, file)} was changed since: the run goes on with the plan that it started with. \`loadline sweep\` starts the changed one.`,
      );
    }
    if (given.isSet('detach')) {
      terminal.err(leaveWords(place, session.name));
      return exitCodes.ok;
    }
    return await followToEnd(terminal, session, place, { json: given.isSet('json') });
  } finally {
    await session.dispose();
  }
}
