/** `loadline`: the entry of dist/cli.js. Everything else is in commandLine.ts, which the demo and tests call too. */
import { join } from 'node:path';
import { storageError } from '../storage/atomicFile.ts';
import { runCommandLine } from './commandLine.ts';
import { exitCodes } from './exitCodes.ts';
import { processTerminal } from './processTerminal.ts';

// A reader that went away (`loadline … | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  process.stderr.write(`${storageError('the output', error).message}\n`);
  process.exit(exitCodes.unavailable);
});

const terminal = processTerminal(
  join(__dirname, 'loadline-agent.pyz'),
  join(__dirname, '..', 'package.json'),
);
runCommandLine(process.argv.slice(2), terminal).then((exitCode) => {
  // Not process.exit: what is still on its way to a pipe must get there.
  process.exitCode = exitCode;
});
