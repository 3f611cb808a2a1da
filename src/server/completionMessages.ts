/** What completion says. As messages.ts: numbers come in as numbers. */
import type { Device } from '../core/device/device.ts';
import type { FlagValue } from '../core/engine/deployment.ts';
import type { VersionedFlag } from '../core/engine/engine.ts';
import type { FlagSensitivity } from '../core/estimate/sensitivity.ts';
import type { DeploymentEstimate } from '../core/estimate/types.ts';
import { formatBytes, formatCount, formatSignificant } from '../core/units.ts';
import { flagValue, sentence, times, verdictMarks, verdictWords } from './messages.ts';

/** `921,376` -> `921k`: a list has little room. */
function short(tokens: number): string {
  if (tokens < 10_000) return formatCount(tokens);
  return tokens < 999_500 ? `${formatCount(tokens / 1000)}k` : `${formatSignificant(tokens / 1e6)}M`;
}

export const completionMessages = {
  /** `KV 921k → 1.84M tokens`. */
  effect: ({ kvTokens, outcome, gpuCount }: FlagSensitivity, tokensNow: number) =>
    outcome === 'does-not-fit'
      ? `${verdictMarks[outcome]} ${verdictWords[outcome]}`
      : `KV ${short(tokensNow)} → ${short(kvTokens)} tokens${gpuCount > 1 ? `, ${gpuCount} GPUs` : ''}`,
  flagDetail(flag: VersionedFlag, inUse: FlagValue | undefined): string {
    const standard =
      flag.default !== null
        ? `default ${flag.default === '' ? '""' : String(flag.default)}`
        : inUse === undefined
          ? 'no default'
          : `${flagValue(inUse)} here`;
    return `${flag.kind}, ${standard}`;
  },
  flagDocumentation(
    flag: VersionedFlag,
    effects: readonly FlagSensitivity[],
    defaultNote: string | undefined,
  ): string {
    const lines = effects.map(
      ({ to, kvTokens, kvTokensDelta, maxConcurrency, outcome }) =>
        `- \`${flagValue(to)}\`: ${verdictWords[outcome]}, KV ${formatCount(kvTokens)} tokens (${signed(kvTokensDelta)}), ${times(maxConcurrency)}`,
    );
    return [sentence(flag.description), defaultNote, lines.join('\n')].filter(Boolean).join('\n\n');
  },
  valueDetail: ({ outcome, maxConcurrency, kvTokens }: FlagSensitivity) =>
    `${verdictMarks[outcome]} ${verdictWords[outcome]} · ${times(maxConcurrency)} · KV ${formatCount(kvTokens)} tokens`,
  longest: () => 'The longest that fits.',
  device: ({ label, cudaTotalBytes, computeCapability }: Device) =>
    `${label}, ${formatBytes(cudaTotalBytes)}, compute capability ${computeCapability}`,
  verdict: ({ verdict: { outcome }, kv }: DeploymentEstimate) =>
    outcome === 'fits' || outcome === 'tight'
      ? `${verdictMarks[outcome]} ${verdictWords[outcome]} · ${times(kv.maxConcurrency)}`
      : `${verdictMarks[outcome]} ${verdictWords[outcome]}`,
  gpuWord: () => 'GPU that this is estimated for',
  countWord: () => 'how many of them',
  engineWord: () => 'the engine, its version, or both',
  modelWord: () => 'the model, where the file names none',
};

function signed(count: number): string {
  return count < 0 ? `−${formatCount(-count)}` : `+${formatCount(count)}`;
}
