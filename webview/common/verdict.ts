import type { VerdictOutcome } from '../../src/core/estimate/types.ts';
import { element, setText, svgElement } from './dom.ts';

/** `passed` and `failed` also mark states of cells and hosts. */
export type Mark = VerdictOutcome | 'passed' | 'failed' | 'waiting' | 'running';

const words: Readonly<Record<VerdictOutcome, string>> = {
  fits: 'fits',
  tight: 'tight',
  'does-not-fit': 'does not fit',
  unknown: 'not known',
};

const paths: Readonly<Record<Mark, string>> = {
  fits: 'M2.5 8.5l3.5 3.5 7.5-8',
  passed: 'M2.5 8.5l3.5 3.5 7.5-8',
  tight: 'M8 2l6.5 12h-13zM8 6.5v3.5M8 11.8v.6',
  'does-not-fit': 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  failed: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  unknown: 'M5.5 6a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.1.9-1.1 1.7M8 12.4v.6',
  waiting: 'M8 2.5a5.5 5.5 0 1 0 .01 0',
  running: 'M5 3l8 5-8 5z',
};

export function verdictWord(outcome: VerdictOutcome): string {
  return words[outcome];
}

/** The mark alone; whoever shows it says the word beside it. */
export function markIcon(mark: Mark): SVGElement {
  return svgElement(
    'svg',
    { class: `mark mark-${mark}`, viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' },
    svgElement('path', {
      d: paths[mark],
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': 1.8,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
    }),
  );
}

/** Readers are told of a change at most this often; the newest text wins. */
const announceEveryMs = 10_000;

/** Icon, word and sentence, in colour, and read out politely when it changes. The page's only live region. */
export class VerdictLine {
  readonly element: HTMLElement;
  readonly #icon = element('span', { class: 'verdict-icon' });
  readonly #word = element('strong', { class: 'verdict-word' });
  readonly #reason = element('span', { class: 'verdict-reason' });
  readonly #live = element('span', { class: 'for-readers', 'aria-live': 'polite' });
  #mark: Mark | undefined;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #timer: number | undefined;

  constructor() {
    this.element = element(
      'p',
      { class: 'verdict' },
      this.#icon,
      element('span', {}, this.#word, this.#reason),
      this.#live,
    );
  }

  show(mark: Mark, word: string, reason: string): void {
    if (this.#mark !== mark) {
      this.#icon.replaceChildren(markIcon(mark));
      this.element.className = `verdict verdict-${mark}`;
      this.#mark = mark;
    }
    setText(this.#word, word);
    setText(this.#reason, reason === '' ? '' : ` ${word === '' ? '' : '— '}${reason}`);
    this.#announce();
  }

  #announce(): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(500, this.#announcedAt + announceEveryMs - performance.now());
    this.#timer = window.setTimeout(() => {
      this.#timer = undefined;
      this.#announcedAt = performance.now();
      setText(this.#live, `${this.#word.textContent}${this.#reason.textContent}`);
    }, wait);
  }
}
