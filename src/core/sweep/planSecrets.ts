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

/** Of the engine's command, container, endpoint and environment; its flags are looked at where they get their names. */
export function launchSecrets({ engine }: SweepPlan): Problem[] {
  const environment = Object.entries(engine.environment)
    .filter(([name, value]) => isSecretName(name) && value !== '')
    .map(([name]) => secretProblem(name, ['engine', 'environment', name]));
  const { command, container, endpoint } = engine.launch ?? {};
  const path = ['engine', 'launch'];
  return [
    ...environment,
    ...wordSecrets(command ?? [], [...path, 'command']),
    ...wordSecrets(container?.arguments ?? [], [...path, 'container', 'arguments']),
    ...(endpoint !== undefined && hasSecret(endpoint)
      ? [secretProblem('A password or key in the URL', [...path, 'endpoint'])]
      : []),
  ];
}

function wordSecrets(words: readonly string[], path: Problem['path'] & {}): Problem[] {
  return words.flatMap((word, index) => {
    const name = secretInWord(word, words[index + 1]);
    return name === undefined ? [] : [secretProblem(name, [...path, index])];
  });
}

/** `http://user:password@host`, `?api_key=x` */
function hasSecret(url: string): boolean {
  return /^[a-z]+:\/\/[^/?#]*@/i.test(url) || secretInWord(url, undefined) !== undefined;
}

/** What a provider's keys look like, wherever they stand: Hugging Face, OpenAI, GitHub, NVIDIA, AWS. */
const keyShapes =
  /\b(?:hf_[A-Za-z]{30,}|sk-[\w-]{20,}|gh[pousr]_[A-Za-z\d]{30,}|nvapi-[\w-]{30,}|AKIA[A-Z\d]{16})\b/;

/** Where a key stands in the text of a plan, comments included: the text is copied as it is. Offsets; undefined where there is none. */
export function keyInText(text: string): { readonly start: number; readonly end: number } | undefined {
  const match = keyShapes.exec(text);
  return match === null ? undefined : { start: match.index, end: match.index + match[0].length };
}

/** `--api-key=x`, `HF_TOKEN=x` (also within a shell's line), or `--api-key` with its value as the next word. */
function secretInWord(word: string, next: string | undefined): string | undefined {
  const assigned = [...word.matchAll(/([\w.-]+)=\S/g)].map(([, name = '']) => name).find(isSecretName);
  if (assigned !== undefined) return assigned;
  const takesNext = next !== undefined && !next.startsWith('-');
  return takesNext && /^--[\w.-]+$/.test(word) && isSecretName(word) ? word : undefined;
}
