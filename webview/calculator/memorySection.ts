import type { DeploymentEstimate, EstimateRequest } from '../../src/core/estimate/types.ts';
import { element, setText } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import { memoryBars } from './memoryBar.ts';
import { areOnOneGpu, mayShareGpu, stackedBar, stackedEstimates } from './stack.ts';
import type { CalculatorState } from './state.ts';

/** The bars of the ranks, and where the file has several deployments, those on one GPU. */
export class MemorySection {
  readonly element = element('section', { class: 'bars', 'aria-label': 'Memory' });
  readonly #bars = element('div', { class: 'bars' });
  readonly #stack = element('div', { class: 'bars' });
  readonly #toggle = element('input', { id: 'stacked', type: 'checkbox' });
  readonly #label = element('label', { class: 'check' }, this.#toggle);
  readonly #words = element('span');

  constructor(onStack: (stacked: boolean) => void) {
    this.#label.append(this.#words);
    this.#toggle.addEventListener('change', () => onStack(this.#toggle.checked));
    this.element.append(this.#bars, this.#label, this.#stack);
  }

  show(state: CalculatorState, request: EstimateRequest, now: DeploymentEstimate, format: Formatter): void {
    this.#bars.replaceChildren(...memoryBars(now, format));
    const others = state.siblings.flatMap(({ request: other }) =>
      other !== null && mayShareGpu(request, other) ? [other] : [],
    );
    const count = 1 + others.length;
    const isStacked = state.stacked ?? areOnOneGpu([request, ...others]);
    this.#label.hidden = count < 2;
    this.#stack.hidden = count < 2 || !isStacked;
    this.#toggle.checked = isStacked;
    setText(this.#words, `Put the ${count} deployments of this file on one GPU`);
    if (this.#stack.hidden) return;
    const current = { source: state.following ?? request.source, estimate: now };
    this.#stack.replaceChildren(stackedBar(stackedEstimates(current, request, state.siblings), format));
  }
}
