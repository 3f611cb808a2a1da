import { closest } from '../core/closest.ts';
import { calibrationCommand } from './commands/calibration.ts';
import { cancelCommand } from './commands/cancel.ts';
import { fitCommand } from './commands/fit.ts';
import { followCommand } from './commands/follow.ts';
import { importCommand } from './commands/import.ts';
import { loadCommand } from './commands/load.ts';
import { logCommand } from './commands/log.ts';
import { rankCommand } from './commands/rank.ts';
import { reportCommand } from './commands/report.ts';
import { resumeCommand } from './commands/resume.ts';
import { sweepCommand } from './commands/sweep.ts';
import { watchCommand } from './commands/watch.ts';
import { exitCodes } from './exitCodes.ts';
import { explain } from './explain.ts';
import { helpText } from './help.ts';
import type { Terminal } from './terminal.ts';

type Command = (argv: readonly string[], terminal: Terminal) => Promise<number>;

const commands: Readonly<Record<string, Command>> = {
  fit: fitCommand,
  log: logCommand,
  calibration: calibrationCommand,
  rank: rankCommand,
  sweep: sweepCommand,
  follow: followCommand,
  resume: resumeCommand,
  cancel: cancelCommand,
  load: loadCommand,
  watch: watchCommand,
  report: reportCommand,
  import: importCommand,
};

/** Runs one command line (without `node` and the script) and gives its exit code. Never throws for what a user can cause. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name = 'help', ...rest] = argv;
  if (['--version', '-V', '-v', 'version'].includes(name)) {
    terminal.out(terminal.version);
    return exitCodes.ok;
  }
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0], terminal);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const near = closest(name, Object.keys(commands));
    terminal.err(
      `loadline: there is no command "${name}". ${near === undefined ? '`loadline help` lists them.' : `Did you mean ${near}?`}`,
    );
    return exitCodes.badInput;
  }
  if (rest.includes('--help') || rest.includes('-h')) return help(name, terminal);
  try {
    return await command(rest, terminal);
  } catch (error) {
    return explain(error, terminal);
  }
}

function help(command: string | undefined, terminal: Terminal): number {
  const text = helpText(command);
  if (text === undefined) {
    terminal.err(`loadline: there is no command "${command ?? ''}". \`loadline help\` lists them.`);
    return exitCodes.badInput;
  }
  terminal.out(text);
  return exitCodes.ok;
}
