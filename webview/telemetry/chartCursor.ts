import type { ChartView } from '../common/chart.ts';
import { element, setText } from '../common/dom.ts';

/** Parts of the window that an arrow key moves by; with Shift ten times as far. */
const steps = 100;

/** What the pointer shows of a chart, by the arrow keys, Home and End too: drawn, and said to who listens. Escape ends it. */
export function enableCursor(chart: ChartView): void {
  const { canvas } = chart;
  const said = element('p', { class: 'for-readers', 'aria-live': 'polite' });
  canvas.after(said);
  canvas.tabIndex = 0;
  canvas.setAttribute('aria-keyshortcuts', 'ArrowLeft ArrowRight Home End');
  let at: number | undefined;
  const show = (value: number | undefined): void => {
    at = value;
    setText(said, chart.showAt(value).join(', '));
  };
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { min, max } = chart.xRange;
    const step = ((max - min) / steps) * (event.shiftKey ? 10 : 1);
    const from = at ?? max;
    const places: Readonly<Record<string, number>> = {
      ArrowLeft: from - step,
      ArrowRight: from + step,
      Home: min,
      End: max,
    };
    const place = places[event.key];
    if (place === undefined && (event.key !== 'Escape' || at === undefined)) return;
    event.preventDefault();
    show(place === undefined ? undefined : Math.max(min, Math.min(max, place)));
  });
  canvas.addEventListener('blur', () => show(undefined));
}
