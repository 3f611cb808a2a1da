import type { DeploymentEstimate, EstimateRequest } from '../../src/core/estimate/types.ts';
import { element, setAttributes } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import { showFileValue } from './fileValue.ts';

/** A number that is set by a slider over sensible stops, or typed exactly. */
export interface SliderDefinition {
  readonly id: string;
  readonly label: string;
  /** Ascending; the current value is added where it is not one of them. */
  stops(request: EstimateRequest): readonly number[];
  readonly smallest: number;
  readonly step: number;
  /** NaN where it is not known. */
  value(now: DeploymentEstimate): number;
}

export class Slider {
  readonly id: string;
  readonly element: HTMLElement;
  readonly #range: HTMLInputElement;
  readonly #number: HTMLInputElement;
  readonly #note: HTMLElement;
  #stops: readonly number[] = [];

  constructor(
    private readonly definition: SliderDefinition,
    onSet: (value: number) => void,
  ) {
    const { id, label, smallest, step } = definition;
    this.id = id;
    this.#note = element('span', { class: 'file-value', id: `${id}-file` });
    this.#range = element('input', { id, type: 'range', min: 0, step: 1, 'aria-describedby': this.#note.id });
    this.#number = element('input', {
      type: 'number',
      min: smallest,
      step,
      'aria-label': `${label}, exact value`,
    });
    this.#range.addEventListener('input', () => {
      const stop = this.#stops[Number(this.#range.value)];
      if (stop !== undefined) onSet(stop);
    });
    this.#number.addEventListener('change', () => {
      const value = this.#number.valueAsNumber;
      if (Number.isFinite(value) && value >= smallest) onSet(value);
    });
    this.element = element(
      'div',
      { class: 'control' },
      element('label', { for: id }, label),
      this.#range,
      this.#number,
      this.#note,
    );
  }

  /** `inFile`: what the file has where this differs from it. */
  show(
    request: EstimateRequest,
    now: DeploymentEstimate,
    inFile: string | undefined,
    format: Formatter,
  ): void {
    const value = this.definition.value(now);
    const known = Number.isFinite(value);
    for (const input of [this.#range, this.#number]) input.disabled = !known;
    showFileValue(this.#note, inFile);
    if (!known) return;
    this.#stops = [...new Set([...this.definition.stops(request), value])].sort((a, b) => a - b);
    setAttributes(this.#range, {
      max: this.#stops.length - 1,
      'aria-valuetext': this.definition.step < 1 ? String(value) : format.count(value),
    });
    this.#range.value = String(this.#stops.indexOf(value));
    if (document.activeElement !== this.#number) this.#number.value = String(value);
  }
}
