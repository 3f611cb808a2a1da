import { findEngine } from '../../src/core/engine/engines.ts';
import type { DeploymentEstimate } from '../../src/core/estimate/types.ts';
import { button, element } from '../common/dom.ts';

/** What to lay beside the estimate: rules of thumb, and the words in which the engine's own log will say it. */
export class Checks {
  readonly element: HTMLElement;
  readonly #rules = element('ul', { class: 'checks' });
  readonly #lines = element('pre', { tabindex: 0, 'aria-label': 'What the engine’s log will say' });
  readonly #log = element('div', { class: 'log-words' });

  constructor(copy: (text: string) => void) {
    this.#log.append(
      element('p', { class: 'quiet-text' }, 'In the engine’s own words, to compare with its log:'),
      this.#lines,
      button('Copy', () => copy(this.#lines.textContent ?? ''), {
        class: 'quiet',
        'aria-label': 'Copy the lines of the log',
      }),
    );
    this.element = element(
      'section',
      { class: 'figure', 'aria-labelledby': 'checks-title' },
      element('h2', { id: 'checks-title' }, 'Checks'),
      this.#rules,
      this.#log,
    );
  }

  show(estimate: DeploymentEstimate): void {
    this.#rules.replaceChildren(
      ...(estimate.crossChecks ?? []).map(({ text }) =>
        element('li', {}, text, element('span', { class: 'quiet-text' }, ' Coarser than the estimate.')),
      ),
    );
    // An engine that would not start prints none of it.
    const lines = estimate.kv.numBlocks > 0 ? (findEngine(estimate.engine)?.logLines(estimate) ?? []) : [];
    this.#log.hidden = lines.length === 0;
    this.#lines.textContent = lines.join('\n');
  }
}
