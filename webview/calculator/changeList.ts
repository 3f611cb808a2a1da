import { button, element } from '../common/dom.ts';
import type { Change } from './changes.ts';

export interface ChangeEvents {
  apply(change: Change): void;
  drop(change: Change): void;
}

/** What differs from the file, one by one: written into it, or taken back. */
export class ChangeList {
  readonly element = element('ul', { class: 'changes', 'aria-label': 'Changes on top of the file' });
  #key = '';

  constructor(private readonly events: ChangeEvents) {}

  show(list: readonly Change[]): void {
    this.element.hidden = list.length === 0;
    const key = JSON.stringify(list);
    // What did not change keeps its focus.
    if (key === this.#key) return;
    this.#key = key;
    this.element.replaceChildren(...list.map((change) => this.#changeElement(change)));
  }

  #changeElement(change: Change): HTMLElement {
    const { label, from, to, edit } = change;
    return element(
      'li',
      {},
      element(
        'span',
        { class: 'change' },
        element('code', {}, label),
        ` ${from} → `,
        element('strong', {}, to),
      ),
      edit === null
        ? element('span', { class: 'quiet-text' }, 'tried here only')
        : button('Apply', () => this.events.apply(change), {
            class: 'quiet',
            'aria-label': `Apply ${label} ${to}`,
          }),
      button('Drop', () => this.events.drop(change), {
        class: 'quiet',
        'aria-label': `Drop ${label} ${to}`,
      }),
    );
  }
}
