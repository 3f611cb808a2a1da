/** Secrets in a plan: it is copied to the host and into the run folder, and command lines stand in process lists and journals. */
import type { Problem } from '../result.ts';
import type { SweepPlan } from './planSchema.ts';

/**
 * By its last word: `HF_TOKEN`, `api-key`, `AWS_SECRET_ACCESS_KEY` and `PGPASSWORD` are secrets; `max-num-batched-tokens`,
 * `long-prefill-token-threshold` and `HF_TOKEN_PATH` are not.
 */
export function isSecretName(name: string): boolean {
  // A largest number of tokens, of whatever kind, is a limit.
  if (/^max[-_]/i.test(name)) return false;
  return /(?:(?:^|[^a-z\d])(?:token|key)|apikey|secret|password|passwd|passphrase|credentials?)[_\d]*$/i.test(
    name,
  );
}

/** What to do instead; never with the value. */
export function secretProblem(name: string, path: Problem['path'] & {}): Problem {
  const message = `${name} looks like a secret, which must not stand in a plan: it is copied to the host and into run folders and journals. Set it up on the host (for Hugging Face, hf auth login there), and leave it out here.`;
  return { code: 'plan.secret', message, path };
}

/** Of the engine's command and environment; its flags are looked at where they get their names. */
export function launchSecrets({ engine }: SweepPlan): Problem[] {
  const environment = Object.entries(engine.environment)
    .filter(([name, value]) => isSecretName(name) && value !== '')
    .map(([name]) => secretProblem(name, ['engine', 'environment', name]));
  const command = engine.launch?.command ?? [];
  const words = command.flatMap((word, index) => {
    const name = secretInWord(word, command[index + 1]);
    return name === undefined ? [] : [secretProblem(name, ['engine', 'launch', 'command', index])];
  });
  return [...environment, ...words];
}

/** `--api-key=x`, `HF_TOKEN=x` (also within a shell's line), or `--api-key` with its value as the next word. */
function secretInWord(word: string, next: string | undefined): string | undefined {
  const assigned = [...word.matchAll(/([\w.-]+)=\S/g)].map(([, name = '']) => name).find(isSecretName);
  if (assigned !== undefined) return assigned;
  const takesNext = next !== undefined && !next.startsWith('-');
  return takesNext && /^--[\w.-]+$/.test(word) && isSecretName(word) ? word : undefined;
}
