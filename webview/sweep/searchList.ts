import type { SearchResult } from '../../src/core/sweep/cellResult.ts';
import type { RunResults } from '../../src/core/sweep/run.ts';
import { button, element } from '../common/dom.ts';
import { markIcon } from '../common/verdict.ts';

const unfound: Readonly<Record<SearchResult['state'], string>> = {
  running: 'searching … ',
  stopped: 'not finished: the run ended first. ',
  finished: 'nothing found. ',
};

/** What the plan's searches found, and what they saved. */
export class SearchList {
  readonly element = element('section', { class: 'searches', 'aria-label': 'Searches', hidden: true });
  #shown: RunResults['searches'];

  constructor(private readonly pick: (cell: string) => void) {}

  show({ searches = [], cells }: RunResults): void {
    this.element.hidden = searches.length === 0;
    if (searches === this.#shown) return;
    this.#shown = searches;
    const labelOf = (id: string) => cells.find(({ cell }) => cell === id)?.label ?? id;
    this.element.replaceChildren(
      element('h2', {}, searches.length === 1 ? 'Search' : 'Searches'),
      element('ul', {}, ...searches.map((search) => this.#item(search, labelOf))),
    );
  }

  #item(search: SearchResult, labelOf: (id: string) => string): HTMLElement {
    const { found, label, state, goal, why, smooth } = search;
    return element(
      'li',
      {},
      markIcon(state === 'running' ? 'running' : found === null ? 'unknown' : 'passed'),
      ` ${label}, ${goal.replaceAll('-', ' ')}: `,
      found === null
        ? unfound[state]
        : button(labelOf(found), () => this.pick(found), { class: 'quiet', title: 'Show the cell' }),
      // Of a search that goes on it is why the last value was good or bad.
      ` ${state === 'finished' ? why : ''} ${smooth ? '' : 'Good and bad values are mixed: check around it. '}${budgetWords(search)}`,
    );
  }
}

/** `5 of 19 engine starts, 5 of 19 load runs`. */
export function budgetWords({ startsUsed, startsOfGrid, runsUsed, runsOfGrid }: SearchResult): string {
  return `Used ${startsUsed} of the ${startsOfGrid} engine starts and ${runsUsed} of the ${runsOfGrid} load runs of the grid.`;
}
