import { RemoteError } from '../remote/host.ts';
import { StorageError } from '../storage/atomicFile.ts';
import { BadInput } from './badInput.ts';
import { exitCodes } from './exitCodes.ts';
import type { Terminal } from './terminal.ts';

/** Says what went wrong, and gives its exit code. */
export function explain(error: unknown, terminal: Terminal): number {
  if (error instanceof BadInput) {
    for (const line of error.lines) terminal.err(line);
    return exitCodes.badInput;
  }
  if (terminal.interrupted.aborted) return exitCodes.interrupted;
  if (RemoteError.is(error)) {
    // What the agent says names its host already.
    const named = error.message.startsWith(`${error.host}: `) ? '' : `${error.host}: `;
    terminal.err(`${named}${error.message} [${error.reason}]`);
    // A name that is none, or a line of the SSH configuration: nothing was asked for over the network.
    return error.reason === 'config' ? exitCodes.badInput : exitCodes.unavailable;
  }
  if (error instanceof StorageError) {
    terminal.err(error.message);
    return exitCodes.unavailable;
  }
  // A mistake of ours: what a report of it needs is the stack.
  terminal.err(`loadline failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return exitCodes.unavailable;
}
