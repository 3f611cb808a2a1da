/** Servers that a plan can start. To add one: a file beside the engine's others, and its object here. */
import { commandLaunch } from './command/launch.ts';
import type { Deployment } from './deployment.ts';
import { llamaCppLaunch } from './llama-cpp/launch.ts';
import { reasons, type ServerLaunch } from './serverLaunch.ts';
import { sglangLaunch } from './sglang/launch.ts';
import { tgiLaunch } from './tgi/launch.ts';
import { transformersLaunch } from './transformers/launch.ts';
import { tritonLaunch } from './triton/launch.ts';
import { trtllmLaunch } from './trtllm/launch.ts';
import { vllmLaunch } from './vllm/launch.ts';

const launches: ReadonlyMap<string, ServerLaunch> = new Map(
  [
    vllmLaunch,
    sglangLaunch,
    tgiLaunch,
    trtllmLaunch,
    tritonLaunch,
    llamaCppLaunch,
    transformersLaunch,
    commandLaunch,
  ].map((launch) => [launch.name, launch]),
);

export function findServerLaunch(name: string): ServerLaunch | undefined {
  return launches.get(name);
}

/**
 * The words that start a server, for the agent to run without a shell. `command` is what the user starts it by. A model or an item of a
 * list that begins with a dash would be taken for a flag: whoever runs the words has refused such ones (a plan's are, in planSchema.ts).
 */
export function serverArguments(
  launch: ServerLaunch,
  { model, flags }: Deployment,
  command: readonly string[] = launch.command,
): readonly string[] {
  const words = Object.entries(flags).flatMap(([flag, value]) => launch.flagWords(flag, value));
  return [...command, ...(model === undefined ? [] : launch.modelWords(model)), ...words];
}

const everywhere: ReadonlyMap<string, string> = new Map([
  ['host', reasons.address],
  ['port', reasons.port],
]);

/** Why Loadline sets a flag itself. A parser may take the beginning of a name for the whole, so that `api-ke` is one too. */
export function ownFlagReason(launch: ServerLaunch, name: string, known: boolean): string | undefined {
  for (const [own, reason] of [...everywhere, ...launch.ownFlags]) {
    const family = own.endsWith('-') && name.startsWith(own);
    if (name === own || family || (!known && own.startsWith(name))) return reason;
  }
  return undefined;
}

/** GPUs that the flags ask for: the product of the sizes that they name. */
export function gpusOfFlags({ parallelFlags }: ServerLaunch, flags: Deployment['flags']): number {
  return parallelFlags.reduce((product, names) => {
    const written = names.find((name) => Object.hasOwn(flags, name));
    const size = written === undefined ? 1 : Number(flags[written]);
    return size >= 1 && Number.isInteger(size) ? product * size : product;
  }, 1);
}
