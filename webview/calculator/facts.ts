import type { DeploymentEstimate } from '../../src/core/estimate/types.ts';
import { element } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';

interface Fact {
  readonly name: string;
  readonly value: string;
  readonly how: string;
}

/** The KV headroom and the speed in figures, each with its band and how it is known. */
function factsOf({ kv, speed, perRank }: DeploymentEstimate, format: Formatter): readonly Fact[] {
  const fits = kv.numBlocks > 0;
  const range = (value: number, [low, high]: readonly [number, number], show: (value: number) => string) =>
    `${show(value)} (${show(low)} to ${show(high)})`;
  const load = `batch ${format.count(speed.batch)}, ${format.count(speed.inputTokens)} tokens in, ${format.count(speed.outputTokens)} out`;
  const speedHow = `formula: ${speed.formula}; ${speed.source}`;
  return [
    {
      name: 'KV cache',
      value: fits ? `${format.count(kv.tokens)} tokens` : 'none',
      how: `formula: ${format.count(kv.numBlocks)} blocks of ${kv.blockSize} tokens, ${format.count(kv.bytesPerTokenPerRank)} bytes a token and rank`,
    },
    {
      name: `Requests of ${format.count(kv.maxModelLen)} tokens at once`,
      value: fits ? format.significant(kv.maxConcurrency) : 'none',
      how: 'formula: tokens of the KV cache by tokens of a full-length request, in blocks',
    },
    {
      name: 'One such request needs',
      value: format.bytes(kv.oneRequestBytes),
      how: `formula: of ${format.bytes(Math.max(0, perRank[0]?.availableKvBytes ?? Number.NaN))} on a rank`,
    },
    {
      name: 'Largest max-model-len that fits',
      value: kv.largestMaxModelLen > 0 ? `${format.count(kv.largestMaxModelLen)} tokens` : 'none',
      how: 'formula: the longest request that the KV cache holds once',
    },
    ...(fits
      ? [
          {
            name: `TTFT at ${load}`,
            value: range(speed.ttftMs, speed.bands.ttftMs, format.milliseconds),
            how: speedHow,
          },
          {
            name: `TPOT, bound by ${speed.bound}`,
            value: range(speed.tpotMs, speed.bands.tpotMs, format.milliseconds),
            how: speedHow,
          },
          {
            name: 'System output',
            value: `${range(speed.decodeTokensPerSecond, speed.bands.decodeTokensPerSecond, format.significant)} tok/s`,
            how: speedHow,
          },
        ]
      : []),
  ];
}

export function factElements(estimate: DeploymentEstimate, format: Formatter): HTMLElement[] {
  return factsOf(estimate, format).map(({ name, value, how }) =>
    element(
      'div',
      { class: 'fact', title: how },
      element('dt', {}, name),
      element('dd', {}, element('strong', {}, value), element('span', { class: 'for-readers' }, `, ${how}`)),
    ),
  );
}

/** Rules of thumb beside the estimate, to see whether it can be right. */
export function checkWords({ perRank }: DeploymentEstimate, format: Formatter): string {
  const weights = perRank[0]?.terms.find(({ id }) => id === 'weights')?.bytes;
  return weights === undefined
    ? ''
    : `Check: the rule of 80 % weights and 20 % KV cache asks for ${format.bytes(weights / 0.8)} a rank (coarser).`;
}
