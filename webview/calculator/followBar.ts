import { element, setText } from '../common/dom.ts';
import type { CalculatorState } from './state.ts';

export interface FollowEvents {
  pick(index: number): void;
  followCursor(on: boolean): void;
}

/** Which deployment of which file this is: a sentence, a list where the file has several, and whether the cursor decides. */
export class FollowBar {
  readonly element: HTMLElement;
  readonly #text = element('span', { class: 'quiet-text' });
  readonly #picker = element('select', { id: 'deployment', 'aria-label': 'Deployment of the file' });
  readonly #cursor = element('input', { id: 'follow-cursor', type: 'checkbox' });
  readonly #cursorLabel = element('label', { class: 'check' }, this.#cursor, 'Follow the cursor');
  #key = '';

  constructor(events: FollowEvents) {
    this.#picker.addEventListener('change', () => events.pick(Number(this.#picker.value)));
    this.#cursor.addEventListener('change', () => events.followCursor(this.#cursor.checked));
    this.element = element('div', { class: 'follow-bar' }, this.#text, this.#picker, this.#cursorLabel);
  }

  show({ received, following, index, siblings, followsCursor }: CalculatorState): void {
    const several = siblings.length > 0 && index !== null;
    setText(
      this.#text,
      following === null
        ? 'stands alone: no file is changed'
        : several
          ? 'following'
          : `following ${following}`,
    );
    this.#picker.hidden = !several;
    if (several) {
      const all = [{ index, source: following ?? '', request: null }, ...siblings].sort(
        (a, b) => a.index - b.index,
      );
      const key = JSON.stringify(all.map((one) => [one.index, one.source]));
      if (key !== this.#key) {
        this.#key = key;
        this.#picker.replaceChildren(
          ...all.map((one) => element('option', { value: one.index }, one.source)),
        );
      }
      this.#picker.value = String(index);
    }
    this.#cursorLabel.hidden = !received;
    this.#cursor.checked = followsCursor;
  }
}
