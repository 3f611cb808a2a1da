import type { Fix } from '../../src/core/estimate/types.ts';
import { button, element } from '../common/dom.ts';
import type { EditValue } from './state.ts';

interface Edit {
  readonly flag: string;
  readonly to: EditValue;
}

/** Edits that were found to make it fit, best first, each with its effect. One may set several flags. */
export class FixList {
  readonly element = element('div', { class: 'fixes tools', hidden: true });
  #key = '';

  constructor(private readonly set: (edits: readonly Edit[]) => void) {}

  show(fixes: readonly Fix[]): void {
    const key = JSON.stringify(fixes);
    if (key === this.#key) return;
    this.#key = key;
    this.element.hidden = fixes.length === 0;
    this.element.replaceChildren(
      element('span', {}, 'Would help:'),
      ...fixes.flatMap((fix) => {
        const edits = [fix, ...(fix.also ?? [])].flatMap(({ flag, to }) =>
          typeof to === 'object' ? [] : [{ flag, to }],
        );
        const words = edits.map(({ flag, to }) => `${flag} ${String(to)}`).join(', ');
        return edits.length === 0
          ? []
          : [button(`${words} → ${fix.effect}`, () => this.set(edits), { class: 'quiet' })];
      }),
    );
  }
}
