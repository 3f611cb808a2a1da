import { readdirSync } from 'node:fs';

const pipes = '\\\\.\\pipe\\';
/** Windows' own OpenSSH agent. */
const opensshPipe = `${pipes}openssh-ssh-agent`;

/**
 * The agent that is used where the config names none: SSH_AUTH_SOCK; on Windows else the pipe of its OpenSSH agent, else that
 * of Pageant, whose name is `pageant.<user>.<hash>` (0.75 and newer; PuTTY's manual, section 9.5). null: there is none.
 */
export function defaultAgentSocket(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
  listPipes: () => readonly string[] = () => readdirSync(pipes),
): string | null {
  const named = environment['SSH_AUTH_SOCK'];
  if (named) return named;
  if (platform !== 'win32') return null;
  const names = pipeNames(listPipes);
  if (names.includes('openssh-ssh-agent')) return opensshPipe;
  const user = environment['USERNAME']?.toLowerCase();
  const pageant = names.find((name) => name.toLowerCase().startsWith(`pageant.${user}.`));
  return pageant === undefined ? null : pipes + pageant;
}

function pipeNames(listPipes: () => readonly string[]): readonly string[] {
  try {
    return listPipes();
  } catch {
    return [];
  }
}
