/** What a plan may not say to an engine's environment or to its container: what Loadline sets itself, and what no process can be given. */
import type { Problem } from '../result.ts';
import type { SweepPlan } from './planSchema.ts';

type Path = Problem['path'] & {};

const bad = (path: Path, message: string): Problem => ({ code: 'plan.bad-value', message, path });

/** Locks, telemetry and memory of a run are of the GPUs that its request names: an engine must see those and no others. */
const gpuVariables =
  /^(?:CUDA_VISIBLE_DEVICES|CUDA_DEVICE_ORDER|NVIDIA_VISIBLE_DEVICES|HIP_VISIBLE_DEVICES|ROCR_VISIBLE_DEVICES|GPU_DEVICE_ORDINAL)$/;

/** Why a plan may not set this variable; undefined where it may. */
export function ownVariableReason(name: string): string | undefined {
  if (gpuVariables.test(name))
    return 'which GPUs an engine gets is said by gpuIndices and gpuCount: locks and telemetry are of those';
  if (/^CUDA_MPS_/.test(name)) return 'how copies share a GPU is said by engine.arrangements';
  return /^LOADLINE_/.test(name) ? 'Loadline finds the processes of a run by it' : undefined;
}

export function environmentProblems({ engine }: SweepPlan): Problem[] {
  return Object.keys(engine.environment).flatMap((name) => {
    const path = ['engine', 'environment', name];
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      return [bad(path, `${JSON.stringify(name)} is not the name of an environment variable.`)];
    }
    const reason = ownVariableReason(name);
    return reason === undefined ? [] : [bad(path, `Leave ${name} out: ${reason}.`)];
  });
}

/** Options of docker and podman that would take the container out of the run's hands. */
const ownOptions: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:--detach|-[itP]*d[itdP]*)$/,
    'the engine runs in the foreground, so that its log is read and its end is seen',
  ],
  [/^(?:--name|--rm|--restart|--pull)$/, 'the agent names containers, and removes them; it pulls no images'],
  [
    /^(?:-p|--publish|--publish-all|-[itd]*P[itdP]*)$/,
    'the agent publishes the engine, on loopback alone, at a port that is free',
  ],
  [
    /^--gpus$/,
    'which GPUs an engine gets is said by gpuIndices and gpuCount: locks and telemetry are of those',
  ],
];

export function containerProblems({ engine }: SweepPlan): Problem[] {
  const words = engine.launch?.container?.arguments ?? [];
  return words.flatMap((word, index) => {
    const path = ['engine', 'launch', 'container', 'arguments', index];
    const [option = ''] = word.split('=');
    const own = ownOptions.find(([pattern]) => pattern.test(option));
    if (own !== undefined) return [bad(path, `Leave ${option} out: ${own[1]}.`)];
    const given = /^(?:-e|--env)$/.test(words[index - 1] ?? '') ? word : /^--env=(.*)$/s.exec(word)?.[1];
    const variable = given?.split('=')[0];
    const reason = variable === undefined ? undefined : ownVariableReason(variable);
    return reason === undefined ? [] : [bad(path, `Leave ${variable} out: ${reason}.`)];
  });
}

/**
 * Texts that cannot be handed to a process or shown as they are, anywhere in a document as it was parsed, keys included: what is started
 * was shown before, and nothing in it may hide the rest from whoever looks at it.
 */
export function textProblems(document: unknown, path: Path = [], seen = new Set<object>()): Problem[] {
  if (typeof document === 'string') return textProblem(document, path);
  // An alias of YAML stands for what was looked at, and may be inside of it.
  if (typeof document !== 'object' || document === null || seen.has(document)) return [];
  seen.add(document);
  const entries = Array.isArray(document) ? [...document.entries()] : Object.entries(document);
  return entries.flatMap(([key, value]) => [
    ...(typeof key === 'string' ? textProblem(key, [...path, key]) : []),
    ...textProblems(value, [...path, key], seen),
  ]);
}

/** Control characters but for tab and line ends, characters that turn the direction of writing, halves of a pair of code units. */
const unshown = /[^\P{Cc}\t\n\r]|[\u202a-\u202e\u2066-\u2069]|\p{Cs}/u;

function textProblem(text: string, path: Path): Problem[] {
  const [found] = unshown.exec(text) ?? [];
  if (found === undefined) return [];
  const code = found.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return [bad(path, `The character U+${code} cannot stand in a plan: it is no text that can be shown.`)];
}
