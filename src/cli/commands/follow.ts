import { followToEnd } from '../followView.ts';
import { HostSession } from '../hostSession.ts';
import { parseOptions } from '../options.ts';
import { hostOf, runOptions, runPlace } from '../runPlaces.ts';
import type { Terminal } from '../terminal.ts';

export async function followCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('follow', argv, runOptions);
  const place = await runPlace(given, terminal.cwd);
  const session = new HostSession(terminal, await hostOf(given, place));
  try {
    return await followToEnd(terminal, session, place, { json: given.isSet('json') });
  } finally {
    await session.dispose();
  }
}
