import type { DeploymentEstimate } from '../../src/core/estimate/types.ts';
import { button, element } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';

interface Fact {
  readonly name: string;
  readonly value: string;
  /** The exact number, as a click copies it; null where there is none. */
  readonly copy: string | null;
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
      copy: fits ? String(kv.tokens) : null,
      how: `formula: ${format.count(kv.numBlocks)} blocks of ${kv.blockSize} tokens, ${format.count(kv.bytesPerTokenPerRank)} bytes a token and rank`,
    },
    {
      name: `Requests of ${format.count(kv.maxModelLen)} tokens at once`,
      value: fits ? format.significant(kv.maxConcurrency) : 'none',
      copy: fits ? String(kv.maxConcurrency) : null,
      how: 'formula: tokens of the KV cache by tokens of a full-length request, in blocks',
    },
    {
      name: 'One such request needs',
      value: format.bytes(kv.oneRequestBytes),
      copy: String(kv.oneRequestBytes),
      how: `formula: of ${format.bytes(Math.max(0, perRank[0]?.availableKvBytes ?? Number.NaN))} on a rank`,
    },
    {
      name: 'Largest max-model-len that fits',
      value: kv.largestMaxModelLen > 0 ? `${format.count(kv.largestMaxModelLen)} tokens` : 'none',
      copy: kv.largestMaxModelLen > 0 ? String(kv.largestMaxModelLen) : null,
      how: 'formula: the longest request that the KV cache holds once',
    },
    ...(fits
      ? [
          {
            name: `TTFT at ${load}`,
            value: range(speed.ttftMs, speed.bands.ttftMs, format.milliseconds),
            copy: String(speed.ttftMs),
            how: speedHow,
          },
          {
            name: `TPOT, bound by ${speed.bound}`,
            value: range(speed.tpotMs, speed.bands.tpotMs, format.milliseconds),
            copy: String(speed.tpotMs),
            how: speedHow,
          },
          {
            name: 'System output',
            value: `${range(speed.decodeTokensPerSecond, speed.bands.decodeTokensPerSecond, format.significant)} tok/s`,
            copy: String(speed.decodeTokensPerSecond),
            how: speedHow,
          },
        ]
      : []),
  ];
}

/** Each number is a button that copies it. */
export class Facts {
  readonly element = element('dl', { class: 'facts' });
  #key = '';

  constructor(private readonly copy: (text: string) => void) {}

  show(estimate: DeploymentEstimate, format: Formatter): void {
    const facts = factsOf(estimate, format);
    const key = JSON.stringify(facts);
    // What did not change keeps its focus.
    if (key === this.#key) return;
    this.#key = key;
    this.element.replaceChildren(...facts.map((fact) => this.#factElement(fact)));
  }

  #factElement({ name, value, copy, how }: Fact): HTMLElement {
    return element(
      'div',
      { class: 'fact', title: how },
      element('dt', {}, name),
      element(
        'dd',
        {},
        copy === null
          ? element('strong', {}, value)
          : button(value, () => this.copy(copy), { class: 'value', title: `${how}. Click copies ${copy}.` }),
        element('span', { class: 'for-readers' }, `, ${how}`),
      ),
    );
  }
}
