import type { ChartView } from '../common/chart.ts';
import { element } from '../common/dom.ts';

export interface ZoomEvents {
  /** Values of the x axis, in the order of the drag. */
  zoomed(from: number, to: number): void;
  reset(): void;
}

/** A drag across the chart chooses a stretch of its x axis; a double click goes back. */
export function enableZoom(chart: ChartView, events: ZoomEvents): void {
  const { canvas } = chart;
  const selection = element('div', { class: 'selection', hidden: true });
  canvas.after(selection);
  let startedAt: number | undefined;

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    startedAt = event.clientX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (startedAt === undefined) return;
    const box = canvas.getBoundingClientRect();
    const left = Math.max(box.left, Math.min(startedAt, event.clientX));
    const right = Math.min(box.right, Math.max(startedAt, event.clientX));
    selection.hidden = right - left < 4;
    selection.style.left = `${left - box.left}px`;
    selection.style.width = `${right - left}px`;
  });
  canvas.addEventListener('pointerup', (event) => {
    const from = startedAt;
    startedAt = undefined;
    selection.hidden = true;
    if (from !== undefined && Math.abs(event.clientX - from) >= 4)
      events.zoomed(chart.valueAt(from), chart.valueAt(event.clientX));
  });
  canvas.addEventListener('pointercancel', () => {
    startedAt = undefined;
    selection.hidden = true;
  });
  canvas.addEventListener('dblclick', () => events.reset());
}
